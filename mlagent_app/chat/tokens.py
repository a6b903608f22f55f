"""How many tokens a text is, where no tokenizer is at hand, and how a context is shared between prompt and reply."""

from __future__ import annotations

import math
import re

# A word of letters, a digit, a run of blanks, a run of line ends, a run of other signs, a run of another script.
_PART = re.compile(r"[A-Za-z]+|[0-9]|[ \t]+|[\r\n]+|[!-/:-@\[-`{-~]+|[^\x00-\x7f]+|.", re.DOTALL)
# Letters a token within a word: most words are one token, long names of code several.
_LETTERS = 5


def estimate(text: str) -> int:
    """The tokens of a text, rather too many: a word is one for every five letters, a digit is one, two other signs are one.

    A run of blanks or of line ends is one unless it is a single blank, which belongs to the word after it. Other scripts are
    counted by their bytes, two a token.
    """
    return sum(map(_tokens, _PART.findall(text)))


def _tokens(part: str) -> int:
    if part == " ":
        return 0
    if not part.isascii():  # before the next line, which knows blanks and digits of other scripts, too
        return math.ceil(len(part.encode("utf-8", "replace")) / 2)
    if part[0].isspace() or part[0].isdigit():
        return 1
    return math.ceil(len(part) / (_LETTERS if part[0].isalpha() else 2))


def reply_room(context_tokens: int) -> int:
    """The tokens of a context that are kept for the reply: a quarter, at most 4,096."""
    return min(4096, context_tokens // 4)
