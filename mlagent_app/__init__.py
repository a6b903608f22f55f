"""ML-Agent: a trained agent that improves the metric of your own repository."""

__version__ = "0.1.0"
