"""The environment: an action goes in; an edit, a run, a metric and a reward come out."""
