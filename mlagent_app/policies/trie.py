"""All applicable instructions as one trie of tokens, so that one forward pass gives the exact distribution over them.

A policy writes an instruction token by token. Where only one continuation is applicable it is certain, so the model is asked
at the branches alone: log pi(instruction) is the sum, over the branches on its path, of the log-softmax over the branch's
children. What lies below the last branch needs no forward pass at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
# By token: the number of the completion that ends with it, or what may follow it.
Tree: TypeAlias = "dict[int, int | Tree]"
ROOT = -1


@dataclass(frozen=True, slots=True)
class Trie:
    """The trie of C completions, packed for one forward pass.

    Nodes 0..N-1 are the tokens that are fed to the model behind the prompt: every branch and what leads to it. `token`,
    `parent` (ROOT for the prompt's last token) and `depth` (0 for a first token) have shape [N]; a parent comes before its
    children. Edges 0..E-1 are the choices: `source` is the node that the choice is made at (ROOT or a node), `choice` the token
    chosen; those of one source are neighbours. `path` [C, D] holds the edges on the way to each completion, padded with E.
    """

    token: Ints
    parent: Ints
    depth: Ints
    source: Ints
    choice: Ints
    path: Ints

    @property
    def size(self) -> int:
        """N, the number of tokens to be fed."""
        return len(self.token)

    def ancestors(self) -> Mask:
        """[N, N]: whether node j is node i or stands above it."""
        seen = np.eye(self.size, dtype=bool)
        for node in range(self.size):
            parent = int(self.parent[node])
            if parent != ROOT:
                seen[node] |= seen[parent]
        return seen

    def log_probabilities(self, logits: Floats) -> Floats:
        """From the logits of the edges [E] to the log-probabilities of the completions [C]."""
        edge = np.append(segment_log_softmax(logits, self.source), 0.0)
        return edge[self.path].sum(axis=1)


def build(completions: Sequence[Sequence[int]]) -> Trie:
    """The trie of these token sequences, which differ from each other and none of which begins another. Raises ValueError."""
    if not completions or any(not ids for ids in completions):
        raise ValueError("a trie needs completions, none of them empty")
    tree: Tree = {}
    for number, ids in enumerate(completions):
        _add(tree, ids, number)
    packer = _Packer(len(completions))
    packer.pack(tree)
    return packer.trie()


def _add(tree: Tree, ids: Sequence[int], number: int) -> None:
    node = tree
    for token in ids[:-1]:
        below = node.setdefault(token, {})
        if not isinstance(below, dict):
            raise ValueError("a completion begins another one")
        node = below
    if ids[-1] in node:
        raise ValueError("two completions are equal, or one begins another")
    node[ids[-1]] = number


class _Packer:
    """Walks the tree, and gives numbers to what must be fed."""

    def __init__(self, count: int) -> None:
        self._token: list[int] = []
        self._parent: list[int] = []
        self._depth: list[int] = []
        self._source: list[int] = []
        self._choice: list[int] = []
        self._paths: list[list[int]] = [[] for _ in range(count)]

    def pack(self, tree: Tree) -> None:
        stack: list[tuple[Tree, int, int, list[int], list[int]]] = [(tree, ROOT, 0, [], [])]
        while stack:
            node, at, depth, pending, path = stack.pop()
            if len(node) == 1:
                # Certain: its token is fed only if a branch comes later.
                [(token, below)] = node.items()
                self._down(stack, below, (at, depth, [*pending, token], path))
                continue
            for token in pending:
                self._token.append(token)
                self._parent.append(at)
                self._depth.append(depth)
                at, depth = len(self._token) - 1, depth + 1
            first = len(self._source)
            for token in node:
                self._source.append(at)
                self._choice.append(token)
            for edge, (token, below) in enumerate(node.items(), first):
                self._down(stack, below, (at, depth, [token], [*path, edge]))

    def _down(
        self,
        stack: list[tuple[Tree, int, int, list[int], list[int]]],
        below: int | Tree,
        state: tuple[int, int, list[int], list[int]],
    ) -> None:
        at, depth, pending, path = state
        if isinstance(below, int):
            self._paths[below] = path
        else:
            stack.append((below, at, depth, pending, path))

    def trie(self) -> Trie:
        edges = len(self._source)
        width = max((len(path) for path in self._paths), default=0)
        path = np.full((len(self._paths), width), edges, dtype=np.int64)
        for row, found in enumerate(self._paths):
            path[row, : len(found)] = found
        token, parent, depth = _ints(self._token), _ints(self._parent), _ints(self._depth)
        return Trie(token, parent, depth, _ints(self._source), _ints(self._choice), path)


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def segment_log_softmax(logits: Floats, segment: Ints) -> Floats:
    """The log-softmax of `logits` [E] within each run of equal `segment` values [E]."""
    if not len(logits):
        return logits
    starts = np.flatnonzero(np.diff(segment, prepend=segment[0] - 1))
    lengths = np.diff(np.append(starts, len(logits)))
    top = np.repeat(np.maximum.reduceat(logits, starts), lengths)
    shifted = logits - top
    total = np.log(np.add.reduceat(np.exp(shifted), starts))
    return shifted - np.repeat(total, lengths)
