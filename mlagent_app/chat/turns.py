"""A conversation as the tokens that a model of this process reads.

What stands in a message is text from outside: a file, a log. It cannot end its turn or begin another one, because it is encoded
apart from the template, as plain text in which `<|im_end|>` is ten characters and no token.

A tokenizer without a chat template gets the fallback that training uses too: the system message, the first user's, and a line
`Answer:`, with an empty line between them; later turns follow in the same form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from mlagent_app.agent.chat import Message

ANSWER = "Answer:"


def encode(tokenizer: Any, messages: Sequence[Message]) -> list[int]:  # noqa: ANN401  # a tokenizer of transformers
    """The tokens of the conversation, up to where the reply begins."""
    ids: list[int] = []
    for text, foreign in pieces(tokenizer, messages):
        ids += tokenizer.encode(text, add_special_tokens=False, **({"split_special_tokens": True} if foreign else {}))
    return ids


def pieces(tokenizer: Any, messages: Sequence[Message]) -> list[tuple[str, bool]]:  # noqa: ANN401
    """The conversation as (text, whether it is a message's own) pairs, in order."""
    marks = [f"MLAGENT-{number:03d}-CONTENT" for number in range(len(messages))]
    if not tokenizer.chat_template:
        rest = _plain([Message(message.role, mark) for message, mark in zip(messages, marks, strict=True)])
    else:
        rest = _templated(tokenizer, messages, marks)
    found: list[tuple[str, bool]] = []
    for message, mark in zip(messages, marks, strict=True):
        before, _, rest = rest.partition(mark)
        found += [(before, False), (message.content, True)]
    return [(text, foreign) for text, foreign in [*found, (rest, False)] if text]


def ends(tokenizer: Any, generation: Any) -> list[int]:  # noqa: ANN401
    """The tokens that end a reply: those of the generation settings, of the tokenizer, and of the template's turns."""
    given: Any = getattr(generation, "eos_token_id", None)
    known = cast("list[int]", given) if isinstance(given, list) else [] if given is None else [int(given)]
    own = tokenizer.eos_token_id
    found = {*known, *([] if own is None else [int(own)])}
    if tokenizer.chat_template:
        asked = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "MLAGENT-CONTENT"}]
        try:
            closing = str(tokenizer.apply_chat_template(asked, tokenize=False)).partition("MLAGENT-CONTENT")[2]
        except Exception:  # templates raise what they like
            closing = ""
        first = tokenizer.encode(closing, add_special_tokens=False)[:1]
        found |= {token for token in first if token in tokenizer.all_special_ids or token in tokenizer.added_tokens_decoder}
    return sorted(found)


def _plain(messages: Sequence[Message]) -> str:
    turns = [f"{ANSWER}\n{item.content}" if item.role == "assistant" else item.content for item in messages]
    return "\n\n".join([*turns, f"{ANSWER}\n"])


def _templated(tokenizer: Any, messages: Sequence[Message], marks: Sequence[str]) -> str:  # noqa: ANN401
    turns = [{"role": message.role, "content": mark} for message, mark in zip(messages, marks, strict=True)]
    try:
        rendered = str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    except Exception:  # templates raise what they like; some know no system message
        rendered = ""
    if all(mark in rendered for mark in marks):
        return rendered
    merged = _without_system(turns)
    return str(tokenizer.apply_chat_template(merged, tokenize=False, add_generation_prompt=True))


def _without_system(turns: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The turns with a system message at the head of the user's first one."""
    if len(turns) < 2 or turns[0]["role"] != "system" or turns[1]["role"] != "user":
        return list(turns)
    return [{"role": "user", "content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}, *turns[2:]]
