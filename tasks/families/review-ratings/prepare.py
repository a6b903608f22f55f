"""Review ratings: sentences that judge aspects with adjectives of unknown strength, turned, weakened, and off the subject."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import write_sample

CATEGORIES = np.array(["camping", "cinema", "guesthouse", "museum", "restaurant", "workshop"])
NOUNS = (
    ("price", "bill", "cost"),
    ("staff", "service", "crew"),
    ("room", "space", "hall"),
    ("food", "menu", "coffee"),
    ("way there", "parking", "road"),
    ("sound", "music", "noise"),
    ("view", "garden", "light"),
)
ADVERBS = {"": 1.0, "very ": 1.6, "really ": 1.5, "slightly ": 0.45, "a bit ": 0.5, "rather ": 0.8}
JUDGING = ("the {n} was {a}", "{a} {n}", "i found the {n} {a}", "we had {a} {n}", "the {n} is {a} here", "{n} {a}")
ELSEWHERE = ("last year the {n} next door was {a}", "my cousin knows a place with {a} {n}", "elsewhere the {n} was {a}")
PLAIN = (
    "we came on a {d}",
    "it was our second visit",
    "the {n} is on the left",
    "i was there with my family",
    "we stayed until {d}",
    "the {n} opens at nine",
    "a friend had told us about it",
    "it rained on {d}",
    "i wrote this on the way home",
    "there is a {n}",
)
DAYS = ("monday", "tuesday", "friday", "saturday", "sunday")
ADJECTIVES = 36

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reviews:
    """`frame` has the columns review, category, text, rating."""

    frame: pd.DataFrame

    @property
    def strata(self) -> None:
        return None

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class Tongue:
    """`strength[aspect, adjective]`, how often each adjective is used, and `weight[category, aspect]`."""

    adjectives: list[str]
    strength: Floats
    usage: Floats
    weight: Floats
    twice: float


def mini(size: int, noise: float, rng: np.random.Generator) -> Reviews:
    """Reviews of six categories; adjectives, their strength and the weights of the aspects are drawn."""
    tongue = _tongue(rng)
    category = rng.choice(6, size, p=0.05 + 0.7 * rng.dirichlet([4] * 6))
    generosity = rng.normal(0, 0.5, 6)
    off, plain = rng.uniform(0.1, 0.3), rng.uniform(0.15, 0.4)
    texts, scores = list[str](), np.zeros(size)
    for row in range(size):
        liking = rng.normal(0, 1.0)
        text, scores[row] = _review(tongue, int(category[row]), liking, (off, plain, 0.02 * noise), rng)
        texts.append(text)
    scores = (scores - scores.mean()) / scores.std()
    mood = rng.normal(0, 0.45 * noise, size) + generosity[category]
    rating = 10 / (1 + np.exp(-0.9 * (scores + mood) - 0.3))
    review = rng.choice(900_000, size, replace=False) + 100_000
    frame = pd.DataFrame({"review": review, "category": CATEGORIES[category], "text": texts, "rating": rating.round(1)})
    return Reviews(frame)


def _tongue(rng: np.random.Generator) -> Tongue:
    first, last = np.array(list("bcdfglmnprstvz")), np.array(["ly", "sh", "ty", "ck", "ng", "nd", "mmy", "rful", "zz"])
    vowels = np.array(list("aeiou"))
    made = dict.fromkeys(
        f"{a}{b}{c}{d}{e}"
        for a, b, c, d, e in zip(*(rng.choice(x, 200) for x in (first, vowels, first, vowels, last)), strict=True)
    )
    adjectives = list(made)[:ADJECTIVES]
    base = rng.choice([-1.0, 1.0], ADJECTIVES) * rng.gamma(3.0, 0.35, ADJECTIVES)
    strength = np.tile(base, (len(NOUNS), 1))
    turning = rng.choice(ADJECTIVES, int(rng.integers(6, 14)), replace=False)
    strength[rng.integers(0, len(NOUNS), len(turning)), turning] *= -1
    strength[rng.integers(0, len(NOUNS), len(turning)), turning] *= -1
    usage = rng.dirichlet([1.5] * ADJECTIVES)
    weight = rng.gamma(1.6, 0.6, (6, len(NOUNS))) + 0.15
    return Tongue(adjectives, strength, usage, weight, float(rng.uniform(1.5, 2.5)))


def _review(
    tongue: Tongue, category: int, liking: float, shares: tuple[float, float, float], rng: np.random.Generator
) -> tuple[str, float]:
    """A review and what it says in sum. Guests who like a place choose good words more often."""
    off, plain, wrong = shares
    sentences, total, amount = list[str](), 0.0, 0.3
    draws = rng.random((int(rng.integers(4, 11)), 11))
    adverbs = list(ADVERBS)
    cumulated = np.cumsum(tongue.usage)
    for u in draws:
        aspect = int(u[0] * len(NOUNS))
        noun = NOUNS[aspect][int(u[1] * 3)]
        if u[2] < plain:
            sentences.append(PLAIN[int(u[3] * len(PLAIN))].format(n=noun, d=DAYS[int(u[4] * len(DAYS))]))
            continue
        adverb = adverbs[int(u[5] * len(adverbs))] if u[6] < 0.6 else ""
        first, second = np.minimum(np.searchsorted(cumulated, u[[4, 9]]), ADJECTIVES - 1).tolist()
        gain = tongue.strength[aspect, second] - tongue.strength[aspect, first]
        adjective = second if u[10] < 1 / (1 + np.exp(-1.5 * liking * gain)) else first
        value = tongue.strength[aspect, adjective]
        turned = u[7] < (0.3 if value * liking < 0 else 0.08)
        words = ("not " if turned else "") + adverb + _spelt(tongue.adjectives[adjective], wrong, u[8])
        if u[2] < plain + off:
            sentences.append(ELSEWHERE[int(u[3] * len(ELSEWHERE))].format(n=noun, a=words))
            continue
        sentence = JUDGING[int(u[3] * len(JUDGING))].format(n=noun, a=words)
        weight = tongue.weight[category, aspect]
        contrast = u[8] > 0.85 and sentences
        said = value * (-0.7 if turned else 1.0) * ADVERBS[adverb] * weight * (tongue.twice if contrast else 1.0)
        total, amount = total + said, amount + weight * (tongue.twice if contrast else 1.0)
        sentences.append(f"but {sentence}" if contrast else sentence)
    return ". ".join(sentences) + ".", total / np.sqrt(amount)


def _spelt(word: str, wrong: float, draw: float) -> str:
    """Now and then without its second letter."""
    return word[0] + word[2:] if draw < wrong else word


def publish(examples: Reviews, train: Index, hidden: Index, out: Path) -> Published:
    """Two tables and the sample submission."""
    known, asked = (examples.frame.iloc[rows].reset_index(drop=True) for rows in (train, hidden))
    known.to_csv(out / "reviews.csv", index=False)
    asked.drop(columns="rating").to_csv(out / "unrated.csv", index=False)
    write_sample(asked["review"], ["rating"], 5.0, out)
    wanted = ["review", "rating"]
    return Published(known[wanted], asked[wanted].assign(example=np.arange(len(hidden))))
