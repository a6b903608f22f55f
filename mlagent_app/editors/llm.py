"""The editor that is a language model: an instruction becomes search/replace blocks, and a file becomes an answer about it.

Files and instructions go to the model as quoted data. What it answers is read as blocks for the one file that was named, or as
plain text; nothing of it is executed here. Its thoughts are no part of a `Reply`: whoever asks the model leaves them out, once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from mlagent_app.agent.chat import ChatModel, Message, OnText, PromptTooLong, Reply, Usage
from mlagent_app.chat.quoting import DATA, quoted
from mlagent_app.editors.patch import PatchError, apply_patch

# Room that a prompt leaves for the reply, in tokens: half of the context, and no more than this.
REPLY_TOKENS = 4096
# A file is read in parts of at most this many characters, at most so many of them, and one more request joins the answers.
PART_CHARS = 24_000
MAX_PARTS = 4
# Of an instruction, of a mismatch and of what is looked for, no more than this goes into a prompt.
ASKED_CHARS = 4_000

EDIT_SYSTEM = f"""You edit one file of a machine-learning project. {DATA}
Answer with one or several blocks and nothing else, each in this form:

FILE NAME
<<<<<<< SEARCH
lines of the file, copied exactly, enough of them to occur only once
=======
the lines that take their place
>>>>>>> REPLACE

Change only what the instruction asks for, and only in the file that is named. Import nothing that is not installed. Leave alone
how the data is split, the seeds, the labels, and how the metric is computed and printed."""

READ_SYSTEM = f"""You read files of a machine-learning project and answer what is asked about them, briefly, with line numbers.
Say so where a file does not hold what is looked for. {DATA}"""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file's new text, and what the editor took."""

    text: str
    usage: Usage


class EditFailed(Exception):
    """The editor's blocks could not be applied; the message says why. `usage` is what its tries took."""

    def __init__(self, message: str, usage: Usage) -> None:
        self.usage = usage
        super().__init__(message)


class LLMEditor:
    """Carries out edit instructions and reads files with `model`."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    def edit(
        self,
        path: str,
        text: str,
        instruction: str,
        cancel: threading.Event,
        on_text: OnText | None = None,
        *,
        problem: Callable[[str], str] | None = None,
    ) -> Rewritten:
        """The text of the file `path` after `instruction`.

        Blocks are applied exactly, else without regard to white space; when that fails, or when `problem` has something to say
        of the new text, the model is shown what and tries once more. Raises `EditFailed` when that fails too or the file does
        not fit, `Cancelled` soon after `cancel` is set, and `UserError` (exit 4) when the model cannot be reached.
        """
        asked = f"{quoted('the instruction', _cut(instruction))}\n\nThe file to edit is {_one_line(path)}."
        messages = [Message("system", EDIT_SYSTEM), Message("user", f"{quoted(path, text)}\n\n{asked}")]
        self._check_fits(path, messages)
        usage = Usage()
        message = ""
        for _ in range(2):
            try:
                reply = self._model.reply(messages, cancel, on_text)
            except PromptTooLong as error:
                message = error.what
                break
            usage += reply.usage
            new, message = _applied(path, text, reply, problem)
            if not message:
                return Rewritten(new, usage)
            again = f"{quoted('what is wrong with that', _cut(message))}\n\nWrite all blocks anew, for the file as it was."
            messages = [*messages[:2], Message("assistant", reply.text.strip() or "(nothing)"), Message("user", again)]
            if not self._fits(messages):
                break
        raise EditFailed(f"the editor {self.name} could not edit {path}: {message}", usage)

    def summary(
        self, path: str, text: str, things_to_look_for: str, cancel: threading.Event, on_text: OnText | None = None
    ) -> Reply:
        """What the file says about `things_to_look_for`, in at most `MAX_PARTS` + 1 requests.

        A file that is longer than those parts is read from its beginning, and the answer says how far. Raises `Cancelled` and
        `UserError` as `edit` does.
        """
        question = quoted("what to look for", _cut(things_to_look_for or "what the file does, part by part"))
        parts = self._parts(text)
        read = parts[:MAX_PARTS]
        usage = Usage()
        answers: list[str] = []
        line = 1
        for number, part in enumerate(read, 1):
            title = path if len(parts) == 1 else f"{path}, part {number} of {len(parts)}, from line {line}"
            reply = self._model.reply(_reading(f"{quoted(title, part)}\n\n{question}"), cancel, on_text)
            usage += reply.usage
            answers.append(reply.text)
            line += part.count("\n")
        answer = answers[0]
        if len(answers) > 1:
            notes = "\n\n".join(
                quoted(f"notes on part {number}", _cut(text, PART_CHARS // MAX_PARTS)) for number, text in enumerate(answers, 1)
            )
            reply = self._model.reply(_reading(f"Join these notes into one answer.\n\n{notes}\n\n{question}"), cancel, on_text)
            usage += reply.usage
            answer = reply.text
        if len(parts) > len(read):
            answer = f"[read up to line {line - 1} of {text.count(chr(10)) + 1}]\n{answer}"
        return Reply(answer, usage)

    def _parts(self, text: str) -> list[str]:
        """The text in parts of whole lines (but for lines longer than a part) that each fit into a prompt."""
        size = PART_CHARS
        while size > 500 and not self._fits(_reading(text[:size] + "x" * ASKED_CHARS)):
            size //= 2
        parts: list[str] = []
        start = 0
        while start < len(text):
            end = len(text)
            if end - start > size:
                newline = text.rfind("\n", start + 1, start + size)
                end = newline + 1 if newline > start else start + size
            parts.append(text[start:end])
            start = end
        return parts or [""]

    def _fits(self, messages: list[Message]) -> bool:
        return self._tokens(messages) <= self._room()

    def _room(self) -> int:
        return self._model.context_tokens - min(REPLY_TOKENS, self._model.context_tokens // 2)

    def _tokens(self, messages: list[Message]) -> int:
        return sum(self._model.count(message.content) + 8 for message in messages)  # 8: what a chat template adds

    def _check_fits(self, path: str, messages: list[Message]) -> None:
        tokens = self._tokens(messages)
        if tokens > self._room():
            raise EditFailed(
                f"{path} is too long for the editor {self.name}: {tokens} tokens, of which {self._room()} fit; write a patch, "
                "or edit a shorter file",
                Usage(),
            )


def _reading(content: str) -> list[Message]:
    return [Message("system", READ_SYSTEM), Message("user", content)]


def _applied(path: str, text: str, reply: Reply, problem: Callable[[str], str] | None) -> tuple[str, str]:
    """The file's new text, or what is wrong with the reply."""
    try:
        changed = apply_patch(reply.text, {path: text}, default_file=path)
    except PatchError as error:
        cut = " (the reply was cut at its limit of tokens)" if reply.finish == "length" else ""
        return "", f"{error}{cut}"
    others = [name for name in changed if name != path]
    if others:
        return "", f"only {path} may be changed, not {others[0]}"
    if path not in changed:
        return "", "the blocks change nothing"
    return changed[path], problem(changed[path]) if problem else ""


def _cut(text: str, most: int = ASKED_CHARS) -> str:
    return text if len(text) <= most else f"{text[:most]}\n[cut: {len(text) - most} more characters]"


def _one_line(text: str) -> str:
    return " ".join(text.split())
