"""A stand-in for vLLM's server, run in its place by tests: starts at once, serves one name, writes a log like the real one's.

    fakeserver.py -m vllm.entrypoints.openai.api_server --model NAME --host HOST --port PORT ...

A model named `broken` ends with a traceback, `slow` opens its port only when the file FAKE_GO is there. Each line of the file
FAKE_DIES is a death in the middle of a reply.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

arguments = sys.argv[1:]
options = dict(zip(arguments[2::2], arguments[3::2], strict=False))
model = options["--model"]
if lora := options.get("--lora-modules"):
    name, _, root = lora.partition("=")
else:
    name = root = model


def first_of(pattern: str) -> str:
    """The reply with the first edit of a constraint, and nothing before it."""
    edits = pattern.partition("Action Input: (")[2]
    found = re.match(r"(?:\\.|[^|)\\])*", edits)
    text = re.sub(r"\\(.)", r"\1", found.group()) if found else ""
    return f"Action: Edit Script\nAction Input: {text}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        rows = [{"id": model, "root": model, "max_model_len": 16384}]
        if lora:
            rows.append({"id": name, "root": root, "parent": model})
        data: object = {"data": rows} if self.path == "/v1/models" else {"version": "0.32.0"}
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """A reply: the first that a constraint allows, else small talk; word by word."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pattern = asked.get("structured_outputs", {}).get("regex", "")
        reply = first_of(pattern) if pattern else "Have you tried a larger C?"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.die_if_told()
        for word in reply.split(" "):
            self.chunk({"choices": [{"index": 0, "delta": {"content": f"{word} "}}]})
        self.chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.chunk({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def die_if_told(self) -> None:
        """End as vLLM does when its engine is killed: half a reply, and nothing listens any more."""
        place = Path(os.environ.get("FAKE_DIES", "nowhere"))
        left = place.read_text("utf-8").splitlines() if place.exists() else []
        if left:
            place.write_text("".join(f"{line}\n" for line in left[1:]), "utf-8")
            self.chunk({"choices": [{"index": 0, "delta": {"content": "Have"}}]})
            os._exit(1)

    def chunk(self, data: dict[str, object]) -> None:
        row = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, **data}
        self.wfile.write(f"data: {json.dumps(row)}\n\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args


print("(APIServer pid=1) INFO 11-28 10:50:34 [model.py:733] Resolved architecture: Qwen2ForCausalLM", flush=True)
if model == "broken":
    print("(EngineCore pid=2) ERROR 11-28 10:55:34 [core.py:1512] Traceback (most recent call last):")
    print("(EngineCore pid=2) ERROR 11-28 10:55:34 [core.py:1512] ValueError: No available memory for the cache blocks.")
    sys.exit("RuntimeError: Engine core initialization failed. See root cause above.")
while model == "slow" and not Path(os.environ["FAKE_GO"]).exists():
    time.sleep(0.05)
print("(Worker pid=3) INFO 11-28 10:51:28 [cpu_model_runner.py:68] Starting to load model...", flush=True)
ThreadingHTTPServer((options["--host"], int(options["--port"])), Handler).serve_forever()
