"""English language learners: essays from a grammar, whose joins, clauses, words and slips carry six scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.archives import find_table
from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables, read_table

Floats = npt.NDArray[np.float64]

TRAITS = ("cohesion", "syntax", "vocabulary", "phraseology", "grammar", "conventions")
COLUMNS = ("text_id", "full_text", *TRAITS)
COHESION, SYNTAX, VOCABULARY, PHRASEOLOGY, GRAMMAR, CONVENTIONS = range(6)

# A topic has subjects, things, and things one does with them. The topics say nothing of the scores.
TOPICS: tuple[tuple[str, str, str], ...] = (
    ("student teacher parent principal friend", "homework class lesson test book", "finish bring discuss prepare share"),
    ("player coach team fan captain", "game ball match goal training", "win watch practice lose play"),
    ("driver passenger child neighbor worker", "car bus road phone street", "use cross avoid follow check"),
    ("cook guest family waiter baker", "meal kitchen soup recipe table", "taste serve make order clean"),
    ("artist singer dancer visitor crowd", "song picture stage museum color", "paint hear enjoy create show"),
    ("farmer scientist hiker ranger citizen", "forest river animal garden water", "protect plant visit study save"),
)
PLAIN = "good bad big small nice happy hard easy new old".split()
RARE = (
    "beneficial detrimental substantial negligible delightful contented demanding effortless contemporary traditional "
    "remarkable essential profound evident considerable inevitable"
).split()
PLAIN_VERBS = "get do make have want like need think".split()
RARE_VERBS = "acquire accomplish establish possess desire appreciate require contemplate demonstrate pursue".split()
JOINS = (
    "However,",
    "Therefore,",
    "In addition,",
    "For example,",
    "As a result,",
    "On the other hand,",
    "Finally,",
    "Moreover,",
)
LOOSE = ("And", "So", "Also", "Then", "But", "And then")
LINKS = ("because", "although", "while", "since", "so that", "when", "even though")
# A usual phrase and the learner's own way of saying it.
PHRASES = (
    ("takes part in", "makes part of"),
    ("pays attention to", "gives attention for"),
    ("depends on", "depends of"),
    ("is interested in", "is interest for"),
    ("makes progress with", "does progress of"),
    ("is good at", "is good in the"),
    ("spends time on", "passes time in"),
    ("makes a decision about", "does a decision of"),
    ("looks forward to", "looks in front to"),
    ("is responsible for", "has responsible of"),
)
VOWELS = frozenset("aeiou")


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Essays of writers with a common skill and six traits of their own, each scored in halves from 1 to 5."""
    common = rng.normal(0, 1, size)
    skill = rng.uniform(0.5, 0.75) * common[:, None] + rng.uniform(0.7, 0.95, 6) * rng.normal(0, 1, (size, 6))
    # Judges see a little of one trait in another, differently in each draw.
    seen = skill @ (np.eye(6) + rng.uniform(0, 0.12, (6, 6)))
    words = rng.normal(0, 1, size)
    seen[:, COHESION] += 0.25 * words
    scores = 3.1 + 0.62 * seen + rng.normal(0, 0.22 * noise, (size, 6))
    style = _Style(rng)
    texts = [_essay(skill[row], words[row], style, rng) for row in range(size)]
    frame = pd.DataFrame({"text_id": _ids(size, rng), "full_text": texts})
    frame[list(TRAITS)] = np.clip(np.round(scores * 2) / 2, 1.0, 5.0)
    return TableExamples(frame)


def _ids(size: int, rng: np.random.Generator) -> list[str]:
    """Different ids of twelve hexadecimal digits."""
    return [f"{number:012X}" for number in rng.choice(1 << 44, size, replace=False).tolist()]


