"""What the name of a printed number says: which data it was measured on, whether it is a metric, which metric it is."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from mlagent_app.agent.metrics import direction_of, words

Split = Literal["validation", "test", "train", ""]
Kind = Literal["metric", "plain", "setting"]

_SPLITS: dict[Split, str] = {
    "validation": "val valid validation valset eval evaluation dev holdout heldout hold_out held_out cv crossval cross_val"
    " cross_validation cross_validated oof out_of_fold",
    "test": "test testing tst testset unseen",
    "train": "train training trn trainset learn fit",
}
SPLIT_WORDS: dict[str, Split] = {word: split for split, line in _SPLITS.items() for word in line.split()}

# One spelling for each word, so that `val acc` names what `Validation Accuracy` prints.
SPELLINGS = {
    "acc": "accuracy", "valid": "val", "validation": "val", "training": "train", "testing": "test", "avg": "mean",
    "average": "mean", "f1score": "f1",
}  # fmt: skip

# A number after one of these tells parts of a whole apart and stays in the name (`Fold 1 AUC`, `class 3 recall`).
PARTS = frozenset({
    "fold", "class", "trial", "seed", "run", "model", "layer", "client", "task", "split", "repeat", "rep", "cluster",
    "label", "experiment", "agent", "head", "member", "candidate", "config", "subject",
})  # fmt: skip

QUALIFIERS = frozenset({
    "best", "final", "overall", "mean", "avg", "average", "median", "macro", "micro", "weighted", "total", "max", "min",
    "maximum", "minimum", "highest", "lowest", "current", "ema", "global", "top", "smoothed", "running", "balanced",
    "new", "last", "so", "far", "public", "private", "local", "set", "the", "model", "our", "result", "adjusted",
    "samples", "value", "negative", "neg",
})  # fmt: skip
BEST_WORDS = frozenset({"best", "final", "overall", "highest", "lowest"})
MEAN_WORDS = frozenset({"mean", "avg", "average", "cv", "oof"})

# A name whose noun is one of these is a setting, a size or a time, whatever else it says (`loss weight`, `score time`).
_NOT_METRICS = frozenset({
    "weight", "weights", "scale", "threshold", "thresh", "fn", "func", "function", "type", "name", "coef",
    "coefficient", "std", "stdev", "stddev", "sd", "stderr", "sem", "ci", "time", "times", "sec", "secs", "second",
    "seconds", "ms", "minutes", "min_time", "hours", "elapsed", "eta", "took", "duration", "runtime", "speed",
    "throughput", "latency", "fps", "epoch", "epochs", "step", "steps", "iter", "iters", "iteration", "iterations",
    "it", "round", "rounds", "batch", "batches", "batch_size", "size", "sizes", "shape", "shapes", "length", "len",
    "num", "number", "count", "counts", "support", "samples", "sample", "examples", "rows", "row", "columns", "column",
    "cols", "col", "images", "tokens", "seed", "random_state", "state", "lr", "learning_rate", "rate_schedule",
    "momentum", "decay", "weight_decay", "wd", "dropout", "eps", "epsilon", "gamma", "alpha", "beta", "beta1", "beta2",
    "lambda", "lam", "l1", "l2", "reg_alpha", "reg_lambda", "temperature", "temp", "patience", "tol", "tolerance", "c",
    "k", "n", "p", "q", "depth", "max_depth", "width", "height", "dim", "dims", "dimension", "hidden", "layers",
    "heads", "features", "classes", "estimators", "leaves", "leaf", "neighbors", "components", "clusters", "bins",
    "trees", "degree", "kernel", "stride", "padding", "channels", "filters", "units", "neurons", "workers", "threads",
    "jobs", "version", "port", "pid", "rank", "device", "gpu", "gpus", "cpu", "cpus", "cuda", "memory", "mem", "gb",
    "mb", "params", "param", "parameters", "parameter", "flops", "macs", "norm", "grad_norm", "ratio", "fraction",
    "frac", "subsample", "warmup", "schedule", "interval", "freq", "frequency", "every", "date", "year", "month", "day",
    "id", "index", "idx", "offset", "level", "verbose", "verbosity", "limit", "budget", "node", "world_size",
    "base_score", "error_score", "smoothing", "margin", "clip", "noise", "positives", "negatives", "factor",
    "multiplier", "percentile", "quantile", "range", "delta", "min_delta", "bit", "bits", "target", "goal", "required",
    "expected", "imbalance", "prevalence", "positive_rate", "cost", "price", "line", "page", "status", "code", "exit",
    "errors", "warnings", "failures", "skipped", "correct", "wrong", "incorrect", "misclassified", "counter", "vocab",
    "vocabulary", "age", "shift", "stage",
})  # fmt: skip
_ACTIVITIES = frozenset(
    {"done", "finished", "loaded", "loading", "saved", "saving", "took", "elapsed", "wrote", "using", "device"}
)
_COUNTERS = frozenset({"n", "num", "number", "count", "nb", "no", "#"})
_WEAK_REFERENCES = frozenset(
    {
        "baseline",
        "chance",
        "majority",
        "dummy",
        "random_guess",
        "random_baseline",
        "random_chance",
        "naive",
        "target",
        "goal",
        "previous",
        "prior",
        "old",
    }
)
_PART = re.compile(
    rf"(?:(?<![A-Za-z])|_)(?:{'|'.join(sorted(PARTS))})[^\w.]{{0,2}}_?\d+(?:\s*(?:/|of)\s*\d+)?(?![\w.]\d|\w)", re.I
)
_LOOSE_ENDS = re.compile(r"^(?:\W|(?:of|for|on|in|at)\s)+|(?:[^\w)]|\s(?:of|for|on|in|at)|\(\s*\))+$")
_MEANS = frozenset({"mean", "avg", "average", "overall"})
_MEANS_OF = frozenset("over across of all the folds fold runs seeds splits repeats trials classes cv k value".split())
_PREPOSITIONS = re.compile(r"\s(?:of|on|at|for|with|using|after|over|in|per|by|from|across|when|during|w/|@)\s|[(\[<]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_TOKEN = re.compile(r"[^\W_]+(?:@\d+)?")


@lru_cache(maxsize=20_000)
def key(name: str) -> str:
    """The name without case, punctuation and spelling: equal for `val_acc`, `Val Acc` and `validation/accuracy`.

    A number that stands alone is a size, not a part of the name, unless it follows a word such as `fold`.
    """
    kept: list[str] = []
    for chunk in _CAMEL.sub(" ", unicodedata.normalize("NFKC", name)).replace("'s", "").split():
        if chunk.strip("()[]:,").replace(",", "").isdigit() and not (kept and kept[-1] in PARTS):
            continue
        kept += [SPELLINGS.get(found[0].lower(), found[0].lower()) for found in _TOKEN.finditer(chunk)]
    return "_".join(kept)


@lru_cache(maxsize=20_000)
def split_of(name: str) -> Split:
    """The data that the name speaks of. The first such word counts; `train_test_...` pairs do not occur in practice."""
    for word in words(name):
        stem = word.rstrip("0123456789")
        if split := SPLIT_WORDS.get(stem, ""):
            return split
    return ""


def without_split(name: str) -> str:
    """`key(name)` without the words that say on which data it was measured."""
    return "_".join(token for token in key(name).split("_") if token not in SPLIT_WORDS)


@lru_cache(maxsize=20_000)
def kind_of(name: str) -> Kind:
    """`metric` for a known metric, `setting` for what is none (settings, sizes, times, spreads), `plain` for all else."""
    phrase, rest = _noun_phrase(name)
    tokens = [token for token in words(phrase) if "_" not in token]
    if not tokens:
        return "plain"
    if tokens[0] in _COUNTERS or {"std", "stderr", "stdev", "stddev"} & set(tokens):
        return "setting"
    if not direction_of(name) and _ACTIVITIES & set(tokens):
        return "setting"
    noun = next((t for t in reversed(tokens) if not _is_filler(t)), "")
    known = direction_of(phrase) is not None
    if noun in _NOT_METRICS or set(_pairs(tokens)) & _NOT_METRICS:
        # `acc_k` or `rouge_l`: a metric with a letter; `valid_0's l2`: LightGBM's names for squared and absolute error.
        return "metric" if (len(noun) == 1 and known) or (noun in {"l1", "l2"} and split_of(name)) else "setting"
    if known:
        return "metric"
    return kind_of(rest) if rest and noun in QUALIFIERS | MEAN_WORDS | {""} else "plain"


def is_reference(name: str) -> bool:
    """Whether the name says that the number is somebody else's: a chance level, a baseline, a goal."""
    return bool(_WEAK_REFERENCES & set(words(name)))


