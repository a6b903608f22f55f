"""The editor that is a language model: an instruction becomes search/replace blocks, and a file becomes an answer about it.

Files and instructions go to the model as quoted data. What it answers is read as blocks for the one file that was named, or as
plain text; nothing of it is executed here. Its thoughts are no part of a `Reply`: whoever asks the model leaves them out, once.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlagent_app.agent.chat import ChatModel, Message, OnText, PromptTooLong, Reply, Usage
from mlagent_app.chat.quoting import DATA, quoted
from mlagent_app.editors.patch import PatchError, apply_patch

# Room that a prompt leaves for the reply, in tokens: half of the context, and no more than this.
REPLY_TOKENS = 4096
# A file is read in parts of at most this many characters, at most so many of them, and one more request joins the answers.
PART_CHARS = 24_000
MAX_PARTS = 4
# Parts are halved, down to about this, where the context holds no longer ones.
LEAST_PART = 500
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


class EditorFailed(Exception):
    """The editor could not do what it was asked; the message says why. `usage` is what its tries took."""

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
        of the new text, the model is shown what and tries once more. Raises `EditorFailed` when that fails too or the file does
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
        raise EditorFailed(f"the editor {self.name} could not edit {path}: {message}", usage)

    def summary(
        self, path: str, text: str, things_to_look_for: str, cancel: threading.Event, on_text: OnText | None = None
    ) -> Reply:
        """What the file says about `things_to_look_for`, from at most `MAX_PARTS` parts of it.

        A file that is longer than those parts is read from its beginning, and the answer says how far. A server whose context
        is shorter than it said is asked in shorter parts. Raises `EditorFailed`, `Cancelled` and `UserError` as `edit` does.
        """
        question = quoted("what to look for", _cut(things_to_look_for or "what the file does, part by part"))
        size = self._part_size(text)
        usage = Usage()

        def asked(content: Callable[[int], str]) -> str:
            """The answer to what `content` makes of a size, which is halved for as long as that is too long."""
            nonlocal size, usage
            while True:
                try:
                    reply = self._model.reply(_reading(f"{content(size)}\n\n{question}"), cancel, on_text)
                except PromptTooLong as error:
                    if size <= LEAST_PART:
                        raise EditorFailed(f"the editor {self.name} could not read {path}: {error.what}", usage) from None
                    size //= 2
                else:
                    usage += reply.usage
                    return reply.text

        answers: list[str] = []
        read = 0
        while not answers or (read < len(text) and len(answers) < MAX_PARTS):
            answers.append(asked(functools.partial(_part, path, text, read)))
            read = _part_end(text, read, size)
        answer = answers[0] if len(answers) == 1 else asked(functools.partial(_notes, answers))
        if read < len(text):
            answer = f"[read up to line {text.count(chr(10), 0, read)} of {text.count(chr(10)) + 1}]\n{answer}"
        return Reply(answer, usage)

    def _part_size(self, text: str) -> int:
        """The characters of a part that fits into a prompt."""
        size = min(PART_CHARS, max(len(text), LEAST_PART))
        while size > LEAST_PART and not self._fits(_reading(text[:size] + "x" * ASKED_CHARS)):
            size //= 2
        return size

    def _fits(self, messages: list[Message]) -> bool:
        return self._tokens(messages) <= self._room()

    def _room(self) -> int:
        return self._model.context_tokens - min(REPLY_TOKENS, self._model.context_tokens // 2)

    def _tokens(self, messages: list[Message]) -> int:
        return sum(self._model.count(message.content) + 8 for message in messages)  # 8: what a chat template adds

    def _check_fits(self, path: str, messages: list[Message]) -> None:
        tokens = self._tokens(messages)
        if tokens > self._room():
            raise EditorFailed(
                f"{path} is too long for the editor {self.name}: {tokens} tokens, of which {self._room()} fit; write a patch, "
                "or edit a shorter file",
                Usage(),
            )


def _reading(content: str) -> list[Message]:
    return [Message("system", READ_SYSTEM), Message("user", content)]


def _part(path: str, text: str, start: int, size: int) -> str:
    """A part of a file as data, from `start` on."""
    end = _part_end(text, start, size)
    line = text.count("\n", 0, start) + 1
    title = path if not start and end == len(text) else f"{path}, from line {line} of {text.count(chr(10)) + 1}"
    return quoted(title, text[start:end])


def _part_end(text: str, start: int, size: int) -> int:
    """Where the part that begins at `start` ends: after a whole line, but for lines longer than a part."""
    if len(text) - start <= size:
        return len(text)
    newline = text.rfind("\n", start + 1, start + size)
    return newline + 1 if newline > start else start + size


def _notes(answers: Sequence[str], size: int) -> str:
    """The answers on parts of `size` as data, with what to do with them."""
    cut = [_cut(answer, size // MAX_PARTS) for answer in answers]
    notes = "\n\n".join(quoted(f"notes on part {number}", answer) for number, answer in enumerate(cut, 1))
    return f"Join these notes into one answer.\n\n{notes}"


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
