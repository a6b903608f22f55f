"""An edit as the policy sees it: an instruction, not yet a patch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """One applicable edit.

    `instruction` is canonical: it is unique among the candidates of the current files and the editor parses it back to the
    very same edit. `file` is relative to the project root with forward slashes. `family` names the kind of edit
    (for example `estimator-argument`, `learning-rate`); the bandit learns per family.
    """

    instruction: str
    file: str
    family: str
