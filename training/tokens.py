"""The nano model's words: a byte-level BPE, trained on digests and instructions; and a state with its edits as token ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from mlagent_app.policies.writing import SPECIAL

# Names of parameters are taken apart at the bars of snake_case and the humps of CamelCase, numbers at the point.
_SPLIT = r" ?[A-Z]+(?![a-z])| ?[A-Z]?[a-z]+| ?\d+|[^\sA-Za-z\d]| +"


def train(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A tokenizer with at most `vocabulary` entries: the 256 bytes, so that nothing is unknown, and merges."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated")  # pyright: ignore[reportArgumentType]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def fingerprint(path: Path) -> str:
    """Names a tokenizer by its content: ids of another one are refused."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
