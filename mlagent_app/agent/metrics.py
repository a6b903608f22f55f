"""What a metric is. Reading one from a run's output lives in `mlagent_app.agent.extraction`."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

Direction = Literal["max", "min"]
Pick = Literal["last", "best"]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Which number a project is judged by, and where it stands.

    `source` is `stdout`, or `file:<glob relative to the project>`. `pattern` is, for stdout and text, a regular
    expression whose group `value` (or first group) is the number, and for JSON and CSV the key path or column, with dots.
    Empty: the name itself is looked for in every known shape. `pick` says which of several readings counts (`best` for an
    epoch log whose best epoch is kept). `target` is the value the user wants to reach, the reward's `m_best`.
    """

    name: str
    direction: Direction
    source: str = "stdout"
    pattern: str = ""
    pick: Pick = "last"
    target: float | None = None

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is strictly better than `old`."""
        return self.gain(new, old) > 0

    def gain(self, new: float, old: float) -> float:
        """`new - old`, signed so that positive is better."""
        return new - old if self.direction == "max" else old - new


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of the metric and the evidence: `where` (`stdout` or a file), 1-based `line` (0 when none) and its text."""

    value: float
    where: str
    line: int
    text: str


MAXIMISED = (
    "accuracy", "acc", "auc", "roc_auc", "auroc", "auprc", "aucpr", "prauc", "f1", "fbeta", "f2", "precision", "recall",
    "sensitivity", "specificity", "tpr", "tnr", "r2", "r_2", "r_squared", "rsquared", "ap", "map", "map50", "mrr",
    "ndcg", "hits", "bleu", "bleu4", "rouge", "rouge1", "rouge2", "rougel", "meteor", "cider", "chrf", "bertscore",
    "iou", "miou", "jaccard", "dice", "kappa", "qwk", "pearson", "spearman", "kendall", "correlation", "corr", "mcc",
    "score", "psnr", "ssim", "top1", "top5", "reward", "rew", "return", "silhouette", "hit_rate", "success_rate",
    "correct_rate", "win_rate", "winrate", "explained_variance", "exact_match", "gini", "c_index", "cindex",
    "concordance", "ari", "nmi", "ami", "v_measure", "likelihood", "loglik", "elbo", "nse", "kge", "sharpe", "lddt",
    "snr", "sdr", "gmean", "g_mean", "youden", "f1score", "macrof1", "microf1", "success",
)  # fmt: skip
MINIMISED = (
    "loss", "error", "err", "mse", "rmse", "mae", "mape", "smape", "wape", "wmape", "mase", "rmsle", "msle", "mcrmse",
    "nrmse", "rmspe", "medae", "rae", "rse", "pinball", "crps", "logloss", "log_loss", "nll", "negative_log",
    "perplexity", "ppl", "bpb", "bpc", "wer", "cer", "ter", "eer", "fpr", "fnr", "frr", "fid", "kid", "lpips", "brier",
    "deviance", "hinge", "crossentropy", "cross_entropy", "bce", "kld", "kl", "divergence", "inertia", "regret", "ece",
    "mpjpe", "chamfer", "hausdorff", "aic", "bic", "davies_bouldin", "drawdown", "residual", "misclassification", "l1",
    "l2", "distance", "epe", "pehe",
)  # fmt: skip

# Scores whose best possible value is 1, or 100 when the project prints percentages.
UNIT_BOUNDED = frozenset(MAXIMISED) - {
    "psnr", "reward", "return", "score", "likelihood", "loglik", "elbo", "sharpe", "snr", "sdr", "cider",
}  # fmt: skip


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")


@lru_cache(maxsize=20_000)
def words(name: str) -> list[str]:
    """The lower-case words of a metric's name, joined pairs included (`val_log_loss` -> val, log, loss, val_log, log_loss).

    `valAcc` is two words. The list is shared between calls: do not change it.
    """
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    flat = "".join(ch.lower() if ch.isalnum() else " " for ch in spaced).split()
    return flat + [f"{a}_{b}" for a, b in pairwise(flat)]


def direction_of(name: str) -> Direction | None:
    """Whether a metric of this name is to be raised or lowered; None when the name does not say.

    Losses win over scores, so that `accuracy_loss` and `error_score` are lowered. scikit-learn's `neg_...` scorers are
    raised: they are losses with their sign turned.
    """
    parts = words(name)
    if "neg" in parts:
        return "max"
    if any(part in MINIMISED or part.endswith(("loss", "error", "rmse", "perplexity", "entropy")) for part in parts):
        return "min"
    if any(part in MAXIMISED or part.endswith(("accuracy", "score", "auc", "recall", "iou")) for part in parts):
        return "max"
    return None


def natural_bound(name: str, direction: Direction, value: float) -> float | None:
    """The best value the metric can have: 1 or 100 for bounded scores, 0 for losses and errors, None when there is none.

    `value` is a reading, which tells fractions from percentages. A loss below zero (a log density, say) has no bound.
    """
    if not math.isfinite(value):
        return None
    if direction == "min":
        return 0.0 if value >= 0 else None
    if "neg" in words(name) and value <= 0:
        return 0.0
    bounded = any(part in UNIT_BOUNDED or part.endswith(("accuracy", "auc")) for part in words(name))
    if bounded or (direction_of(name) == "max" and "psnr" not in words(name) and 0 <= value <= 1):
        if value <= 1:
            return 1.0
        return 100.0 if value <= 100 else None
    return None
