"""Patent phrases: heads and modifiers whose kinship is drawn by chance, judged in quarters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables, read_table

COLUMNS = ("id", "anchor", "target", "context", "score")
HEADS: Sequence[Sequence[str]] = [
    "container vessel tank casing housing canister drum jar".split(),
    "shaft spindle rod axle pin bolt beam post".split(),
    "valve nozzle pipe duct hose pump channel outlet".split(),
    "circuit sensor electrode terminal antenna resistor relay switch".split(),
    "lens mirror prism filter display lamp screen aperture".split(),
    "fabric sheet film layer membrane strip web coating".split(),
    "signal code record message packet frame table key".split(),
    "polymer solution resin compound salt acid mixture paste".split(),
]
MODIFIERS: Sequence[Sequence[str]] = [
    "rotary sliding swinging oscillating pivoting moving".split(),
    "flexible elastic rigid stiff soft hard".split(),
    "heated cooled thermal warm cold insulated".split(),
    "upper lower inner outer lateral central".split(),
    "conductive charged magnetic grounded digital analog".split(),
    "portable fixed mounted detachable folding adjustable".split(),
]
EMPTY: Sequence[str] = "device assembly system means unit member".split()
SECTIONS = "ABCDEFGH"
# How two words agree, from the same word to nothing in common.
SAME, CLOSE, RELATED = 1.0, 0.88, 0.42
OPPOSITE = -0.5
# Heads with a second meaning, which they have in half of the sections.
DOUBLE = 14


@dataclass(frozen=True)
class Phrase:
    """A head and its modifiers, as word numbers."""

    head: int
    modifiers: tuple[int, ...]


class Lexicon:
    """The words of one variant: which belong to one field, which mean the same, which are opposites."""

    def __init__(self, groups: Sequence[Sequence[str]], rng: np.random.Generator) -> None:
        self._next = rng.random
        self.words = [word for group in groups for word in group]
        self.field = [number for number, group in enumerate(groups) for _ in group]
        self.sense: list[int] = []
        for group in groups:
            # Each field falls into sets of two or three words for the same thing.
            sets = np.repeat(np.arange(len(group)), 2 + (rng.random(len(group)) < 0.5))[: len(group)]
            self.sense += (1000 * (len(self.sense) + 1) + rng.permutation(sets)).tolist()
        self.opposite = {}
        for start in np.cumsum([0, *(len(group) for group in groups[:-1])]).tolist():
            first, second = (start + rng.permutation(len(groups[0]))[:2]).tolist()
            if self.sense[first] != self.sense[second]:
                self.opposite |= {first: second, second: first}
        # section -> word -> the word whose meaning it takes there
        self.shifted: list[dict[int, int]] = [{} for _ in SECTIONS]

    def shift(self, rng: np.random.Generator) -> None:
        """Give some words a second meaning in half of the sections."""
        for word, other in rng.permutation(len(self.words))[: 2 * DOUBLE].reshape(DOUBLE, 2).tolist():
            for section in rng.permutation(len(SECTIONS))[: len(SECTIONS) // 2].tolist():
                self.shifted[section][word] = other

    def agreement(self, first: int, second: int, section: int, opposites: bool) -> float:
        """How two words agree in a section of the patents."""
        if first == second:
            return SAME
        first, second = (self.shifted[section].get(word, word) for word in (first, second))
        if self.sense[first] == self.sense[second]:
            return CLOSE
        if opposites and self.opposite.get(first) == second:
            return OPPOSITE
        return RELATED if self.field[first] == self.field[second] else 0.0

    def like(self, word: int, section: int, odds: list[float]) -> int:
        """The word itself, one for the same thing, one of its field, or any; `odds` cumulative."""
        draw = self._next()
        if draw < odds[0]:
            return word
        meant = self.shifted[section].get(word, word)
        if draw < odds[1]:
            near = [each for each, sense in enumerate(self.sense) if sense == self.sense[meant] and each != word]
        elif draw < odds[2]:
            near = [each for each, field in enumerate(self.field) if field == self.field[meant] and each != word]
        else:
            near = list(range(len(self.words)))
        return near[int(self._next() * len(near))] if near else word


class Judge:
    """Draws pairs of phrases, writes them, and says how alike they are."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.draw = rng.random
        self.heads, self.modifiers = Lexicon(HEADS, rng), Lexicon(MODIFIERS, rng)
        self.heads.shift(rng)
        self.weight = rng.uniform(0.52, 0.68)

    def target(self, anchor: Phrase, section: int) -> Phrase:
        """A phrase that has more or less to do with the anchor."""
        head = self.heads.like(anchor.head, section, [0.30, 0.52, 0.78])
        draw, modifiers = self.draw(), [self.modifiers.like(each, section, [0.28, 0.50, 0.72]) for each in anchor.modifiers]
        if draw < 0.1:
            modifiers = []
        elif draw < 0.3 and anchor.modifiers[0] in self.modifiers.opposite:
            modifiers = [self.modifiers.opposite[anchor.modifiers[0]]]
        return Phrase(head, tuple(dict.fromkeys(modifiers)))

    def likeness(self, anchor: Phrase, target: Phrase, section: int) -> float:
        """The true likeness, about 0 to 1."""
        heads = self.heads.agreement(anchor.head, target.head, section, opposites=False)
        each = [
            max((self._modifiers(one, other, section) for other in target.modifiers), default=0.55) for one in anchor.modifiers
        ]
        modifiers = sum(each) / len(each)
        # What is said of two things that have nothing in common counts little.
        return self.weight * heads + (1 - self.weight) * modifiers * (0.45 + 0.55 * heads)

    def _modifiers(self, one: int, other: int, section: int) -> float:
        return self.modifiers.agreement(one, other, section, opposites=True)

    def written(self, phrase: Phrase, plain: bool) -> str:
        """The phrase in words; unless `plain`, with plurals, other orders and empty words."""
        head, modifiers = self.heads.words[phrase.head], [self.modifiers.words[each] for each in phrase.modifiers]
        if not plain and self.draw() < 0.25:
            head = head + ("es" if head.endswith(("s", "x", "sh", "ch")) else "s")
        if not plain and self.draw() < 0.2:
            head = f"{head} {EMPTY[int(self.draw() * len(EMPTY))]}"
        if not plain and modifiers and self.draw() < 0.15:
            return f"{head} of {' '.join(modifiers)} kind"
        return " ".join([*modifiers, head])


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Anchors, each with a few dozen targets in two or three classes of patents."""
    judge = Judge(rng)
    anchors = [_anchor(judge, rng) for _ in range(max(20, size // 34))]
    classes = [[_class(rng) for _ in range(int(rng.integers(1, 4)))] for _ in anchors]
    rows: list[tuple[str, str, str]] = []
    likeness = np.zeros(size)
    for place, number in enumerate(rng.integers(0, len(anchors), size).tolist()):
        anchor, context = anchors[number], classes[number][int(rng.random() * len(classes[number]))]
        section = SECTIONS.index(context[0])
        target = judge.target(anchor, section)
        likeness[place] = judge.likeness(anchor, target, section)
        rows.append((judge.written(anchor, True), judge.written(target, False), context))
    judged = likeness + rng.normal(0, 0.105 * noise, size)
    marks = rng.integers(0, 2**32, (size, 2)).tolist()
    frame = pd.DataFrame(rows, columns=["anchor", "target", "context"])
    frame.insert(0, "id", [f"{high:08x}{low:08x}" for high, low in marks])
    frame["score"] = np.clip(np.rint(4 * (judged - 0.03)) / 4, 0, 1)
    return TableExamples(frame, (4 * frame["score"]).to_numpy().astype(np.int64))


def _anchor(judge: Judge, rng: np.random.Generator) -> Phrase:
    modifiers = rng.permutation(len(judge.modifiers.words))[: 1 + (rng.random() < 0.3)].tolist()
    return Phrase(int(rng.integers(len(judge.heads.words))), tuple(modifiers))


def _class(rng: np.random.Generator) -> str:
    return f"{SECTIONS[int(rng.integers(len(SECTIONS)))]}{int(rng.integers(1, 100)):02d}"


def real(raw: Path) -> TableExamples:
    """The competition's own pairs."""
    frame = read_table(raw / "train.csv", COLUMNS)
    return TableExamples(frame, (4 * frame["score"]).round().to_numpy().astype(np.int64))


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The three files of the competition."""
    return publish_tables(examples, train, hidden, out, key="id", targets=["score"], blank=0)
