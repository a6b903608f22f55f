"""What the catalogue does to the vectorisers of texts: n-grams and statistics beside words, and what counts as a word."""

from __future__ import annotations

import pytest

from mlagent_app.editors.catalogue import Catalogue, NoSuchEdit
from tests.editors.corpus import after, instructions, parses, printed_by

WORDS = """from sklearn.feature_extraction.text import TfidfVectorizer
vectoriser = TfidfVectorizer(min_df=1)
X = vectoriser.fit_transform(["good day", "bad day", "good days"])
print("score:", X.shape[1], vectoriser.transform(["day"]).shape[1])
"""


def test_character_ngrams_stand_beside_the_words() -> None:
    pytest.importorskip("sklearn")
    changed = after("add character n-grams", WORDS)
    line = (
        "vectoriser = make_union(TfidfVectorizer(min_df=1), "
        'TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True))'
    )
    assert line in changed.split("\n")
    words, both = (int(printed_by(text).split()[1]) for text in (WORDS, changed))
    assert both > words
    assert "add character n-grams" not in instructions(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_df=1", "analyzer='char'"),
        ("min_df=1", "vocabulary=known"),
        ("min_df=1", "**settings"),
        ("X.shape[1]", "len(vectoriser.vocabulary_)"),
        ("X.shape[1]", "vectoriser.get_feature_names_out()"),
    ],
)
def test_a_vectoriser_with_ways_of_its_own_is_left(old: str, new: str) -> None:
    text = WORDS.replace(old, new)
    assert "add character n-grams" not in instructions(text)
    with pytest.raises(NoSuchEdit):
        Catalogue().resolve("add character n-grams", {"train.py": text})


def test_text_statistics_stand_beside_the_words() -> None:
    pytest.importorskip("sklearn")
    changed = after("add text statistics", WORDS)
    words, both = (int(printed_by(text).split()[1]) for text in (WORDS, changed))
    assert both == words + 11
    assert changed.index("def text_statistics") < changed.index("vectoriser = make_union(")
    assert "add text statistics" not in instructions(changed)


def test_no_statistic_is_negative_or_rules() -> None:
    """Naive Bayes takes nothing below 0, and an empty text has statistics too."""
    pytest.importorskip("sklearn")
    text = (
        "from sklearn.feature_extraction.text import TfidfVectorizer\nfrom sklearn.naive_bayes import MultinomialNB\n"
        "from sklearn.pipeline import make_pipeline\n"
        "model = make_pipeline(TfidfVectorizer(), MultinomialNB())\n"
        "model.fit(['', 'GOOD day, all!', 'a bad day?', '...'], [0, 1, 0, 1])\n"
        "print('score:', model.predict_proba(['so so']).sum().round(3))\n"
    )
    assert printed_by(after("add text statistics", text)).strip() == "score: 1.0"


@pytest.mark.parametrize("order", [1, -1])
def test_a_union_takes_both(order: int) -> None:
    pytest.importorskip("sklearn")
    text = WORDS
    for instruction in ("add character n-grams", "add text statistics")[::order]:
        text = after(instruction, text)
    assert text.count("make_union(") == 1
    assert printed_by(text).startswith("score: ")


def test_a_function_keeps_the_newlines_of_its_file() -> None:
    changed = after("add text statistics", WORDS.replace("\n", "\r\n"))
    assert parses("train.py", changed)
    assert changed.count("\n") == changed.count("\r\n")


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("count punctuation as words", ["!", ",", "a", "day", "for", "good", "me"]),
        ("count words of one letter", ["a", "day", "for", "good", "me"]),
    ],
)
def test_what_counts_as_a_word(instruction: str, words: list[str]) -> None:
    pytest.importorskip("sklearn")
    text = (
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "counts = CountVectorizer(min_df=1)\nprint('score:', counts.fit_transform(['a good day, good for me!']).shape)\n"
    )
    wide = after(instruction, text)
    assert printed_by(wide).strip() == f"score: (1, {len(words)})"
    assert not {"count punctuation as words", "count words of one letter"} & set(instructions(wide))


def test_capitals_can_be_kept() -> None:
    assert "set lowercase of TfidfVectorizer to False" in instructions(WORDS)
