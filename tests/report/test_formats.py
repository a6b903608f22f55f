"""The table, the Markdown and the HTML page: what they hold, and that no text of the project becomes markup."""

from __future__ import annotations

import dataclasses
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mlagent_app.agent import events as ev
from mlagent_app.agent.events import Event
from mlagent_app.report import summarise, to_html, to_markdown, to_table
from mlagent_app.report.chart import ticks
from mlagent_app.report.markdown import escape
from mlagent_app.report.wording import visible
from tests.report import sample

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>",
    "</svg></title><a href=javascript:alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt; &amp;",
    "| a | b |\n\n# heading\n```\n<b>",
    "`````",
    "[bold red]x[/] [/nothing]",
    "\x1b[31mred\x1b[0m \x07 \x9b31m",
    "\u202egnp.exe",
    "\udcff\udc80 not utf-8",
    "\x00 nul",
    "](https://elsewhere.example)![x](https://elsewhere.example/y.png)",
)
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "p", "div", "span", "strong",
    "b", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "details", "summary", "dl", "dt", "dd", "pre", "svg",
    "rect", "line", "polyline", "circle", "text",
}  # fmt: skip
VOID = {"meta"}


class Page(HTMLParser):
    """Checks that elements nest, are known, and load or run nothing; collects the text and the targets of links."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []
        self.links: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on") and name not in ("src", "srcset", "style", "action", "xlink:href"), (tag, name)
            if name == "href":
                assert re.fullmatch(r"#step-\d+", value or ""), value
                self.links.add((value or "")[1:])
            if name == "id":
                self.ids.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def page(events: list[Event]) -> Page:
    text = to_html(summarise(events))
    text.encode("utf-8")
    return Page(text)


def table(events: list[Event], width: int = 140) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(to_table(summarise(events)))
    return captured.get()


def poisoned(events: list[Event], text: str) -> list[Event]:
    """The same events with `text` wherever the project, the policy, a log or a person can put words."""
    changed: list[Event] = []
    for event in events:
        words = {
            field.name: text
            for field in dataclasses.fields(event)
            if isinstance(getattr(event, field.name), str) and field.name not in ("decision", "case", "level")
        }
        changed.append(dataclasses.replace(event, **words))
    return changed


def test_the_page_says_what_happened() -> None:
    shown = page(sample.whole())
    text = " ".join(shown.text)
    for words in (
        "digits", "0.95", "+18.75 %", "15.0 x noise", "set MAX_DEPTH to 1", "replace RandomForestClassifier with SVC",
        "No module named 'nothing'", "too slow in production", "changes the seed", "reverted", "larger than 50 MB",
        ".env: looks like a secret", "and 7 more",
        "host runtime", "sigmoid(100 x +0.06 / 0.2)", "not scored", "a notice", "-MAX_DEPTH = 6", "+MAX_DEPTH = 1",
        "docker, bwrap", "picked among 5 measured edits",
    ):  # fmt: skip
        assert words in text, words
    assert shown.links == {f"step-{index}" for index in range(1, 9)} == shown.ids


def test_the_page_is_self_contained() -> None:
    text = to_html(summarise(sample.whole()))
    assert not re.search(r"(?i)https?://|url\(|@import|<script|<link|<img|<iframe", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(text: str) -> None:
    events = poisoned(sample.whole(), text)
    shown = page(events)
    assert visible(text).split()[0] in " ".join("".join(shown.text).split())
    markdown = to_markdown(summarise(events))
    markdown.encode("utf-8")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", markdown)
    outside = re.sub(r"(?ms)^(`{3,})diff\n.*?\n\1$", "", markdown)
    assert "<script" not in outside and "<img" not in outside and "<b>" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
    assert len(re.findall(r"(?m)^#", outside)) == 2 + len(summarise(events).steps)
    drawn = table(events)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", drawn)


@given(st.text(max_size=60))
def test_any_text_leaves_the_page_whole(text: str) -> None:
    page(poisoned(sample.whole(), text))
    to_markdown(summarise(poisoned(sample.whole(), text))).encode("utf-8")


def test_a_diff_that_closes_the_code_block_is_fenced_with_more() -> None:
    events = [*sample.opening(), sample.proposed(1, patch="@@ -1 +1 @@\n-```\n+````\n")]
    assert re.search(r"(?m)^`````diff\n.*^`````$", to_markdown(summarise(events)), re.S)


def test_every_format_copes_with_every_beginning() -> None:
    events = sample.whole()
    for cut in range(len(events) + 1):
        page(events[:cut])
        assert to_markdown(summarise(events[:cut]))
        assert table(events[:cut])


def test_a_failed_baseline_shows_the_end_of_its_log() -> None:
    failed = ev.Failed(message="the command failed with exit code 1", code=3, detail="Traceback\nKeyError: <b>")
    text = "".join(page([sample.started(), failed]).text)
    assert "the command failed with exit code 1" in text
    assert "KeyError: <b>" in text


def test_the_table_has_one_row_a_step_and_the_outcome_below() -> None:
    drawn = table(sample.whole())
    assert "validation accuracy 0.8 -> 0.95 (+18.75 %, 15.0 x noise), higher is better, best at step 6" in drawn
    assert "kept" in drawn and "refused" in drawn and "reverted" in drawn
    for index in range(9):
        assert re.search(rf"(?m)^ *{index} ", drawn), index


def test_a_long_diff_is_cut_and_says_so() -> None:
    long = "@@ -1,9 +1,9 @@\n" + "".join(f"+line {number}\n" for number in range(1000))
    shown = page([*sample.opening(), sample.proposed(1, patch=long)])
    assert "... 601 more lines" in shown.text


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_few_and_inside(low: float, width: float) -> None:
    high = low + width
    if high > low + abs(low) * 1e-9:
        found = ticks(low, high)
        slack = (high - low) * 1e-6
        assert len(found) <= 7
        assert all(low - slack <= tick <= high + slack for tick in found)


@pytest.mark.parametrize("values", [(0.8, 1e308), (-1e308, 1e308), (1e308, 0.0), (0.0, 5e-324), (1e12, 2e12)])
def test_extreme_numbers_can_be_drawn(values: tuple[float, float]) -> None:
    before, after = values
    scored = dataclasses.replace(sample.rewarded(1, 0.8, 0.9), before=before, value=after)
    events = [*sample.opening(None, value=before), sample.proposed(1), scored, sample.decided(1, "accept")]
    text = to_html(summarise(events))
    Page(text)
    assert not re.search(r'"-?(nan|inf)"', text)


def test_the_markdown_reads_well() -> None:
    text = to_markdown(summarise(sample.whole()))
    assert "**validation accuracy: 0.8 → 0.95** (+18.75 %, 15.0 x noise), higher is better, best at step 6." in text
    assert "- reward 1.0000 = sigmoid(100 x +0.06 / 0.2) (v1, an edit that ran)" in text
    assert "| 3 | replace RandomForestClassifier with SVC | train.py | error | - | - | 0.000 | refused |" in text
    assert "- undone: too slow in production" in text


def test_who_decided_stays_what_was_decided_when_the_step_is_undone() -> None:
    text = to_markdown(summarise(sample.whole()))
    assert "reverted by" not in text and re.search(r"(?m)^- kept by auto: .*$", text)
    assert "reverted by" not in to_html(summarise(sample.whole()))


def test_files_that_nothing_was_measured_on_are_said_to_be_so() -> None:
    events: list[Event] = [
        *sample.opening(),
        *sample.edit(1, 0.80, 0.85, "accept"),
        *sample.edit(2, 0.85, 0.90, "accept"),
        ev.Reverted(step=1, files=(), commit="", head="c9", note=""),
    ]
    said = "the kept edits have not been measured as they now stand"
    for shown in (table(events), to_markdown(summarise(events)), to_html(summarise(events))):
        assert said in " ".join(shown.split()).casefold() and "no kept edit is better" not in shown
    again: list[Event] = [*events, *sample.edit(3, 0.85, 0.80, "refuse"), ev.HeadMeasured(value=0.79, why="reverted")]
    assert "no kept edit is better" in " ".join(table(again).split())
    newest: list[Event] = [*events[:-1], ev.Reverted(step=2, files=(), commit="", head="c1", note="")]
    assert said not in to_markdown(summarise(newest)).casefold()


@pytest.mark.parametrize(
    ("text", "shown"), [("1. x", r"1\. x"), ("- x", r"\- x"), ("# x", r"\# x"), ("1.5 up", "1.5 up"), ("a_b*", r"a\_b\*")]
)
def test_a_line_that_would_start_a_list_or_heading_does_not(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    drawn = table(sample.whole(), width=80)
    assert all(len(line.rstrip()) <= 80 for line in drawn.splitlines())
    assert re.search(r"(?m)^ *6 +set MAX_DEPTH to 6 +ok +0\.95 +\+0\.06 +1\.000 +1\.2 s +kept *$", drawn)
    for word in ("kept", "refused", "reverted", "skipped", "sandbox"):
        assert word in drawn


def test_the_table_names_files_only_where_they_differ() -> None:
    events = [*sample.opening(), *sample.edit(1, 0.8, 0.9, "accept"), *sample.edit(2, 0.9, 0.8, "refuse")]
    assert "train.py" not in table(events)
    ended = dataclasses.replace(sample.proposed(3), action="Final Answer", file="")
    assert "train.py" not in table([*events, ended])
    other = [
        dataclasses.replace(each, file="model.py") if isinstance(each, ev.ActionProposed) else each for each in events[-4:]
    ]
    assert "model.py" in table([*events[:-4], *other])
