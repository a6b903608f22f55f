"""What no edit may touch: seeds, splits, metrics, data. Name rules shared by the families and by `editors.honesty`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from mlagent_app.editors.catalogue.source import Call, Source

SPLITTERS = frozenset(
    "train_test_split KFold StratifiedKFold GroupKFold RepeatedKFold RepeatedStratifiedKFold TimeSeriesSplit ShuffleSplit "
    "StratifiedShuffleSplit GroupShuffleSplit LeaveOneOut LeavePOut PredefinedSplit StratifiedGroupKFold LeaveOneGroupOut "
    "random_split check_cv temporal_train_test_split".split()
)
EVALUATORS = frozenset("cross_val_score cross_validate cross_val_predict learning_curve permutation_test_score".split())
SEEDERS = frozenset(
    "seed manual_seed manual_seed_all seed_everything set_seed RandomState default_rng PRNGKey set_random_seed "
    "fix_seed seed_all use_deterministic_algorithms".split()
)
SEED_WORDS = frozenset({"random_state", "seed", "random_seed", "data_seed", "rng", "generator"})
SPLIT_WORDS = frozenset(
    "test_size train_size n_splits cv n_folds folds shuffle stratify val_size valid_size validation_split val_split test_split "
    "val_fraction test_fraction val_frac test_frac holdout groups".split()
)

# A setting with one of these words in its name says where data comes from, how it is split or measured, or how a run is
# observed.
_NEVER = frozenset(
    "seed seeds random rng state test val valid validation eval evaluation split splits fold folds cv holdout stratify shuffle "
    "path paths dir directory file filename root url uri port host address version name verbose verbosity silent quiet debug "
    "workers worker jobs nproc device gpu gpus cuda cpu threads thread logging log logs logger print every interval progress "
    "classes labels label target targets channels channel input inputs output outputs vocab id ids index column columns cols "
    "year month day date start stop begin end sample samples rows points subset frac fraction noise data dataset datasets "
    "train training metric metrics scoring score precision_digits digits plot figure fig dpi font color colors timeout cache "
    "save checkpoint checkpoints resume repeat repeats runs trials trial tolerance_test pad padding axis kernel_size stride "
    "image img height crop resolution fps rate_limit retries memory budget time seconds minutes hours date today quota "
    "feature features inplace persistent pin prefetch download strict sep delimiter header encoding mode key keys "
    "tolerance threshold thresholds thresh cutoff iou horizon lag lags lookback window windows top topk topn quantile "
    "percentile".split()
)
# A section of a configuration with one of these words is left alone as a whole.
_SECTIONS = frozenset(
    "split splits eval evaluation test val valid validation metric metrics logging logger log logs seed seeds plot wandb "
    "mlflow cv paths results report hardware infra deploy service server database docker tool ci".split()
)
# These contain a word of `_NEVER` and are hyper-parameters all the same.
_ALLOWED = re.compile(
    r"(label_smoothing|max_features|n_features_to_select|feature_fraction|train(ing)?_(epochs|steps|iters|batch_size)|"
    r"log_?lr|num_train_epochs|per_device_train_batch_size|warmup_(steps|ratio)|mixup_alpha|end_lr|start_lr|"
    r"(train|training)[._](lr|learning_rate|epochs|batch_size|weight_decay|momentum|dropout)|learning_rate|lr_\w+|"
    r"early_stopping(_rounds|_patience)?|max_samples|min_child_samples|min_samples_(leaf|split)|n_iter_no_change|"
    r"(sub|col)sample(_bytree)?|noise_std|hidden_channels|out_features|mode_dropout)\Z"
)
_DATA_MAKER = re.compile(
    r"(make_(?!pipeline|column|union)|load_|fetch_|read_|open\Z|loadtxt|genfromtxt|rand|normal\Z|uniform\Z|linspace|arange)"
)
# What chooses rows or results by a number.
_CUTTERS = frozenset(
    "topk top_k_accuracy argpartition nlargest nsmallest head tail shift diff rolling sample quantile percentile isclose "
    "allclose islice choice round".split()
)


@lru_cache(maxsize=4096)
def name_words(name: str) -> tuple[str, ...]:
    """The lower-case words of a name: `maxEpochs`, `MAX_EPOCHS` and `max-epochs` all give max, epochs."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return tuple(word for word in re.split(r"[\W_]+", spaced.lower()) if word)


@lru_cache(maxsize=4096)
def is_never(name: str) -> bool:
    """Whether a setting of this name is never proposed: by its last part, after any dot, or by the sections it is in."""
    section, _, last = name.rpartition(".")
    words = name_words(last)
    flat = "_".join(words)
    if any(word in _SECTIONS for word in name_words(section)):
        return True
    if _ALLOWED.match(flat) or _ALLOWED.match("_".join(name_words(name))):
        return False
    return not words or any(word in _NEVER for word in words)


def is_protected_call(call: Call) -> bool:
    """Whether a call splits, seeds, measures, or makes or loads data, so that its arguments are no edit's business."""
    short = call.short
    return (
        short in SPLITTERS
        or short in EVALUATORS
        or short in SEEDERS
        or call.name.startswith("sklearn.metrics.")
        or bool(_DATA_MAKER.match(short))
    )


@lru_cache(maxsize=8)
def protected_names(source: Source) -> frozenset[str]:
    """Names, attributes and text keys that occur in the arguments of protected calls of the file."""
    found: set[str] = set()
    for call in source.calls:
        if is_protected_call(call):
            for argument in (*call.node.args, *call.node.keywords):
                found |= _names_in(argument)
    return frozenset(found)


@lru_cache(maxsize=8)
def compared_names(source: Source) -> frozenset[str]:
    """Names, attributes and text keys that something is less or greater than: `TOLERANCE` of `abs(error) < TOLERANCE`."""
    orders = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    nodes = [
        node for node in source.parents if isinstance(node, ast.Compare) and any(isinstance(op, orders) for op in node.ops)
    ]
    return frozenset(name for node in nodes for part in (node.left, *node.comparators) for name in _plain_names(part))


@lru_cache(maxsize=8)
def judging_names(source: Source) -> frozenset[str]:
    """Names, attributes and text keys that protected calls take as they are, or that rows are cut at.

    A number of that kind belongs to the data or to the metric, whatever else it is used for: `K` of `KFold(K)`, `N` of
    `docs[:N]`.
    """
    found: set[str] = set()
    for node in source.parents:
        if isinstance(node, ast.Slice):
            parts = [part for part in (node.lower, node.upper, node.step) if part is not None]
            found |= {name for part in parts for name in _plain_names(part)}
    for call in source.calls:
        if is_protected_call(call) or call.short in _CUTTERS:
            arguments = [*call.node.args, *(word.value for word in call.node.keywords)]
            found |= {name for argument in arguments for name in _plain_names(argument)}
    return frozenset(found)


def last_name(node: ast.expr) -> str:
    """What an expression is known by: `K`, the `k` of `args.k` and of `cfg["k"]`; empty for others."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return ""


def _plain_names(node: ast.expr) -> Iterator[str]:
    """The names that the expression's own arithmetic reads; what a call within it makes of its arguments is its own."""
    if name := last_name(node):
        yield name
    elif not isinstance(node, (ast.Call, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from _plain_names(child)


def _names_in(node: ast.AST) -> set[str]:
    found: set[str] = set()
    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            found.add(item.id)
        elif isinstance(item, ast.Attribute):
            found.add(item.attr)
        elif isinstance(item, ast.Constant) and isinstance(item.value, str):
            found.add(item.value)
    return found
