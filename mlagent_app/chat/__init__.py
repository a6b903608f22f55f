"""Asking language models: clients, what they are told, and what fits into their context."""
