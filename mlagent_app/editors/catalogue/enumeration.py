"""The catalogue: all edits of a set of files, and the way back from an instruction to its edit."""

from __future__ import annotations

import ast
import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlagent_app.editors.base import Edit, NoSuchEdit, Replacement
from mlagent_app.editors.catalogue.grammar import FORMS, Instruction, Phrase, parse
from mlagent_app.editors.catalogue.offers import Change, FamilyFunction, Offer, Setting
from mlagent_app.editors.catalogue.registry import FAMILIES
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.values import Value, heard, same, spoken

# A file's edits are kept to about this many, by proposing fewer neighbours of each value.
PER_FILE = 80
_KEPT_FILES = 4096
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Offered:
    """The offers of one file. `shadowed` are settings of a place that an earlier setting claims, with that setting."""

    offers: tuple[Offer, ...]
    shadowed: tuple[tuple[Setting, Setting], ...]


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each noun stands in the files: file -> rising anchors."""

    by_noun: Mapping[str, Mapping[str, Sequence[int]]]

    def instruction(self, phrase: Phrase, offer: Offer, file: str) -> Instruction:
        """The phrase with as much of ` #N` and ` in FILE` as it takes to name the place."""
        files = self.by_noun[offer.noun]
        anchors = files[file]
        number = anchors.index(offer.anchor) + 1 if len(anchors) > 1 else 0
        return Instruction(phrase, number, file if len(files) > 1 else "")


class Catalogue:
    """Enumerates and resolves edits. Holds a small memo of parsed files and nothing else; safe to keep for a session."""

    def __init__(self, families: Sequence[FamilyFunction] = FAMILIES, per_file: int = PER_FILE) -> None:
        self._families = tuple(families)
        self._per_file = per_file
        self._memo: dict[tuple[str, str], _Offered] = {}

    def enumerate(self, files: Mapping[str, str]) -> list[Edit]:
        """Every proposed edit of the files (name -> text), in a fixed order: by file name, family, place and promise.

        Instructions are unique, no edit leaves its file as it is, and no two edits do the same. Files that do not parse
        or are of no known kind have no edits.
        """
        offered = {name: self._offered(name, files[name]) for name in sorted(files)}
        places = _places(offered)
        words = Counter(word for text in files.values() for word in _WORD.findall(text))
        edits: dict[str, Edit] = {}
        for name, content in offered.items():
            done: set[tuple[Replacement, ...]] = set()
            alive = tuple(offer for offer in content.offers if not _is_dead(offer, words))
            for phrase, offer, replacements in _proposals(alive, self._per_file):
                instruction, undo = str(places.instruction(phrase, offer, name)), _undo(places, offer, name)
                edit = Edit(instruction, name, offer.family, replacements, undo)
                if edit.instruction not in edits and replacements not in done and _changes(edit, files[name]):
                    done.add(replacements)
                    edits[edit.instruction] = edit
        return list(edits.values())

    def resolve(self, instruction: str, files: Mapping[str, str]) -> Edit:
        """The edit that an instruction names: an enumerated one, or a known setting with another value of its kind.

        Raises `NoSuchEdit` with what was expected and the nearest valid instruction.
        """
        wanted = " ".join(instruction.split())
        edits = {edit.instruction: edit for edit in self.enumerate(files)}
        if wanted in edits:
            return edits[wanted]
        asked = parse(wanted, files)
        if asked is None:
            raise _refusal(f"{wanted!r} is not an instruction; expected one like {_examples()}", wanted, edits)
        try:
            return self._off_grid(asked, files, edits)
        except ValueError as error:
            raise _refusal(f"{wanted!r}: {error}", wanted, edits) from None

    def way_back(self, edit: Edit, files: Mapping[str, str]) -> str:
        """The instruction that makes of the edited files the program that they are now; empty where there is none.

        Of an added step that is its removal. Imports that were left behind make no difference.
        """
        if edit.undo:
            return edit.undo
        now, text = files[edit.file], edit.apply(files[edit.file])
        touched, program = "".join(now[item.start : item.end] + item.text for item in edit.replacements), _program(now)
        for back in self.enumerate({**files, edit.file: text}) if program else ():
            # Parsing a long file takes long, and a way back is of what the edit brought or took: `remove PCA` after `add PCA`.
            is_of_it = back.file == edit.file and not back.undo and back.instruction.split()[1] in touched
            if is_of_it and _program(back.apply(text)) == program:
                return back.instruction
        return ""

    def _off_grid(self, asked: Instruction, files: Mapping[str, str], edits: Mapping[str, Edit]) -> Edit:
        """The edit of an instruction that is not enumerated as it stands. Raises ValueError with what is wrong."""
        offered = {name: self._offered(name, files[name]) for name in sorted(files)}
        places = _places(offered)
        found = list(_matching(asked, offered, places))
        if not found:
            raise ValueError("nothing in these files fits it")
        if len(found) > 1:
            names = ", ".join(_suffix(places.instruction(asked.phrase, offer, name)) for name, offer in found)
            raise ValueError(f"it fits {len(found)} places; say which: {names}")
        name, offer = found[0]
        if isinstance(offer, Change):
            phrase, replacements = offer.phrase, offer.replacements
        else:
            value = _new_value(offer, asked.phrase)
            phrase, replacements = offer.phrase(value), offer.replacements(value)
        text = str(places.instruction(phrase, offer, name))
        undo = _undo(places, offer, name)
        return edits.get(text) or Edit(text, name, offer.family, tuple(sorted(replacements)), undo)

    def _offered(self, name: str, text: str) -> _Offered:
        key = (name, text)
        if key not in self._memo:
            if len(self._memo) >= _KEPT_FILES:
                self._memo.clear()
            self._memo[key] = _claim(self._families, Source(name, text))
        return self._memo[key]


def _claim(families: Sequence[FamilyFunction], source: Source) -> _Offered:
    offers: list[Offer] = []
    shadowed: list[tuple[Setting, Setting]] = []
    claimed: dict[tuple[int, int, str], Setting] = {}
    for family in families:
        for offer in family(source):
            if isinstance(offer, Setting):
                first = claimed.setdefault((offer.start, offer.end, offer.prefix), offer)
                if first is not offer:
                    shadowed.append((offer, first))
                    continue
            offers.append(offer)
    return _Offered(tuple(offers), tuple(shadowed))


def _is_dead(offer: Offer, words: Mapping[str, int]) -> bool:
    """Whether this is a constant that nothing reads any more, as an earlier edit may have left it: it says its name once."""
    return isinstance(offer, Setting) and not offer.owner and offer.name.isupper() and words.get(offer.name) == 1


def _places(offered: Mapping[str, _Offered]) -> _Places:
    anchors: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for name, content in offered.items():
        for offer in content.offers:
            anchors[offer.noun][name].add(offer.anchor)
    return _Places({noun: {name: sorted(at) for name, at in files.items()} for noun, files in anchors.items()})


def _proposals(offers: Sequence[Offer], limit: int) -> Iterator[tuple[Phrase, Offer, tuple[Replacement, ...]]]:
    """The offers spelled out. All settings of a file get the same number of values: the most that keeps to `limit`."""
    choices = [offer.domain.choices(offer.present) if isinstance(offer, Setting) else () for offer in offers]
    fixed = sum(isinstance(offer, Change) for offer in offers)
    widest = max((len(values) for values in choices), default=0)
    width = next((w for w in range(widest, 1, -1) if fixed + sum(min(w, len(v)) for v in choices) <= limit), 1)
    for offer, values in zip(offers, choices, strict=True):
        if isinstance(offer, Change):
            yield offer.phrase, offer, tuple(sorted(offer.replacements))
        else:
            for value in values[:width]:
                yield offer.phrase(value), offer, tuple(sorted(offer.replacements(value)))


def _undo(places: _Places, offer: Offer, file: str) -> str:
    """The instruction that sets what a setting is set to now, written or by default."""
    return str(places.instruction(offer.phrase(offer.present), offer, file)) if isinstance(offer, Setting) else ""


class _Unwrapped(ast.NodeTransformer):
    """Takes a pipeline of one step for the step, which is what it does."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = ast.unparse(node.func).rpartition(".")[2]
        return node.args[0] if name == "make_pipeline" and len(node.args) == 1 and not node.keywords else node


