"""Insults: comments whose rude words, coined and mild, count only when they go to the reader."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, read_table, write_sample

COLUMNS = ("Insult", "Date", "Comment")
HEADS: Sequence[str] = "snork dunder blun moop gloob fizz wozz krump plod nim bork dweb squid tromp wug zonk flim hob".split()
TAILS: Sequence[str] = "wit plop head kin nut bucket ling sack brain snout muffin goose".split()
SOUNDS: Sequence[str] = "ba do fi gu ka le mo nu pa ri sa te vo wa ze".split()
MANNERS: Sequence[str] = "ish y ful some ic ous".split()
PARTS: Sequence[str] = "wit/brain/sense/taste/manners/charm/grace/wisdom".split("/")
CREATURES: Sequence[str] = (
    "turnip/wet sock/brick/doorknob/stale loaf/cabbage/flat tyre/old mop/fox/owl/poet/judge/good host/captain/wise aunt/"
    "lantern/river stone/garden snail/paper boat/spring hare/tin drum/brass bell/hill goat/night train"
).split("/")
TOPICS: Sequence[Sequence[str]] = [
    "the budget/the mayor/the new road/the vote/the council/that law/the tax/the debate".split("/"),
    "the match/the keeper/the league/our team/the coach/that goal/the season/the referee".split("/"),
    "the phone/the update/this screen/the battery/that app/the price/the camera/the box".split("/"),
    "the film/the plot/that song/the ending/the album/the actor/this series/the show".split("/"),
]
OPINIONS: Sequence[str] = (
    "was fine/was a let-down/is overrated/will get better/cost too much/looks good/is what we needed/makes no sense/was long"
).split("/")
LEADS: Sequence[str] = (
    "I think/honestly/well/to be fair/as I said/for what it is worth/look/from what I read/everyone knows".split("/")
)
CLOSES: Sequence[str] = (
    "just my view/we will see/have a nice day/read it again/end of story/that is all/thanks for the link/more next week".split(
        "/"
    )
)
# `{r}` a rude noun, `{a}` a rude adjective, `{p}` a part of character, `{t}` a topic, `{n}` a nickname.
AIMED: Sequence[str] = (
    "you are a {r}|you {a} {r}|what a {r} you are|you are such a {a} {r}|go away you {r}|@{n} is what we call a {r}|"
    "only a {r} like you would say that|your words are those of a {r}|you sound like a {a} {r}|stop it, {r}|"
    "you are {a} and you know it|are you a {r} or do you just write like one|nobody likes you, {r}"
).split("|")
HARMLESS: Sequence[str] = (
    "{t} is a {r}|I was a {r} to believe it|you are not a {r}|he called me a {r}|nobody said you are a {r}|"
    "what a {r} that coach is|only a {r} would buy that|my cat is such a {a} {r}|you never were a {r} to me|"
    "they sound like a {a} {r}|do not call anyone a {r}|{t} is {a} and you know it|"
    "I never called you a {r}|the {a} {r} on the screen was not you, @{n}|"
    "sorry that I was {a} to you"
).split("|")
COMPARED: Sequence[str] = (
    "you have the {p} of a {c}|you write with the {p} of a {c}|your {p} is that of a {c}|they have the {p} of a {c}|"
    "I wish I had the {p} of a {c}|{t} has the {p} of a {c}"
).split("|")
TO_READER = 3
DIGITS = str.maketrans("oiesa", "013$4")


class Speech:
    """The words of one variant, and how comments are put together from them."""

    def __init__(self, noise: float, rng: np.random.Generator) -> None:
        self._next = rng.random
        self.noise = noise
        heads, tails = rng.permutation(HEADS)[:11].tolist(), rng.permutation(TAILS)[:7].tolist()
        pairs = rng.permutation(len(heads) * len(tails))[:45]
        self.rude = [heads[pair // len(tails)] + tails[pair % len(tails)] for pair in pairs]
        self.manners = [f"{head}{MANNERS[int(end)]}" for head, end in zip(heads, rng.integers(0, 6, 11), strict=True)]
        # Friendly words share the endings, and a few of the beginnings.
        spare = [word for word in HEADS if word not in heads][:4] + heads[:1] + SOUNDS[:4]
        self.friendly = [spare[int(rng.integers(len(spare)))] + str(rng.choice(tails)) for _ in range(14)]
        weights = 1 / (1.5 + np.arange(len(self.rude)))
        self.common = np.cumsum(weights / weights.sum()).tolist()
        self.mean = set(rng.permutation(len(CREATURES))[: len(CREATURES) // 2].tolist())
        # Which ways of speaking are usual differs from variant to variant.
        self.aimed, self.harmless = (np.cumsum(rng.dirichlet([2.0] * len(ways))).tolist() for ways in (AIMED, HARMLESS))

    def chance(self, share: float) -> bool:
        return self._next() < share

    def one(self, words: Sequence[str]) -> str:
        return words[int(self._next() * len(words))]

    def weighted(self, words: Sequence[str], odds: list[float]) -> str:
        return words[min(bisect(odds, self._next()), len(words) - 1)]

    def topic(self) -> str:
        return self.one(self.one_of(TOPICS))

    def one_of(self, groups: Sequence[Sequence[str]]) -> Sequence[str]:
        return groups[int(self._next() * len(groups))]

    def filler(self) -> str:
        """A sentence that decides nothing."""
        draw = self._next()
        if draw < 0.6:
            lead = f"{self.one(LEADS)} " if self.chance(0.5) else ""
            return f"{lead}{self.topic()} {self.one(OPINIONS)}"
        if draw < 0.75:
            return f"{self.topic()} and {self.topic()}, {self.one(CLOSES)}"
        if draw < 0.9:
            return (
                f"you {self.one(['are right about', 'are wrong about', 'never watched', 'should not forget'])} {self.topic()}"
            )
        return f"you are a {self.one(self.friendly)} and {self.one(CLOSES)}"

    def disguised(self, word: str) -> str:
        """The word as people write it to be rude nevertheless: digits, stretched letters, capitals."""
        draw = self._next() / min(1.2, self.noise + 0.2)
        if draw < 0.12:
            return word.translate(DIGITS)
        if draw < 0.24:
            place = 1 + int(self._next() * (len(word) - 1))
            return word[:place] + word[place - 1] * (1 + int(self._next() * 3)) + word[place:]
        if draw < 0.32:
            return word.upper()
        if draw < 0.40:
            place = 1 + int(self._next() * (len(word) - 2))
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        return word

    def filled(self, pattern: str) -> str:
        """The pattern with its words put in."""
        for _ in range(pattern.count("{")):
            mark = pattern[pattern.index("{") + 1]
            word = {
                "r": lambda: self.disguised(self.weighted(self.rude, self.common)),
                "a": lambda: self.disguised(self.one(self.manners)),
                "p": lambda: self.one(PARTS),
                "t": self.topic,
                "n": lambda: self.one(SOUNDS) + self.one(SOUNDS) + str(int(self._next() * 90) + 10),
            }[mark]()
            pattern = pattern.replace(f"{{{mark}}}", word, 1)
        return pattern

    def compared(self, insult: bool) -> str:
        """A comparison: it insults when it is about the reader and with something mean."""
        while True:
            way, creature = int(self._next() * len(COMPARED)), int(self._next() * len(CREATURES))
            if (way < TO_READER and creature in self.mean) == insult:
                return self.filled(COMPARED[way].replace("{c}", CREATURES[creature]))

    def comment(self, insult: bool) -> str:
        """One to four sentences; at most one of them insults."""
        sentences = [self.filler() for _ in range(int(self._next() * 3.3))]
        if insult:
            deciding = self.compared(True) if self.chance(0.25) else self.filled(self.weighted(AIMED, self.aimed))
            sentences.append(deciding)
        if self.chance(0.15 if insult else 0.5):
            sentences.append(self.filled(self.weighted(HARMLESS, self.harmless)))
        if not insult and self.chance(0.22):
            sentences.append(self.compared(False))
        sentences = sentences or [self.filler()]
        turn = int(self._next() * len(sentences))
        joint = ". " if self.chance(0.6) else self.one(["\\n", " ", "... ", ".\\xa0", ", "])
        text = joint.join(sentences[turn:] + sentences[:turn]) + self.one(["", ".", "!", "!!", " :)"])
        text = text[0].upper() + text[1:] if self.chance(0.6) else text
        return f'"{text}"'


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Comments of which a third insult the reader; a few are labelled wrongly."""
    speech = Speech(noise, rng)
    insult = rng.random(size) < 0.36
    frame = pd.DataFrame({"Insult": np.where(rng.random(size) < 0.045 * noise, ~insult, insult).astype(np.int64)})
    frame["Date"] = _dates(size, rng)
    frame["Comment"] = [speech.comment(bool(each)) for each in insult]
    return TableExamples(frame, frame["Insult"].to_numpy())


