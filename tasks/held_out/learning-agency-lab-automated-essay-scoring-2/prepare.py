"""Essays: sentences on a prompt, with more or less length, news, care, choice words and order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables, read_table

COLUMNS = ("essay_id", "full_text", "score")
# The shares of the scores 1 to 6.
SHARES = np.array([0.09, 0.24, 0.31, 0.21, 0.11, 0.04])


def _pairs(text: str) -> Sequence[Sequence[str]]:
    return [pair.split("/") for pair in text.split()]


PROMPTS: Sequence[Sequence[str]] = [
    "cars/buses/streets/drivers/traffic/parking places/cyclists/side roads".split("/"),
    "planets/rovers/telescopes/rockets/astronauts/comets/landing sites/orbits".split("/"),
    "school clubs/lessons/teachers/pupils/homework plans/sports days/school meals/long holidays".split("/"),
    "phones/screens/messages/online games/passwords/video calls/cameras/news pages".split("/"),
    "forests/rivers/parks/wild animals/gardens/bird nests/old trees/footpaths".split("/"),
]
GROUPS: Sequence[str] = "people/families/towns/young readers/many experts/our neighbours/most children/visitors".split("/")
# A plain word and a choice one.
VERBS = _pairs("help/support hurt/undermine change/transform need/require like/appreciate show/demonstrate stop/prevent")
TRAITS = _pairs("good/beneficial bad/detrimental big/substantial new/innovative hard/demanding safe/dependable")
GAINS = _pairs("money/expenditure time/duration health/wellbeing work/employment peace/harmony facts/evidence")
OPENINGS: Sequence[str] = "In this essay I will argue that/The question is whether/First of all/To begin with".split("/")
EVIDENCE: Sequence[str] = "For example/The article says that/One reason is that/According to the text/This shows that".split(
    "/"
)
CLOSINGS: Sequence[str] = "In conclusion/To sum up/For these reasons/All in all".split("/")
PLAIN: Sequence[str] = "Also/And/Then/But/So".split("/")
# What careful writers write, and what others make of it.
SLIPS = (
    (" are ", " is "), (" do not ", " dont "), (" because ", " becuase "), (" their ", " there "), (" have ", " has "),
    ("I ", "i "), (" a lot of ", " alot of "), (" would ", " would of "), (". ", " "), (" than ", " then "),
)  # fmt: skip


class Writer:
    """Puts essays together."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.draw = rng.random

    def one(self, words: Sequence[str]) -> str:
        return words[int(self.draw() * len(words))]

    def graded(self, pairs: Sequence[Sequence[str]], choice: float) -> str:
        """A word, the choice one of its pair with this chance."""
        return pairs[int(self.draw() * len(pairs))][self.draw() < choice]

    def statement(self, subjects: Sequence[str], choice: float) -> str:
        """A clause about one of the subjects."""
        subject, group, draw = self.one(subjects), self.one(GROUPS), self.draw()
        trait, verb, gain = self.graded(TRAITS, choice), self.graded(VERBS, choice), self.graded(GAINS, choice)
        if draw < 0.25:
            return f"{subject} are {trait} because they {verb} {group}"
        if draw < 0.45:
            return f"{group} have more {gain} than before when {subject} {verb} them"
        if draw < 0.65:
            return f"{group} do not {verb} {subject} and their {gain}"
        if draw < 0.85:
            return f"{subject} would {verb} a lot of {group}"
        return f"I think that {trait} {subject} {verb} the {gain} of {group}"

    def essay(self, traits: dict[str, float]) -> str:
        """The text for the traits: `sentences`, and shares from 0 to 1 of `new`, `choice`, `order`, `focus`, `errors`."""
        count, subjects = max(4, int(traits["sentences"])), PROMPTS[int(self.draw() * len(PROMPTS))]
        others = PROMPTS[int(self.draw() * len(PROMPTS))]
        leads = self.leads(count, traits["order"])
        said: list[str] = []
        for place in range(count):
            if said and self.draw() > traits["new"]:
                said.append(said[int(self.draw() * len(said))])
                continue
            clause = self.statement(subjects if self.draw() < traits["focus"] else others, traits["choice"])
            lead = leads.get(place) or (self.one(PLAIN) if self.draw() < 0.15 else "")
            clause = f"{lead}{' ' if lead.endswith(('that', 'whether')) else ', '}{clause}" if lead else clause
            said.append(clause[0].upper() + clause[1:])
        text = ". ".join(said) + "."
        if self.draw() < 0.5:
            text = text.replace(". ", ".\n\n", 1 + int(self.draw() * 3))
        return self.careless(text, traits["errors"])

    def leads(self, count: int, order: float) -> dict[int, str]:
        """Which sentences begin with an opening, with evidence, with a conclusion: in order, or strewn about."""
        phrases = [self.one(OPENINGS), *(self.one(EVIDENCE) for _ in range(1 + int(self.draw() * 3))), self.one(CLOSINGS)]
        middle = range(1, count - 1)
        places = [0, *(middle[int(self.draw() * len(middle))] for _ in phrases[1:-1]), count - 1]
        if self.draw() > order:
            # The same phrases at other places.
            places = [int(self.draw() * count) for _ in phrases]
        return dict(zip(places, phrases, strict=True))

    def careless(self, text: str, errors: float) -> str:
        """The text with slips of grammar and of spelling; `errors` is the share of words that are hit, more or less."""
        for right, wrong in SLIPS:
            if self.draw() < 6 * errors:
                text = text.replace(right, wrong, 1 + int(60 * errors * self.draw()))
        words = text.split(" ")
        for _ in range(int(errors * len(words) + self.draw())):
            place = int(self.draw() * len(words))
            word = words[place]
            if len(word) > 3:
                cut = 1 + int(self.draw() * (len(word) - 2))
                swapped = word[: cut - 1] + word[cut] + word[cut - 1] + word[cut + 1 :]
                words[place] = swapped if self.draw() < 0.5 else word[:cut] + word[cut + 1 :]
        return " ".join(words)


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Essays whose score follows from what is new in them, from care, order and focus, and from the reader."""
    skill = rng.normal(0, 1, size)
    own = 0.45 * skill[:, None] + 0.9 * rng.normal(0, 1, (size, 6))
    length, new, choice, order, focus, care = own.T
    traits = pd.DataFrame(
        {
            "sentences": np.clip(np.exp(2.35 + 0.33 * length), 5, 26),
            "new": np.clip(0.84 + 0.16 * new, 0.35, 1),
            "choice": _share(choice - 0.3),
            "order": (order > 0) * 1.0,
            "focus": np.clip(0.86 + 0.14 * focus, 0.4, 1),
            "errors": 0.07 * _share(-0.2 - 1.2 * care),
        }
    )
    strength = rng.uniform(0.7, 1.3, 6)
    care = 1 - traits["errors"] / 0.07
    value = strength[0] * 1.1 * np.log(traits["sentences"] * traits["new"] ** 1.7)
    value += strength[1] * 1.3 * care + strength[2] * 1.9 * traits["choice"] * care
    value += strength[3] * 0.55 * traits["order"] + strength[4] * 2.2 * traits["focus"]
    judged = _standard(value.to_numpy(np.float64)) + rng.normal(0, 0.36 * noise, size)
    limits = np.quantile(judged, np.cumsum(SHARES)[:-1])
    writer = Writer(rng)
    marks = rng.choice(16**7, size, replace=False).tolist()
    frame = pd.DataFrame({"essay_id": [f"{mark:07x}" for mark in marks]})
    frame["full_text"] = [writer.essay(dict(zip(traits.columns, row, strict=True))) for row in traits.to_numpy().tolist()]
    frame["score"] = 1 + np.digitize(judged, limits)
    return TableExamples(frame, frame["score"].to_numpy())


def _share(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-1.3 * value))


def _standard(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return (value - value.mean()) / value.std()


def real(raw: Path) -> TableExamples:
    """The competition's own essays."""
    frame = read_table(raw / "train.csv", COLUMNS)
    return TableExamples(frame, frame["score"].to_numpy())


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The three files of the competition."""
    return publish_tables(examples, train, hidden, out, key="essay_id", targets=["score"], blank=3)
