"""Runs one command of a project behind a wall. Knows nothing of the rest of ML-Agent."""
