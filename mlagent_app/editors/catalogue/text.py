"""Texts: parts of words beside whole words."""

from __future__ import annotations

from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.following import Follower
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import naming
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.places import UNIONS
from mlagent_app.editors.catalogue.source import Call, Source

_VECTORISERS = {"TfidfVectorizer": ", sublinear_tf=True", "CountVectorizer": ""}
# What scripts read off a vectoriser, which a union of two has not; or that says which text its columns are.
_READ = frozenset("vocabulary_ idf_ stop_words_ get_feature_names_out inverse_transform build_analyzer build_tokenizer".split())
_OWN = ("vocabulary", "analyzer", "tokenizer", "preprocessor", "input")


def character_ngrams(source: Source) -> Iterator[Offer]:
    """`add character n-grams`: spellings, endings and beginnings of words, counted beside the words themselves."""
    vectorisers = [call for call in source.calls if call.root == "sklearn" and call.short in _VECTORISERS]
    if not vectorisers or source.attribute_names & _READ or UNIONS & {call.short for call in source.calls}:
        return
    union = naming(source, "sklearn.pipeline.make_union")
    if union is None:
        return
    follower = Follower(source)
    for call in vectorisers:
        if _is_plain(follower, call):
            start, end = source.span(call.node)
            func = source.segment(call.node.func)
            quote = source.quote
            words = f"analyzer={quote}char_wb{quote}, ngram_range=(2, 5), min_df=2{_VECTORISERS[call.short]}"
            changes = (Replacement(start, start, f"{union.name}("), Replacement(end, end, f", {func}({words}))"))
            yield Change(Phrase("characters"), "vectoriser", (*union.replacements, *changes), start, "characters")


def _is_plain(follower: Follower, call: Call) -> bool:
    """Whether the call counts words in the usual way."""
    spread = any(word.arg is None for word in call.node.keywords)
    return not spread and not call.node.args and all(follower.argument(call, name).state == "absent" for name in _OWN)
