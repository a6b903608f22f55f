"""Topic notes: stems with endings in a made-up language, two pairs of desks that differ in the order of words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables

DESKS = np.array(["archive", "clinic", "ferry", "harvest", "market", "repairs"])
SMALL = np.array("the a of to and in is for on with at by it this that from or as be not we they was were has".split())
STEMS, OWN, PAIRS = 700, 34, 10

Numbers = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Language:
    """`words[stem, ending]`; `own[desk]` a desk's stems with their `shares`; `pairs[desk]` stems that follow each other."""

    words: Texts
    own: Numbers
    shares: npt.NDArray[np.float64]
    pairs: Numbers


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Notes to six desks; language, topics, pairs of like desks and how much is quoted are drawn."""
    language = _language(rng)
    desk = rng.choice(6, size, p=0.06 + 0.64 * rng.dirichlet([4] * 6))
    desk[:36] = np.arange(36) % 6
    other = (desk + rng.integers(1, 6, size)) % 6
    topical = np.clip(rng.normal(0.3, 0.08, size), 0.1, 0.6)
    body = _texts(language, desk, rng.integers(10, 34, size), topical, noise, rng)
    quoted = np.flatnonzero(rng.random(size) < rng.uniform(0.25, 0.45))
    older = _texts(language, other[quoted], rng.integers(8, 24, len(quoted)), topical[quoted], noise, rng)
    body[quoted] = [f"{new} >> {old}" for new, old in zip(body[quoted], older, strict=True)]
    about = np.where(rng.random(size) < 0.15 * noise, other, desk)
    subject = _texts(language, about, rng.integers(2, 5, size), np.full(size, 0.4), noise, rng)
    subject[rng.random(size) < rng.uniform(0.35, 0.6)] = ""

    labels = np.where(rng.random(size) < 0.04 * noise, other, desk)
    frame = pd.DataFrame({"note": [f"n{number:06d}" for number in rng.choice(1_000_000, size, replace=False)]})
    frame["sender"] = _senders(desk, rng)
    frame["subject"], frame["body"], frame["desk"] = subject, body, DESKS[labels]
    return TableExamples(frame, frame["desk"].to_numpy(str))


def _language(rng: np.random.Generator) -> Language:
    consonants, vowels = np.array(list("bdfghjklmnprstvz")), np.array([*list("aeiou"), "ai", "eo"])
    parts = np.char.add(rng.choice(consonants, (STEMS, 3)), rng.choice(vowels, (STEMS, 3)))
    short = rng.random(STEMS) < 0.35
    stems = [
        a + b + ("" if cut else c) + d for (a, b, c), cut, d in zip(parts, short, rng.choice(consonants, STEMS), strict=True)
    ]
    endings = ["", *np.char.add(rng.choice(vowels[:5], 9), rng.choice(np.array(["", "n", "s", "r", "k", "lo", "mi"]), 9))]
    words = np.array([[stem + ending for ending in endings] for stem in stems], dtype=object)

    # A desk's stems come from the rarer part of the vocabulary; like desks share most of theirs.
    own = rng.choice(np.arange(60, STEMS), (6, OWN), replace=False)
    pairs = rng.choice(np.arange(60, STEMS), (6, PAIRS, 2), replace=False)
    order = rng.permutation(6)
    for a, b in (order[:2], order[2:4]):
        shared = int(OWN * rng.uniform(0.7, 0.9))
        own[b, :shared] = own[a, :shared]
        pairs[b] = pairs[a][:, ::-1]
    columns = np.array([rng.permutation(OWN) for _ in range(6)])
    shares = rng.dirichlet([0.6] * OWN, 6)[np.arange(6)[:, None], columns]
    return Language(words, own, shares, pairs)


def _texts(
    language: Language,
    desk: Numbers,
    lengths: Numbers,
    topical: npt.NDArray[np.float64],
    noise: float,
    rng: np.random.Generator,
) -> Texts:
    """One text a desk, of so many items: topical words, pairs of words, common words, small words."""
    note = np.repeat(np.arange(len(desk)), lengths)
    topic, count = desk[note], len(note)
    draw, share = rng.random(count), topical[note]
    common = np.minimum((rng.pareto(0.7, count) * 4).astype(np.int64), STEMS - 1)
    stem = common.copy()
    for number in range(6):
        mine = np.flatnonzero((topic == number) & (draw < share))
        stem[mine] = rng.choice(language.own[number], len(mine), p=language.shares[number])
    ending = np.where(rng.random(count) < 0.3, 0, rng.integers(0, language.words.shape[1], count))
    items = language.words[stem, ending].copy()
    small = (draw > 0.72) & (draw > share)
    items[small] = SMALL[np.minimum(rng.geometric(0.12, int(small.sum())) - 1, len(SMALL) - 1)]
    paired = np.flatnonzero((draw > share) & (draw < share + 0.07))
    chosen = language.pairs[topic[paired], rng.integers(0, PAIRS, len(paired))]
    plain = np.where(rng.random((len(paired), 2)) < 0.8, 0, rng.integers(0, language.words.shape[1], (len(paired), 2)))
    items[paired] = language.words[chosen[:, 0], plain[:, 0]] + " " + language.words[chosen[:, 1], plain[:, 1]]
    wrong = np.flatnonzero(rng.random(count) < 0.04 * noise)
    items[wrong] = [_misspelt(word, place) for word, place in zip(items[wrong], rng.random(len(wrong)), strict=True)]
    ends = np.cumsum(lengths)
    return np.array([" ".join(items[end - length : end]) for end, length in zip(ends, lengths, strict=True)], dtype=object)


def _misspelt(word: str, place: float) -> str:
    """The word without one letter, or with one doubled."""
    at = int(place * len(word))
    return word[:at] + (word[at] * 2 if int(place * 97) % 2 else "") + word[at + 1 :]


def _senders(desk: Numbers, rng: np.random.Generator) -> Texts:
    """Thirty senders; a third of them write to one desk nearly always."""
    size = len(desk)
    faithful = np.flatnonzero(rng.random(size) < rng.uniform(0.1, 0.25))
    sender = 12 + np.minimum(rng.geometric(0.09, size) - 1, 27)
    sender[faithful] = desk[faithful] * 2 + rng.integers(0, 2, len(faithful))
    names = rng.permutation(100)[:40]
    return np.array([f"office-{number:02d}" for number in names[sender]], dtype=object)


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """Two tables and the sample submission."""
    return publish_tables(examples, train, hidden, out, key="note", targets=["desk"], blank="archive")