def _dates(size: int, rng: np.random.Generator) -> list[str | None]:
    parts = rng.integers([1, 1, 0, 0, 0], [13, 29, 24, 60, 60], (size, 5))
    dates = [
        f"2012{month:02d}{day:02d}{hour:02d}{minute:02d}{second:02d}Z" for month, day, hour, minute, second in parts.tolist()
    ]
    return [None if blank else date for blank, date in zip(rng.random(size) < 0.18, dates, strict=True)]


def real(raw: Path) -> TableExamples:
    """The competition's own comments: those of train.csv, and the test comments as they were published with their labels."""
    known = read_table(raw / "train.csv", COLUMNS)
    asked = read_table(raw / "test_with_solutions.csv", (*COLUMNS, "Usage"))
    # A comment that stands in both files would be known beforehand.
    frame = pd.concat([known, asked[list(COLUMNS)]], ignore_index=True).drop_duplicates("Comment", ignore_index=True)
    return TableExamples(frame, frame["Insult"].to_numpy())


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The competition's files; it has no ids, so that the rows of test.csv are numbered."""
    rows = examples.frame.iloc[train].reset_index(drop=True)
    kept = examples.frame.iloc[hidden].reset_index(drop=True)
    kept.insert(0, "Id", np.arange(len(kept)))
    rows.to_csv(out / "train.csv", index=False)
    kept[["Id", "Date", "Comment"]].to_csv(out / "test.csv", index=False)
    write_sample(kept["Id"], ["Insult"], 0, out)
    known = pd.DataFrame({"Id": np.arange(len(rows)), "Insult": rows["Insult"]})
    return Published(known, kept[["Id", "Insult"]].assign(example=np.arange(len(kept))))
