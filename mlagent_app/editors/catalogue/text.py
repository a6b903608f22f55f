"""Texts: parts of words and plain statistics beside the words, and what counts as a word."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.following import Follower
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import Naming, defining, merged, naming
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.places import UNIONS
from mlagent_app.editors.catalogue.source import Call, Source

_VECTORISERS = {"TfidfVectorizer": ", sublinear_tf=True", "CountVectorizer": ""}
# What scripts read off a vectoriser, which a union of two has not; or that says which text its columns are.
_READ = frozenset("vocabulary_ idf_ stop_words_ get_feature_names_out inverse_transform build_analyzer build_tokenizer".split())
_OWN = ("vocabulary", "analyzer", "tokenizer", "preprocessor", "input")
_CHARACTERS, _STATISTICS = "char_wb", "text_statistics"
# Scaled by their largest value, so that a model that takes no negative numbers takes them, and beside words none of them rules.
_FUNCTION = '''def text_statistics(texts):
    """How long each text is, and how it is written."""
    rows = []
    for text in map(str, texts):
        words = text.split()
        length, count = max(len(text), 1), max(len(words), 1)
        signs = [text.count(sign) / count for sign in ",.;:!?"]
        different = len({word.lower() for word in words}) / count
        rows.append([len(text), len(words), length / count, different, sum(map(str.isupper, text)) / length, *signs])
    return rows
'''
_TOKENS = {"punctuation": r"\w+|[^\w\s]", "short-words": r"\b\w+\b"}


def texts(source: Source) -> Iterator[Offer]:
    """What can be added to the vectorisers of a script, and what they can take for words."""
    vectorisers = [call for call in source.calls if call.root == "sklearn" and call.short in _VECTORISERS]
    if not vectorisers or source.attribute_names & _READ:
        return
    follower = Follower(source)
    for call in vectorisers:
        if _is_plain(follower, call):
            yield from _characters(source, call)
            yield from _statistics(source, call)
            yield from _tokens(source, follower, call)


def _characters(source: Source, call: Call) -> Iterator[Change]:
    """`add character n-grams`: spellings, endings and beginnings of words, counted beside the words themselves."""
    func, quote = source.segment(call.node.func), source.quote
    words = f"analyzer={quote}{_CHARACTERS}{quote}, ngram_range=(2, 5), min_df=2{_VECTORISERS[call.short]}"
    if _CHARACTERS not in source.text:
        yield from _beside(source, call, "characters", Naming(f"{func}({words})"))


def _statistics(source: Source, call: Call) -> Iterator[Change]:
    """`add text statistics`: length, length of words, different words, capitals, and marks of each text."""
    pipeline = naming(source, "sklearn.pipeline.make_pipeline")
    function = naming(source, "sklearn.preprocessing.FunctionTransformer")
    scaler = naming(source, "sklearn.preprocessing.MaxAbsScaler")
    if _STATISTICS in source.text or pipeline is None or function is None or scaler is None:
        return
    text = f"{pipeline.name}({function.name}({_STATISTICS}), {scaler.name}())"
    made = Naming(text, merged(pipeline.replacements, function.replacements, scaler.replacements))
    yield from _beside(source, call, "text-statistics", made, _FUNCTION)


def _beside(source: Source, call: Call, form: str, made: Naming, function: str = "") -> Iterator[Change]:
    """Another member of the union that the vectoriser is in, or of a new one around it."""
    start, end = source.span(call.node)
    parent = source.parents.get(call.node)
    union = naming(source, "sklearn.pipeline.make_union")
    changes: tuple[Replacement, ...]
    if isinstance(parent, ast.Call) and source.qualified(parent.func).endswith("make_union") and call.node in parent.args:
        changes, imports = (Replacement(end, end, f", {made.name}"),), made.replacements
    elif union is not None and not UNIONS & {other.short for other in source.calls}:
        changes = (Replacement(start, start, f"{union.name}("), Replacement(end, end, f", {made.name})"))
        imports = merged(union.replacements, made.replacements)
    else:
        return
    head = defining(source, imports, function) if function else imports
    if head is not None:
        yield Change(Phrase(form), "vectoriser", (*head, *changes), start, form)


def _tokens(source: Source, follower: Follower, call: Call) -> Iterator[Change]:
    """`count punctuation as words`, `count words of one letter`: the usual pattern takes words of two letters and more."""
    if follower.argument(call, "token_pattern").state != "absent":
        return
    for form, pattern in _TOKENS.items():
        added = follower.adding(call.node, f"token_pattern=r{source.quote}{pattern}{source.quote}")
        if added is not None:
            yield Change(Phrase(form), "vectoriser", (added,), source.span(call.node)[0], form)


def _is_plain(follower: Follower, call: Call) -> bool:
    """Whether the call counts words in the usual way."""
    spread = any(word.arg is None for word in call.node.keywords)
    return not spread and not call.node.args and all(follower.argument(call, name).state == "absent" for name in _OWN)
