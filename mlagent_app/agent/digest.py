"""The state as the embedded policy reads it: a few dozen words instead of whole files.

    max accuracy text clf | level 7 gain 2 step 3 | TfidfVectorizer min_df=2 LogisticRegression C=0.1 | set C of ... to 3 ++

The goal, the kind of task; where the metric stands; what the scripts set and call; the last tries with what came of each. All
of it is read from the state alone, so that it is the same in training and on a user's project.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from mlagent_app.agent.metrics import MetricSpec, natural_bound, words
from mlagent_app.agent.state import State, Task, Turn

LAST_TRIES = 8
MOST_ITEMS = 44
# Of the way from the baseline to the metric's natural bound: more than this is a clear change, and less than the other is none.
CLEAR, NOTHING = 0.02, 0.001

_NOISE_WORDS = frozenset("val valid validation test dev eval mean avg average score final best the of".split())
_KINDS: tuple[tuple[str, str], ...] = (
    ("image", r"\bPIL\b|Image\.open|torchvision|Conv2d|cv2\b|imread|\.(?:png|jpg|jpeg)\b|pixels?\b"),
    ("graph", r"edge_index|edges?\.csv|networkx|adjacency|\bGCN|torch_geometric"),
    ("text", r"TfidfVectorizer|CountVectorizer|HashingVectorizer|Tokenizer|tokeni[sz]e|nn\.Embedding\(|ngram|vocabulary"),
    ("series", r"\bseries\b|forecast|\blag|season|signal|waveform|Conv1d|nn\.(?:LSTM|GRU)\b|windows?\b"),
)
_RANKING = frozenset("map ndcg mrr hits map5 map_5".split())
_NUMBERS = frozenset(
    "rmse mse mae mape smape rmsle msle mcrmse error r2 pearson spearman correlation kendall pinball crps deviance".split()
)
# Within a line only: a table's heading is no setting.
_SETTING = re.compile(
    r"""^[ \t]*-?[ \t]*["']?([A-Za-z_][\w-]*)["']?[ \t]*[:=][ \t]*["']?([\w.+-]+)["']?[ \t]*,?[ \t]*(?:\#.*)?$""", re.MULTILINE
)
_SKIPPED_CALLS = frozenset(
    (
        "ArgumentParser Path DataFrame Series Module ModuleList Namespace ValueError RuntimeError KeyError Exception Counter"
    ).split()
)


def digest(state: State, files: Collection[str] = (), *, last: int = LAST_TRIES) -> str:
    """The text. `files` are the paths that count (those that have applicable edits); all when empty."""
    task = state.task
    texts = {path: text for path, text in sorted(state.files.items()) if not files or path in files}
    items = [item for path, text in texts.items() for item in _items(path, text)]
    tries = [f"{_plain(turn.instruction)} {mark(turn, _span(task))}" for turn in state.history if turn.instruction]
    parts = [
        f"{task.metric.direction} {_metric(task.metric)} {kind(state)} {problem(task.metric)}",
        f"level {_level(task.metric, state.value)} gain {_gain(state)} step {min(len(state.history), 15)}",
        " ".join(items[:MOST_ITEMS]),
        *reversed(tries[-last:] if last else []),
    ]
    return " | ".join(parts)


def kind(state: State) -> str:
    """What the data is, guessed from the files: image, graph, text, series or table."""
    return _kind("\n".join(state.files.values()))


def task_kind(state: State) -> str:
    """Both, as the cookbook names a kind of task."""
    return f"{kind(state)} {problem(state.task.metric)}"


def problem(metric: MetricSpec) -> str:
    """What is predicted, guessed from the metric: `clf`, `reg` or `rank`."""
    names = {word for word in words(metric.name)}
    if names & _RANKING or any(name.startswith("map") for name in names if name != "mape"):
        return "rank"
    return "reg" if names & _NUMBERS or any(name.endswith(("rmse", "error")) for name in names) else "clf"


def mark(turn: Turn, span: float) -> str:
    """What came of a try: `++` and `+` better, `=` the same, `-` and `--` worse, `t` out of time or memory, `x` failed."""
    if turn.outcome in ("timeout", "out_of_memory"):
        return "t"
    if turn.value is None or turn.delta is None:
        return "x"
    share = turn.delta / abs(span) if span else turn.delta
    if abs(share) <= NOTHING:
        return "="
    sign = "+" if share > 0 else "-"
    return sign * (2 if abs(share) > CLEAR else 1)


