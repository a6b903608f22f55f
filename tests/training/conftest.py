"""What several tests of a policy that writes text share. It needs torch, which is imported when a test asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from training.corpus import Corpus


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a base model."""
    from tests.training.texts import make_base

    return make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def read(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """States as that base reads them, and what an expert answered in them."""
    from tests.training.texts import make_corpus

    return make_corpus(base, tmp_path_factory.mktemp("corpus"))
