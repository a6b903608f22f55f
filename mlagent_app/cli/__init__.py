"""The command line. The typer application is imported only when it is called."""

from __future__ import annotations


def main() -> None:
    """Entry point of `mlagent`."""
    from mlagent_app.cli.app import run_app

    run_app()
