"""The models inside an ensemble: of an average or a stack, in bags, under calibration or a transformed target."""

from __future__ import annotations

import ast

from mlagent_app.editors.catalogue.following import keyword
from mlagent_app.editors.catalogue.sklearn_models import Script, Standing

VOTES = frozenset({"VotingClassifier", "VotingRegressor"})
STACKS = frozenset({"StackingClassifier", "StackingRegressor"})
_AROUND_ONE = frozenset({"BaggingClassifier", "BaggingRegressor", "CalibratedClassifierCV", "TransformedTargetRegressor"})


def members(script: Script, standing: Standing) -> list[Standing]:
    """The known models that an ensemble holds; none where they are not written in its call."""
    if standing.name in VOTES | STACKS:
        nodes = [pair.elts[1] for pair in named_members(standing)]
    elif standing.name in _AROUND_ONE:
        nodes = standing.call.node.args[:1]
    else:
        nodes = []
    found = [script.standing_at(node) for node in nodes]
    return [member for member in found if member is not None and member.known]


def named_members(standing: Standing) -> list[ast.Tuple]:
    """The pairs of a name and a model that a vote or a stack holds; none where they are not all written as such."""
    call = standing.call.node
    listed = call.args[0] if call.args else keyword(call, "estimators")
    pairs = listed.elts if isinstance(listed, ast.List) else []
    whole = [pair for pair in pairs if isinstance(pair, ast.Tuple) and len(pair.elts) == 2]
    return whole if len(whole) == len(pairs) else []


def needs_of_members(script: Script, standing: Standing) -> frozenset[str]:
    """The traits that a model in this ensemble must have, from what the script reads off the whole."""
    if standing.name in STACKS:
        return script.needs - {"chance", "margin"}  # its last model has them
    if standing.name in VOTES:
        voting = keyword(standing.call.node, "voting")
        hard = voting is None or (isinstance(voting, ast.Constant) and voting.value == "hard")
        return script.needs if hard else script.needs | {"chance"}
    return script.needs | {"chance"} if standing.name == "CalibratedClassifierCV" else script.needs
