"""Proving the task suite: what every task promises is tried, measured and written down. Needs the packages of the suite."""
