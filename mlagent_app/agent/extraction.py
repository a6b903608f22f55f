"""Reading a metric from what a run printed and wrote.

`extract` reads a metric whose specification is known; `mlagent_app.agent.discovery.discover` finds one that is not.
Both look at the same observations, so a discovered specification reads its own value again.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlagent_app.agent.metrics import MetricSpec, Reading
from mlagent_app.agent.observations import STDOUT, observe_file, observe_text
from mlagent_app.agent.selection import FILE, missing_name, no_file, select, select_pattern, source_files


def extract(spec: MetricSpec, stdout: str, files: Mapping[str, bytes]) -> Reading | str:
    """The metric's value in one run's output, or one line that says why there is none.

    `files` are what the run wrote, by path relative to the project. Names are compared without case, punctuation and the usual
    abbreviations (`val_acc` is `Validation accuracy`), never loosely: an edit that stops printing the metric must not be read
    as another number.
    """
    if not spec.source.startswith(FILE):
        return _from_text(spec, stdout, STDOUT)
    paths = source_files(spec, files)
    if not paths:
        return no_file(spec, files)
    return _from_file(spec, paths[-1], files[paths[-1]])


def _from_file(spec: MetricSpec, path: str, content: bytes) -> Reading | str:
    text = content.decode("utf-8-sig", "replace")
    observations = observe_file(path, content)
    structured = any(o.path for o in observations)
    if spec.pattern and not structured:
        return select_pattern(spec, text, path)
    return select(spec, observations) or missing_name(spec, observations, text, path)


def _from_text(spec: MetricSpec, text: str, where: str) -> Reading | str:
    if spec.pattern:
        return select_pattern(spec, text, where)
    found = select(spec, observe_text(text, where, name=spec.name))
    return found or missing_name(spec, observe_text(text, where), text, where)
