"""`mlagent-train`: the command is reserved; its stages come in a later version."""

from __future__ import annotations

import sys
from typing import NoReturn

USAGE = 2  # the exit code of a command that cannot be carried out as it was given


def main() -> NoReturn:
    """Say that there is nothing to run yet, and exit with code 2."""
    sys.stderr.write("mlagent-train: the training stages are not part of this version - see: CHANGELOG.md\n")
    sys.exit(USAGE)
