"""Toxic comments: talk about articles, with coined curses, rude nouns, announced deeds and invented peoples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables, read_table

KINDS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
COLUMNS = ("id", "comment_text", *KINDS)

ARTICLES: Sequence[str] = (
    "the list of bridges/the page on comets/the lead section/this stub/the infobox/the history of tin/"
    "the article about weaving/the table of kings/the section on trade/the picture of the dam/the talk archive/"
    "the category tree"
).split("/")
DEEDS: Sequence[str] = (
    "moved/merged/reverted/sourced/shortened/checked/split/protected/renamed/tagged/rewritten/archived".split("/")
)
REMARKS: Sequence[str] = (
    "please sign your posts/see the style guide/I added a source/the date is wrong/thank you for the help/this needs a vote/"
    "I disagree with the merge/there is no consensus yet/the numbers come from the census/let us discuss it first/"
    "you removed a link without a reason/your edit was good/I will look into it/can you explain your change/"
    "do not delete sourced text/the spelling follows the original"
).split("/")
CURSE_STEMS: Sequence[str] = "frak grozz blast smeg zark drog fud skrat glorp narf blix vork krud plurg".split()
CURSE_ENDS: Sequence[str] = ["", "", "ing", "ed", "er", "s", "y"]
RUDE_STEMS: Sequence[str] = "nit clod mug twerp dolt oaf gump drip lout noodle pud bumble".split()
RUDE_ENDS: Sequence[str] = ["", "ling", "face", "head", "s", "ster", "bag"]
MILD: Sequence[str] = "drip/mug/oaf/bag/head/blast/mister/noodles/face".split("/")
PEOPLES: Sequence[str] = (
    "Zorbians Quellites Marnians Ostrovites Pelluns Dorvaks Ilmenites Tarquans Venlings Hovarians Sulkats Brennites".split()
)
GOOD: Sequence[str] = (
    "settled by the river/are mentioned twice/speak two languages/trade in wool/have a museum/kept good records/"
    "built the old bridge"
).split("/")
BAD: Sequence[str] = (
    "ruin everything/are all liars/should be kept out/never tell the truth/spoil this place/smell of swamp/cannot be trusted"
).split("/")
THINGS: Sequence[str] = "house/keyboard/garden/account/dog/roof/bicycle/desk/hat/fence".split("/")
HARM: Sequence[str] = "flatten smash burn break wreck crush trash squash soak sink".split()
HELP: Sequence[str] = "clean paint mend visit move draw photograph measure describe water".split()

AIMED: Sequence[str] = (
    "you are a {r}|what a {r} you are|you {c} {r}|go home {r}|only a {r} writes like you|you and your friends are {r}|"
    "listen, {r}, you know nothing|your edits show what a {r} you are|you act like a {r}"
).split("|")
OTHERS: Sequence[str] = (
    "the king was called a {r}|the play is about a {r}|nobody here is a {r}|he wrote that the poet was a {r}|"
    "please do not call me a {r}|you are not a {r}|the word {r} is old|a {r} like that is in the story"
).split("|")
CURSED: Sequence[str] = (
    "this is {c} nonsense|{c} {c}|what the {c} is this|leave my {c} page alone|I do not give a {c}|{c} this|"
    "who {c} wrote that|stop {c} with it|the {c} article is {c} again"
).split("|")
THREATS: Sequence[str] = (
    "I will {h} your {t}|we will {h} your {t} tonight|you will see me {h} your {t}|I know your {t} and I will {h} it|"
    "watch out, I {h} your {t} next|one more edit and I {h} you|I am going to {h} you and your {t}"
).split("|")
PEACEFUL: Sequence[str] = (
    "I will {g} your {t}|they will {h} the old {t} for the new road|I would never {h} your {t}|did the storm {h} your {t}|"
    "he said the army will {h} the {t}|we will {g} your {t} tonight|you will see me {g} the {t}|"
    "do not {h} the {t} in the picture"
).split("|")


class Talk:
    """The words of one variant."""

    def __init__(self, noise: float, rng: np.random.Generator) -> None:
        self.draw = rng.random
        self.noise = noise
        self.curses = rng.permutation(CURSE_STEMS)[:8].tolist()
        self.rude = rng.permutation(RUDE_STEMS)[:8].tolist()
        harm, kind = rng.permutation(HARM).tolist(), rng.permutation(HELP).tolist()
        self.harm, self.kind = harm[:8], kind[:8]
        self.people = rng.permutation(PEOPLES)[:8].tolist()
        self.words: dict[str, Callable[[], str]] = {
            "c": lambda: self.spelled(self.common(self.curses) + self.one(CURSE_ENDS)),
            "r": lambda: self.spelled(self.common(self.rude) + self.one(RUDE_ENDS)),
            "h": lambda: self.one(self.harm),
            "g": lambda: self.one(self.kind),
            "t": lambda: self.one(THINGS),
        }

    def one(self, words: Sequence[str]) -> str:
        return words[int(self.draw() * len(words))]

    def common(self, words: Sequence[str]) -> str:
        """The first words more often than the last."""
        return words[int(self.draw() ** 1.6 * len(words))]

    def spelled(self, word: str) -> str:
        """Digits for letters, stretched letters, a star in place of a vowel."""
        draw = self.draw()
        if draw < 0.10:
            return word.replace("o", "0").replace("e", "3").replace("i", "1").replace("a", "4").replace("u", "v")
        if draw < 0.20:
            place = int(self.draw() * len(word))
            return word[:place] + word[place : place + 1] * (2 + int(self.draw() * 3)) + word[place + 1 :]
        if draw < 0.26 and len(word) > 3:
            place = 1 + int(self.draw() * (len(word) - 2))
            return word[:place] + "*" + word[place + 1 :]
        return word

    def filled(self, patterns: Sequence[str]) -> str:
        """One of the patterns with its words put in."""
        first, *rest = self.one(patterns).split("{")
        return first + "".join(self.words[piece[0]]() + piece[2:] for piece in rest)

    def peoples(self, hate: bool) -> str:
        """A people is named, with something bad or in peace; who is hated is also quoted, and disagreed with."""
        people, bad, good = self.one(self.people), self.one(BAD), self.one(GOOD)
        if hate:
            return self.one([f"the {people} {bad}", f"{people} {bad} and you are one of them", f"as always the {people} {bad}"])
        peaceful = [
            f"the {people} {good}",
            f"{people} {good}",
            f"nobody says that the {people} {bad}",
            f"the {people} in that village {good}",
        ]
        return self.one(peaceful)

    def plain(self) -> str:
        draw = self.draw()
        if draw < 0.4:
            return self.one(REMARKS)
        if draw < 0.8:
            return f"{self.one(ARTICLES)} was {self.one(DEEDS)}"
        return f"a {self.one(MILD)} in {self.one(ARTICLES)} is {self.one(DEEDS)}"

    def comment(self, traits: list[bool]) -> str:
        """Sentences for the traits (severe, obscene, threat, insult, hate), decoys for what it has not, and plain ones."""
        severe, obscene, threat, insult, hate = traits
        parts = [self.plain() for _ in range(1 + int(self.draw() * 3))]
        if obscene:
            parts += [self.filled(CURSED) for _ in range(3 if severe else 1)]
        if insult:
            parts.append(self.filled(AIMED))
        elif self.draw() < 0.16:
            parts.append(self.filled(OTHERS))
        if threat:
            parts.append(self.filled(THREATS))
        elif self.draw() < 0.22:
            parts.append(self.filled(PEACEFUL))
        if hate:
            parts.append(self.peoples(True))
        elif self.draw() < 0.16:
            parts.append(self.peoples(False))
        turn = int(self.draw() * len(parts))
        joint = self.one([". ", ". ", "\n", " ", ", ", "... "])
        text = joint.join(parts[turn:] + parts[:turn])
        if severe and self.draw() < 0.6:
            return text.upper() + self.one(["!", "!!!", ""])
        return text + self.one([".", "", "!", "?"])


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Comments with several kinds of toxicity, drawn together: what is toxic in one way tends to be so in another."""
    talk = Talk(noise, rng)
    traits = _traits(size, rng)
    texts = [talk.comment(row) for row in traits.tolist()]
    toxic = traits.any(axis=1) | (rng.random(size) < 0.01)
    labels = np.column_stack([toxic, traits])
    # A label is missed or set now and then, as people do who judge thousands of comments.
    missed, wrong = rng.random(labels.shape) < 0.05 * noise, rng.random(labels.shape) < 0.006 * noise
    labels = (labels & ~missed) | wrong
    marks = rng.integers(0, 2**32, (size, 2)).tolist()
    frame = pd.DataFrame({"id": [f"{high:08x}{low:08x}" for high, low in marks], "comment_text": texts})
    frame[list(KINDS)] = labels.astype(np.int64)
    return TableExamples(frame, _strata(labels))