def _plain(instruction: str) -> str:
    """An instruction without the file it names, which means nothing elsewhere."""
    return re.sub(r" in \S+\.\w+$", "", instruction)


def _metric(metric: MetricSpec) -> str:
    kept = [word for word in words(metric.name) if "_" not in word and word not in _NOISE_WORDS]
    return " ".join(kept[:4]) or "score"


@lru_cache(maxsize=4096)
def _kind(text: str) -> str:
    counts = {name: len(re.findall(pattern, text)) for name, pattern in _KINDS}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else "table"


def _level(metric: MetricSpec, value: float) -> str:
    """Tenths of a bounded score; the size of anything else as a power of ten."""
    bound = natural_bound(metric.name, metric.direction, value)
    if metric.direction == "max" and bound:
        return str(int(10 * max(0.0, min(0.999, value / bound))))
    return f"e{len(str(int(abs(value))))}" if abs(value) >= 1 else f"u{int(10 * abs(value))}"


def _gain(state: State) -> int:
    """How much of the way from the baseline to the natural bound is done, in tenths."""
    share = state.task.metric.gain(state.value, state.task.m_init) / _span(state.task)
    return int(10 * max(0.0, min(1.0, share)))


def _span(task: Task) -> float:
    """The way from the baseline to the metric's natural bound; the baseline's size where there is no bound, 1 where that is 0.

    Not to `m_best`: a task's measured reference is known to the environment, and a policy that saw how near it is would know
    more than it can on a user's project.
    """
    bound = natural_bound(task.metric.name, task.metric.direction, task.m_init)
    span = abs(task.m_init if bound is None else bound - task.m_init)
    return span if span > 0 and math.isfinite(span) else 1.0


@lru_cache(maxsize=4096)
def _items(path: str, text: str) -> tuple[str, ...]:
    """What a file sets and calls, in order, none twice."""
    if path.endswith(".py"):
        try:
            return tuple(dict.fromkeys(item for node in _in_order(ast.parse(text)) for item in _from_node(node)))
        except (SyntaxError, ValueError, RecursionError):
            return ()
    if path.endswith((".yaml", ".yml", ".toml", ".json", ".cfg", ".ini")):
        return tuple(f"{name}={value}" for name, value in _SETTING.findall(text))
    return ()


def _in_order(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `tree` as they are read. A long sum or chain of `elif` is a deep tree: no recursion."""
    stack = [ast.iter_child_nodes(tree)]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
            continue
        yield node
        stack.append(ast.iter_child_nodes(node))


def _from_node(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from _from_call(node)
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        value = _constant(node.value)
        if isinstance(target, ast.Name) and value:
            yield f"{target.id}={value}"
    elif isinstance(node, ast.Dict):
        for key, item in zip(node.keys, node.values, strict=True):
            if (
                isinstance(key, ast.Constant)
                and isinstance(key.value, str)
                and key.value.isidentifier()
                and (value := _constant(item))
            ):
                yield f"{key.value}={value}"


def _from_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "add_argument" and node.args and isinstance(node.args[0], ast.Constant):
        default = next((_constant(word.value) for word in node.keywords if word.arg == "default"), "")
        if default:
            yield f"{str(node.args[0].value).lstrip('-').replace('-', '_')}={default}"
        return
    if not name[:1].isupper() or name in _SKIPPED_CALLS:
        return
    settings = [f"{word.arg}={value}" for word in node.keywords if word.arg and (value := _constant(word.value))]
    yield " ".join([name, *settings[:5]])


def _constant(node: ast.expr | None) -> str:
    """A number, a short word, a truth value, or a tuple of numbers, as a digest writes it; empty for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _constant(node.operand)
        return f"-{inner}" if inner else ""
    if isinstance(node, ast.Tuple):
        parts = [_constant(item) for item in node.elts]
        return f"({','.join(parts)})" if parts and all(parts) and len(parts) <= 3 else ""
    if not isinstance(node, ast.Constant):
        return ""
    value = node.value
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float):
        return _number(value)
    return value if isinstance(value, str) and re.fullmatch(r"[\w-]{1,20}", value) else ""


def _number(value: float) -> str:
    try:
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0e}"
    except OverflowError:  # a whole number beyond the floats
        return ""
