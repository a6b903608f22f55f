"""The handwritten digits that come with scikit-learn, and the pictures held out for validation."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

VALIDATION_SHARE = 0.4
SEED = 0


def load():
    """Return X_train, X_valid, y_train, y_valid: 8 x 8 grey pictures as rows of 64 numbers, labels 0 to 9."""
    pictures, labels = load_digits(return_X_y=True)
    return train_test_split(pictures, labels, test_size=VALIDATION_SHARE, random_state=SEED, stratify=labels)