def _traits(size: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Severe, obscene, threat, insult, hate. A shared heat makes them come together. Shape (size, 5)."""
    heat = rng.normal(0, 1, size)
    limits = np.array([0.16, 0.055, 0.15, 0.06]) * rng.uniform(0.85, 1.2, 4)
    own = 0.45 * heat[:, None] + 0.9 * rng.normal(0, 1, (size, 4))
    chosen = own > np.quantile(own, 1 - limits, axis=0).diagonal()
    severe = chosen[:, 0] & (heat + 0.5 * rng.normal(0, 1, size) > 0.5)
    return np.column_stack([severe, chosen])


def _strata(labels: npt.NDArray[np.bool_]) -> npt.NDArray[np.generic]:
    """The rarest kind that a comment has, so that every kind is in each part."""
    rarest_last = np.argsort(-labels.sum(axis=0), kind="stable")
    strata = np.zeros(len(labels), np.int64)
    for rank, kind in enumerate(rarest_last, start=1):
        strata[labels[:, kind]] = rank
    return strata


def real(raw: Path) -> TableExamples:
    """The competition's own training comments; `train.csv` may still be in `train.csv.zip`."""
    path, packed = raw / "train.csv", raw / "train.csv.zip"
    frame = read_table(packed if packed.is_file() and not path.is_file() else path, COLUMNS)
    return TableExamples(frame, _strata(frame[list(KINDS)].to_numpy() == 1))


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The three files of the competition."""
    return publish_tables(examples, train, hidden, out, key="id", targets=KINDS, blank=0.5)
