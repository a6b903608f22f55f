"""What is asked of a vLLM server besides replies: whether it is well, and what it serves."""

from __future__ import annotations

import http.client
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

# A server that computes answers all the same; one that does not answer for so long is not well.
ANSWER_SECONDS = 10.0
KEY = "VLLM_API_KEY"


@dataclass(frozen=True, slots=True)
class Served:
    """One model of a server: the name it is asked for by, where its weights lie, its context in tokens (0: not said)."""

    name: str
    root: str
    context: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @property
    def client_host(self) -> str:
        """What to connect to: a server that listens everywhere listens here too."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def url(self) -> str:
        """The base URL of its OpenAI-compatible endpoint."""
        host = f"[{self.client_host}]" if ":" in self.client_host else self.client_host
        return f"http://{host}:{self.port}/v1"


def get(address: Address, path: str) -> tuple[int, Any]:
    """Status and JSON (None where it is none) of a GET. Raises OSError where nobody answers, or something other than HTTP."""
    connection = http.client.HTTPConnection(address.client_host, address.port, timeout=ANSWER_SECONDS)
    key = os.environ.get(KEY, "")
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
        answer = connection.getresponse()
        body = answer.read(1_000_000)
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP: {error!r}") from error
    finally:
        connection.close()
    try:
        return answer.status, json.loads(body)
    except ValueError:
        return answer.status, None


def models(address: Address) -> list[Served]:
    """What the server serves. Raises OSError where nobody answers, and ValueError where that is no list of models."""
    status, data = get(address, "/v1/models")
    if status == 401:
        raise ValueError(f"it wants a key: set {KEY}")
    try:
        rows = cast("list[dict[str, Any]]", data["data"])
        return [Served(str(row["id"]), str(row.get("root") or row["id"]), int(row.get("max_model_len") or 0)) for row in rows]
    except (TypeError, KeyError, ValueError, AttributeError):
        raise ValueError(f"it answers /v1/models with status {status} and no list of models") from None


def version(address: Address) -> str:
    """The server's version of vLLM; empty where it does not say."""
    try:
        _, data = get(address, "/version")
        return str(data["version"])
    except (OSError, TypeError, KeyError):
        return ""


def chosen(found: list[Served], model: str, adapter: str) -> Served | None:
    """The served model that is the one wanted: the adapter where there is one, else the model."""
    wanted = adapter or model
    names = {wanted, Path(wanted).name} if adapter else {wanted}
    place = _place(wanted)
    base = next((item.context for item in found if item.context), 0)
    for item in found:
        if (item.name in names and not adapter) or item.root == wanted or (place and _place(item.root) == place):
            return Served(item.name, item.root, item.context or base)
    return None


def _place(name: str) -> str:
    """A directory's whole path; empty for what is none."""
    path = Path(name).expanduser()
    return str(path.resolve()) if path.is_dir() else ""
