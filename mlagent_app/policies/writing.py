"""How the embedded policy reads a state and writes an instruction: special tokens, and their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, PROMPT_END, END = "<|pad|>", "<|edit|>", "<|end|>"
SPECIAL = (PAD, PROMPT_END, END)


@dataclass(frozen=True, slots=True)
class Writer:
    """A tokenizer that knows the form of prompts and completions.

    Prompts longer than `most` tokens lose their end: the oldest tries.
    """

    tokenizer: Tokenizer
    most: int

    @classmethod
    def load(cls, path: Path, most: int) -> Writer:
        """From a `tokenizer.json`. Raises OSError and ValueError."""
        from tokenizers import Tokenizer

        try:
            writer = cls(Tokenizer.from_str(path.read_text("utf-8")), most)
        except OSError:
            raise
        except Exception as error:  # the library raises bare exceptions
            raise ValueError(f"{path.name}: {error}") from error
        for mark in (PROMPT_END, END):
            writer.id_of(mark)
        return writer

    def id_of(self, mark: str) -> int:
        """The id of a special token. Raises ValueError when the tokenizer does not have it."""
        found = self.tokenizer.token_to_id(mark)
        if found is None:
            raise ValueError(f"the tokenizer has no token {mark}")
        return found

    def prompt(self, digest: str) -> list[int]:
        """The digest's tokens, and the mark after which the instruction begins."""
        return [*self.tokenizer.encode(digest, add_special_tokens=False).ids[: self.most - 1], self.id_of(PROMPT_END)]

    def completion(self, instruction: str) -> list[int]:
        """The instruction's tokens, and the end."""
        return [*self.tokenizer.encode(instruction, add_special_tokens=False).ids, self.id_of(END)]

    def completions(self, instructions: Sequence[str]) -> list[list[int]]:
        """`completion` of each."""
        end = self.id_of(END)
        return [[*found.ids, end] for found in self.tokenizer.encode_batch(list(instructions), add_special_tokens=False)]