class _Style:
    """What a draw's learners have in common: how strongly each slip shows, which words they prefer, which slips they make."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.strength = rng.uniform(0.8, 1.3, 6)
        self.plain = rng.permutation(PLAIN).tolist()
        self.rare = rng.permutation(RARE)[:12].tolist()
        self.phrases = [PHRASES[at] for at in rng.permutation(len(PHRASES))[:7]]
        self.joins = [JOINS[at] for at in rng.permutation(len(JOINS))[:6]]
        self.links = [LINKS[at] for at in rng.permutation(len(LINKS))[:5]]


class _Dice:
    """Random numbers drawn at once, handed out one by one: a call of the generator for each word would take too long."""

    def __init__(self, rng: np.random.Generator, count: int) -> None:
        self._next = iter(rng.random(count).tolist())

    def chance(self, share: float) -> bool:
        return next(self._next) < share

    def below(self, bound: int) -> int:
        return int(next(self._next) * bound)

    def pick(self, items: Sequence[str]) -> str:
        return items[self.below(len(items))]


def _essay(skill: Floats, words: float, style: _Style, rng: np.random.Generator) -> str:
    odds = (1 / (1 + np.exp(-1.3 * style.strength * skill))).tolist()
    length = int(np.clip(round(9 + 2.2 * words + rng.normal(0, 1)), 4, 16))
    dice = _Dice(rng, 60 * length)
    people, things, acts = (part.split() for part in TOPICS[int(rng.integers(len(TOPICS)))])
    sentences = [_sentence(odds, style, dice, (people, things, acts)) for _ in range(length)]
    # Conventions: full stops that are left out, small letters after them, letters that are mixed up.
    slips = (1 - odds[CONVENTIONS]) ** 1.3
    for at, sentence in enumerate(sentences):
        shown = sentence if dice.chance(0.35 * slips) else sentence[0].upper() + sentence[1:]
        end = "" if dice.chance(0.3 * slips) else "," if dice.chance(0.2 * slips) else "."
        sentences[at] = shown + end
    breaks = dice.chance(odds[COHESION])
    text = (" " if not breaks or length < 7 else "\n\n").join(
        [" ".join(sentences[: length // 2]), " ".join(sentences[length // 2 :])]
    )
    tokens = text.split(" ")
    for at in (rng.random(len(tokens)) < 0.10 * slips).nonzero()[0].tolist():
        tokens[at] = _misspelt(tokens[at], dice)
    return " ".join(tokens)


def _sentence(odds: list[float], style: _Style, dice: _Dice, topic: tuple[list[str], list[str], list[str]]) -> str:
    parts: list[str] = []
    if dice.chance(0.55):
        if dice.chance(0.85 * odds[COHESION]):
            parts.append(dice.pick(style.joins))
        elif dice.chance(0.6):
            parts.append(dice.pick(LOOSE))
    parts.append(_clause(odds, style, dice, topic))
    if dice.chance(0.15 + 0.6 * odds[SYNTAX]):
        parts += [dice.pick(style.links), _clause(odds, style, dice, topic)]
    elif dice.chance(0.45 * (1 - odds[SYNTAX])):  # run-on sentences
        parts += ["and", _clause(odds, style, dice, topic), "and", _clause(odds, style, dice, topic)]
    if dice.chance(0.2 * odds[SYNTAX]):
        parts.append("which is " + dice.pick(style.rare if dice.chance(odds[VOCABULARY]) else style.plain))
    return " ".join(parts)


def _clause(odds: list[float], style: _Style, dice: _Dice, topic: tuple[list[str], list[str], list[str]]) -> str:
    people, things, acts = topic
    who, thing = dice.pick(people), dice.pick(things)
    right = 0.45 + 0.55 * odds[GRAMMAR]
    kind = dice.pick(style.rare) if dice.chance(0.75 * odds[VOCABULARY]) else dice.pick(style.plain)
    article = ("an" if kind[0] in VOWELS else "a") if dice.chance(right) else dice.pick(["a", "an", ""])
    noun = f"{article} {kind} {thing}".strip()
    if dice.chance(0.35):
        good, odd = style.phrases[dice.below(len(style.phrases))]
        return f"the {who} {good if dice.chance(0.15 + 0.8 * odds[PHRASEOLOGY]) else odd} {noun}"
    if dice.chance(0.4):
        verb = dice.pick(RARE_VERBS) if dice.chance(0.7 * odds[VOCABULARY]) else dice.pick(PLAIN_VERBS)
    else:
        verb = dice.pick(acts)
    if dice.chance(0.5):  # third person or plural: the ending tells
        ending = "es" if verb.endswith(("sh", "ss", "ch")) or verb == "do" else "s"
        singular = dice.chance(right)
        verb = "has" if verb == "have" and singular else verb + ending if singular else verb
        return f"the {who} {verb} {noun}"
    past = "did not" if dice.chance(0.3) else "can" if dice.chance(0.5) else "will"
    if not dice.chance(right):
        past = {"did not": "did not to", "can": "can to", "will": "will to"}[past]
    return f"{'many' if dice.chance(0.4) else 'the'} {who if not dice.chance(right) else who + 's'} {past} {verb} {noun}"


def _misspelt(token: str, dice: _Dice) -> str:
    """The word with two letters exchanged, or one left out or doubled."""
    if len(token) < 4:
        return token.lower()
    at = 1 + dice.below(len(token) - 3)
    if dice.chance(0.4):
        return token[:at] + token[at + 1] + token[at] + token[at + 2 :]
    return token[:at] + token[at + 1 :] if dice.chance(0.6) else token[:at] + token[at] + token[at:]


def real(raw: Path) -> TableExamples:
    """The competition's own essays."""
    return TableExamples(read_table(find_table(raw, "train.csv"), COLUMNS))


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The three files of the competition."""
    return publish_tables(examples, train, hidden, out, key="text_id", targets=TRAITS, blank=3.0)
