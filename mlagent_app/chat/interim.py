"""Stands in for `mlagent_app.chat.client.EndpointModel` until that is there: one try, streamed, no more. To be deleted then."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from mlagent_app.agent.chat import Cancelled, Message, OnText, Reply, Usage
from mlagent_app.agent.errors import Exit, UserError


class InterimClient:
    """A `ChatModel` behind a server of this machine."""

    def __init__(self, url: str, name: str, context: int, extra: Mapping[str, Any]) -> None:
        import openai

        self.name = name
        self.context_tokens = context
        self._extra = dict(extra)
        self._openai = openai
        self._client = openai.OpenAI(base_url=url, api_key=os.environ.get("VLLM_API_KEY") or "none", max_retries=1)

    def count(self, text: str) -> int:
        return len(text.encode("utf-8", "replace")) // 3 + 1

    def reply(self, messages: Sequence[Message], cancel: threading.Event, on_text: OnText | None = None) -> Reply:
        body: Any = [{"role": item.role, "content": item.content} for item in messages]
        parts: list[str] = []
        finish, usage = "", Usage()
        try:
            stream = self._client.chat.completions.create(
                model=self.name,
                messages=body,
                stream=True,
                stream_options={"include_usage": True},
                extra_body={"max_tokens": min(4096, self.context_tokens // 4), **self._extra},
            )
            with stream:
                for chunk in stream:
                    if cancel.is_set():
                        raise Cancelled
                    if chunk.usage is not None:
                        usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                    for choice in chunk.choices:
                        finish = choice.finish_reason or finish
                        text = choice.delta.content or ""
                        parts.append(text)
                        if text and on_text is not None:
                            on_text(text)
        except self._openai.OpenAIError as error:
            what = f"the server gave no reply: {str(error).splitlines()[0][:300]}"
            raise UserError(what, where=self.name, how="read the server's log", code=Exit.NO_POLICY) from None
        return Reply("".join(parts), usage, finish)
