"""The task suite: 9 held-in and 10 held-out tasks of the paper, and the families that widen the training states."""
