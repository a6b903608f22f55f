"""No proxy and no key of the person who runs the tests."""

from __future__ import annotations

import pytest

from mlagent_app.chat import failures


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a machine that knows no endpoint; pauses are short."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(failures, "BACK_OFF_SECONDS", 0.01)