def _program(text: str) -> str:
    """What a Python file does, whatever it imports and however it is laid out; empty where that cannot be told."""
    try:
        tree = _Unwrapped().visit(ast.parse(text))
        return "".join(ast.dump(node) for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom)))
    except (SyntaxError, ValueError, RecursionError):
        return ""


def _changes(edit: Edit, text: str) -> bool:
    return any(text[item.start : item.end] != item.text for item in edit.replacements)


def _matching(asked: Instruction, offered: Mapping[str, _Offered], places: _Places) -> Iterator[tuple[str, Offer]]:
    """The offers that an instruction may mean, each once. Missing suffixes match anything."""
    for name, content in offered.items():
        if asked.file not in ("", name):
            continue
        found: list[Offer] = [offer for offer in content.offers if _means(asked.phrase, offer)]
        aliases = [first for shadow, first in content.shadowed if _means(asked.phrase, shadow)]
        for offer in [*found, *(first for first in aliases if first not in found)]:
            number = places.instruction(asked.phrase, offer, name).number
            if asked.number in (0, number or 1):
                yield name, offer


def _means(phrase: Phrase, offer: Offer) -> bool:
    if isinstance(offer, Change):
        return phrase == offer.phrase
    form = "argument" if offer.owner else "value"
    return phrase.form == form and phrase.get("name") == offer.name and phrase.get("owner") == offer.owner


def _new_value(setting: Setting, phrase: Phrase) -> Value:
    """The value that the phrase gives the setting. Raises ValueError when it does not fit or is the present one."""
    value = setting.domain.coerce(heard(phrase.get("value")))
    if same(value, setting.present):
        raise ValueError(f"the value is {spoken(value)} already")
    return value


def _suffix(instruction: Instruction) -> str:
    return str(instruction)[len(str(instruction.phrase)) :].strip()


def _examples() -> str:
    return "; ".join(repr(FORMS[name]) for name in ("argument", "value", "replace", "add-before"))


def _refusal(message: str, wanted: str, edits: Mapping[str, Edit]) -> NoSuchEdit:
    close = difflib.get_close_matches(wanted, edits, n=1, cutoff=0.0)
    nearest = close[0] if close else None
    return NoSuchEdit(
        f"{message}; nearest: {nearest!r}" if nearest else f"{message}; there is no edit for these files", nearest
    )
