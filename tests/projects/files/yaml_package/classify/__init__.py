"""Telling two kinds of signals apart."""
