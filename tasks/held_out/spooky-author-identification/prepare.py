"""Spooky authors: sentences of a grammar whose choices are the habits of three authors."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, read_table, write_sample

AUTHORS = ("EAP", "HPL", "MWS")
COLUMNS = ("id", "text", "author")
SHARES = (0.40, 0.29, 0.31)


def _sets(text: str) -> Sequence[Sequence[str]]:
    return [group.split("/") for group in text.split()]


# Words for the same thing; which one is taken is a matter of taste. `_` stands for a space.
NOUNS = _sets(
    "house/dwelling/mansion chamber/room/apartment sea/ocean/deep ship/vessel/bark night/darkness/gloom grave/tomb/sepulchre "
    "friend/companion/comrade letter/epistle/note forest/wood/grove mountain/peak/height storm/tempest/gale voice/cry/whisper "
    "shadow/shade/phantom star/planet/orb city/town/ruin book/volume/tome door/gate/portal servant/attendant/steward "
    "dream/vision/reverie terror/horror/dread river/stream/torrent lamp/candle/torch village/hamlet/parish body/corpse/frame"
)
THEMES = 6
ADJECTIVES = _sets(
    "old/ancient/aged gloomy/dismal/dreary strange/singular/curious vast/immense/huge pale/wan/pallid terrible/fearful/hideous "
    "silent/mute/noiseless gentle/tender/mild dark/black/sable wild/savage/fierce lonely/solitary/desolate grey/gray/ashen"
)
VERBS = _sets(
    "saw/beheld/perceived left/quitted/abandoned reached/attained/gained feared/dreaded/abhorred sought/pursued/followed "
    "remembered/recalled/recollected loved/cherished/adored described/depicted/portrayed entered/approached/explored"
)
ADVERBS = _sets("suddenly/abruptly slowly/gradually truly/indeed often/frequently scarcely/hardly again/anew surely/certainly")
PLACES = _sets("upon/on within/in beyond/past among/amongst toward/towards near/by beneath/under")
RELATIVES = _sets("which/that until/till while/whilst because/for though/although")
PEOPLE = _sets("I we he she they one")
MINE = _sets("the/that/this my/our/his a/some/one")
OUTER = ["b d f g h k l m n p r s t v w z", "a e i o u ae ou ia oo y"]
JOINTS = (", and ", "; ", ", ", " - ", "; and ", ", but ", ": ", ", yet ")
ENDS = (".", "!", "?", " . . .")


class Habits:
    """The choices of one author, as cumulative odds."""

    def __init__(self, rng: np.random.Generator, themes: npt.NDArray[np.float64]) -> None:
        self._rng = rng
        self.nouns = [self._odds(len(group), 1.1) for group in NOUNS]
        self.adjectives = [self._odds(len(group), 1.1) for group in ADJECTIVES]
        self.verbs = [self._odds(len(group), 1.1) for group in VERBS]
        self.adverbs = [self._odds(len(group), 1.3) for group in ADVERBS]
        self.places = [self._odds(len(group), 1.4) for group in PLACES]
        self.relatives = [self._odds(len(group), 1.4) for group in RELATIVES]
        self.articles = [self._odds(len(group), 0.6) for group in MINE]
        self.theme = np.cumsum(0.5 / THEMES + 0.5 * themes).tolist()
        self.joints = self._odds(len(JOINTS), 1.2)
        self.ends = np.cumsum(np.array([0.86, 0.08, 0.04, 0.02])[[0, *(1 + rng.permutation(3))]]).tolist()
        self.people = self._odds(len(PEOPLE), 0.5)
        self.first, self.second = self._odds(16, 1.4), self._odds(10, 1.4)
        self.clauses = rng.uniform(0.9, 1.9)
        self.after, self.early, self.inverted, self.named, self.aside = rng.uniform(0.05, 0.6, 5).tolist()

    def _odds(self, count: int, spread: float) -> list[float]:
        weights = np.exp(self._rng.normal(0, spread, count))
        return np.cumsum(weights / weights.sum()).tolist()


class Pen:
    """Writes with the habits of whichever author it is given."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._next = rng.random
        # Which nouns make up a theme is drawn as well.
        self.themed = rng.permutation(len(NOUNS)).reshape(THEMES, -1).tolist()

    def chance(self, share: float) -> bool:
        return self._next() < share

    def one(self, odds: list[float]) -> int:
        return min(bisect(odds, self._next()), len(odds) - 1)

    def among(self, count: int) -> int:
        return int(self._next() * count)

    def taste(self, groups: Sequence[Sequence[str]], odds: list[list[float]], group: int | None = None) -> str:
        """A word of a group (any, unless given), by the author's taste."""
        number = self.among(len(groups)) if group is None else group
        return groups[number][self.one(odds[number])]

    def name(self, habits: Habits) -> str:
        """A name coined from the syllables that the author likes."""
        heads, vowels = OUTER[0].split(), OUTER[1].split()
        parts = [heads[self.one(habits.first)] + vowels[self.one(habits.second)] for _ in range(2 + self.among(2))]
        return ("".join(parts) + heads[self.one(habits.first)]).capitalize()

    def thing(self, habits: Habits) -> str:
        """A noun with its article, perhaps an adjective before or after it."""
        theme: list[int] = self.themed[self.one(habits.theme)]
        noun = self.taste(NOUNS, habits.nouns, theme[self.among(len(theme))])
        article = self.taste(MINE, habits.articles)
        if self.chance(0.45):
            return f"{article} {noun}"
        adjective = self.taste(ADJECTIVES, habits.adjectives)
        return f"{article} {noun} {adjective}" if self.chance(habits.after) else f"{article} {adjective} {noun}"

    def clause(self, habits: Habits) -> str:
        """Who did what to which thing, and where."""
        who = self.name(habits) if self.chance(habits.named) else PEOPLE[self.one(habits.people)][0]
        verb, thing = self.taste(VERBS, habits.verbs), self.thing(habits)
        if self.chance(0.25):
            verb = f"had {who} {verb}" if self.chance(habits.inverted) else f"{who} had {verb}"
            verb = f"never {verb}" if verb.startswith("had") else verb.replace(" had ", " had never ", 1)
        elif self.chance(0.5):
            adverb = self.taste(ADVERBS, habits.adverbs)
            verb = f"{adverb} {who} {verb}" if self.chance(habits.early) else f"{who} {adverb} {verb}"
        else:
            verb = f"{who} {verb}"
        text = f"{verb} {thing}"
        if self.chance(0.5):
            text += f" {self.taste(PLACES, habits.places)} {self.thing(habits)}"
        if self.chance(habits.aside):
            text += f" of {self.name(habits)}"
        if self.chance(0.3):
            text += f" {self.taste(RELATIVES, habits.relatives)} {PEOPLE[self.one(habits.people)][0]} "
            text += f"{self.taste(VERBS, habits.verbs)} {self.thing(habits)}"
        return text

    def sentence(self, author: int, habits: list[Habits], borrowed: float) -> str:
        """Some clauses, each now and then in the manner of another author."""
        own, text = habits[author], ""
        length = -np.log(1 - self._next()) * habits[author].clauses
        for number in range(1 + min(int(length), 5)):
            manner = habits[self.among(len(habits))] if self.chance(borrowed) else own
            text += (JOINTS[self.one(manner.joints)] if number else "") + self.clause(manner)
        return text[0].upper() + text[1:] + ENDS[self.one(own.ends)]


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Sentences of three authors with their own words, order of words, punctuation and way to coin names."""
    themes = rng.dirichlet([0.7] * THEMES, len(AUTHORS))
    habits = [Habits(rng, themes[author]) for author in range(len(AUTHORS))]
    pen = Pen(rng)
    authors = rng.choice(len(AUTHORS), size, p=SHARES)
    numbers = rng.permutation(100_000)[:size]
    frame = pd.DataFrame({"id": [f"id{number:05d}" for number in numbers]})
    frame["text"] = [pen.sentence(int(author), habits, 0.22 * noise) for author in authors]
    frame["author"] = np.array(AUTHORS)[authors]
    return TableExamples(frame, frame["author"].to_numpy())


def real(raw: Path) -> TableExamples:
    """The competition's own excerpts; `train.csv` may still be in `train.zip`."""
    path = raw / "train.csv"
    packed = raw / "train.zip"
    frame = read_table(packed if packed.is_file() and not path.is_file() else path, COLUMNS)
    return TableExamples(frame, frame["author"].to_numpy())


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The three files of the competition; the target is one column in train.csv, one column an author in a submission."""
    rows, kept = examples.frame.iloc[train].reset_index(drop=True), examples.frame.iloc[hidden].reset_index(drop=True)
    rows.to_csv(out / "train.csv", index=False)
    kept[["id", "text"]].to_csv(out / "test.csv", index=False)
    write_sample(kept["id"], AUTHORS, 0.0, out)
    sample = pd.read_csv(out / "sample_submission.csv").assign(EAP=0.4035, HPL=0.2878, MWS=0.3087)
    sample.to_csv(out / "sample_submission.csv", index=False)
    return Published(_chances(rows), _chances(kept).assign(example=np.arange(len(kept))))


def _chances(frame: pd.DataFrame) -> pd.DataFrame:
    """The authors as the submission has them: 1 for the true one."""
    return pd.DataFrame({"id": frame["id"], **{name: (frame["author"] == name).astype(np.float64) for name in AUTHORS}})
