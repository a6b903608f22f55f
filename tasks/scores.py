"""The metrics of the tasks, as their competitions define them; scikit-learn and SciPy do the arithmetic where they have it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn import metrics

Floats = npt.NDArray[np.float64]
# Kaggle's clipping of probabilities before the logarithm.
TINY = 1e-15


def accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """The share of rows whose class is right."""
    return float(np.mean(np.asarray(truth, str) == np.asarray(predicted, str)))


def column_auc(truth: Floats, predicted: Floats) -> float:
    """The mean over columns of the area under the ROC curve. Shapes (rows, columns); a column of one class is left out."""
    scores = [metrics.roc_auc_score(t, p) for t, p in zip(truth.T, predicted.T, strict=True) if 0 < t.sum() < len(t)]
    return float(np.mean(scores)) if scores else float("nan")


def multiclass_log_loss(truth: Floats, predicted: Floats) -> float:
    """Mean negative log probability of the true class. Shapes (rows, classes): one-hot truth, rows rescaled to sum to 1."""
    totals = predicted.sum(axis=1, keepdims=True)
    rescaled = np.divide(predicted, totals, out=np.full_like(predicted, 1 / predicted.shape[1]), where=totals > 0)
    return float(-np.mean(np.sum(truth * np.log(np.clip(rescaled, TINY, 1 - TINY)), axis=1)))


def binary_log_loss(truth: Floats, predicted: Floats) -> float:
    """Mean negative log likelihood of 0/1 labels. Shape (rows,)."""
    clipped = np.clip(predicted, TINY, 1 - TINY)
    return float(-np.mean(truth * np.log(clipped) + (1 - truth) * np.log(1 - clipped)))


def mae(truth: Floats, predicted: Floats) -> float:
    """Mean absolute error. Shape (rows,)."""
    return float(metrics.mean_absolute_error(truth, predicted))


def rmse(truth: Floats, predicted: Floats) -> float:
    """Root of the mean squared error. Shape (rows,)."""
    return float(metrics.root_mean_squared_error(truth, predicted))


def mcrmse(truth: Floats, predicted: Floats) -> float:
    """Mean over columns of the root mean squared error. Shape (rows, columns)."""
    return float(np.mean(np.sqrt(np.mean((truth - predicted) ** 2, axis=0))))


def column_rmsle(truth: Floats, predicted: Floats) -> float:
    """Mean over columns of the root mean squared error of log(1 + y). Shape (rows, columns), values >= 0."""
    return mcrmse(np.log1p(truth), np.log1p(predicted))


def pearson(truth: Floats, predicted: Floats) -> float:
    """Pearson's correlation; 0 when one side is constant. Shape (rows,)."""
    if np.ptp(predicted) == 0 or np.ptp(truth) == 0:
        return 0.0
    return float(np.corrcoef(truth, predicted)[0, 1])


def quadratic_kappa(truth: Floats, predicted: Floats) -> float:
    """Cohen's kappa with quadratic weights; predictions are rounded to the nearest whole score. Shape (rows,)."""
    low, high = truth.min(), truth.max()
    rounded = np.clip(np.rint(predicted), low, high).astype(int)
    if np.ptp(rounded) == 0:
        return 0.0
    return float(metrics.cohen_kappa_score(truth.astype(int), rounded, weights="quadratic"))


def average_precision_at(truth: Sequence[str], predicted: Sequence[str], depth: int) -> float:
    """MAP@depth with one right class a row: the mean of 1 / position. `predicted` are rows of classes separated by spaces."""
    total = 0.0
    for right, row in zip(truth, predicted, strict=True):
        ranked = row.split(" ")[:depth]
        total += 1 / (1 + ranked.index(right)) if right in ranked else 0.0
    return total / len(truth)