def is_part(name: str) -> bool:
    """Whether the name is that of one fold, class or trial among several."""
    tokens = key(name).split("_")
    return tokens[0] == "class" or any(a in PARTS and b.isdigit() for a, b in pairwise(tokens))


def names_part(text: str) -> bool:
    """Whether a line speaks of one part: `Fold 1 - RMSE: 0.31`, `[seed 0] f1 = 0.7`."""
    return _PART.search(text) is not None


def without_part(name: str) -> str:
    """The name that is shared by all parts: `accuracy` of `Fold 1 accuracy` and of `accuracy (fold 1)`."""
    whole = " ".join(_PART.sub(" ", name).split())
    return _LOOSE_ENDS.sub("", whole).strip()


def is_bare_mean(name: str) -> bool:
    """Whether the name says that the number is the mean of several and not of what (`Average`, `Mean over 5 folds`)."""
    tokens = [token for token in words(name) if "_" not in token and not token.isdigit()]
    return bool(_MEANS & set(tokens)) and _MEANS_OF >= set(tokens) - _MEANS


def headline(name: str) -> float:
    """How likely people call this number their result, from -10 (a loss) to 10 (accuracy)."""
    parts = set(words(name))
    for weight, group in _HEADLINES:
        if parts & group:
            return weight
    if any(part.endswith("accuracy") for part in parts):
        return 10.0
    if any(part.endswith("loss") for part in parts):
        return -10.0
    return 7.0 if direction_of(name) else 1.0


