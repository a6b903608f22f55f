"""What a policy that writes is told: the paper's six headed parts and seven actions, without examples of replies."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mlagent_app.agent.actions import ACTIONS, EditScript, Reasoning, format_answer
from mlagent_app.chat.quoting import DATA

PATCH = "<<<<<<< SEARCH\nlines of the script as they are\n=======\nwhat replaces them\n>>>>>>> REPLACE"
PATCHES = (
    "'Edit Script' takes one of two things. An 'edit_instruction' is one of those that are listed as applying to the script, "
    "word for word but for its values. A 'patch' is your own, one or more blocks of this form, as a JSON string with \\n for "
    f"line ends:\n{PATCH}\nThe lines to search for are copied from the script exactly, with their indentation, and occur once "
    "in it. No other file is changed, and the lines that print the metric, split the data or set the seed stay as they are."
)


INSTRUCTIONS = (
    "'Edit Script' takes an 'edit_instruction': what to change in the script, in plain words, with every value and place that "
    "matters; an editor who sees the script and nothing else carries it out. Ask for one change at a time. No other file is "
    "changed, and the lines that print the metric, split the data or set the seed stay as they are."
)


def shape(kind: type[Any]) -> str:
    """The JSON object that an action takes."""
    return "{" + ", ".join(f'"{item.name}": <{item.type}>' for item in fields(kind)) + "}"


def rules(example: EditScript, editing: str) -> str:
    """The system prompt: the grammar of a reply around `example`, the actions, and in `editing` how a script is edited."""
    actions = [f"- {name}: {(kind.__doc__ or '').strip()} Input: {shape(kind)}" for name, kind in ACTIONS.items()]
    why = Reasoning(
        reflection="what the last result tells you",
        plan="what was tried, what it brought, what comes next",
        fact_check="which of this was measured, and which is a guess",
        thought="the next action, and why",
    )
    return "\n\n".join(
        (
            "You make the metric of a machine learning script better, one measured edit at a time. Each reply is one action. "
            "An edit is run at once; it stays when the metric got better and is undone otherwise.",
            f"A reply has these six parts, in this order, and nothing after them:\n\n{format_answer(example, why)}",
            "The actions:\n" + "\n".join(actions),
            editing,
            DATA,
        )
    )


def catalogue_rules() -> str:
    """The system prompt of a policy that chooses an edit of the catalogue or writes a patch, in training as in the app."""
    return rules(EditScript("train.py", patch="<a patch>"), PATCHES)


def instruction_rules() -> str:
    """The system prompt of a policy whose edits an editor carries out, as in the paper (section 4)."""
    return rules(EditScript("train.py", "<what to change, in words>"), INSTRUCTIONS)