_HEADLINES: tuple[tuple[float, frozenset[str]], ...] = (
    (
        8.0,
        frozenset(
            {"log_loss", "logloss", "hamming_loss", "zero_one_loss", "perplexity", "ppl", "bpb", "bpc", "crps", "pinball"}
        ),
    ),
    (-10.0, frozenset({"loss", "nll", "bce", "ce", "kl", "kld", "objective", "elbo"})),
    (5.0, frozenset({"top5", "top_5", "top_3", "top_10", "acc_5", "acc_3", "acc5"})),
    (10.0, frozenset({"accuracy", "acc", "top1", "correct_rate"})),
    (9.6, frozenset({"auc", "auroc", "roc_auc", "ndcg", "qwk", "kappa", "miou", "map", "bleu"})),
    (9.4, frozenset({"f1", "fbeta", "dice", "iou", "mcc"})),
    (9.2, frozenset({"rmse", "rmsle", "mcrmse", "wer", "cer"})),
    (9.1, frozenset({"mae", "mse", "msle", "mape", "smape", "wape", "mase"})),
    (9.0, frozenset({"r2", "r_2", "r_squared", "error", "err", "score"})),
    (5.0, frozenset({"precision", "recall", "sensitivity", "specificity", "tpr", "tnr", "fpr", "fnr", "ap", "top5"})),
)


def _noun_phrase(name: str) -> tuple[str, str]:
    """The part before the first preposition or bracket, and the rest (`Number of errors`: `Number`, `errors`)."""
    found = _PREPOSITIONS.search(name.replace("_on_", " on ").replace("_of_", " of "))
    if found is None or found.start() == 0:
        return name, ""
    flat = name.replace("_on_", " on ").replace("_of_", " of ")
    return flat[: found.start()], flat[found.end() :]


def _pairs(tokens: list[str]) -> list[str]:
    """The last two words as one (`learning_rate`), when there are two."""
    return [f"{tokens[-2]}_{tokens[-1]}"] if len(tokens) > 1 else []


def _is_filler(token: str) -> bool:
    return token.isdigit() or token in QUALIFIERS or token.rstrip("0123456789") in SPLIT_WORDS
