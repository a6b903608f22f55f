"""Several models in place of one, and targets transformed: votes, stacks, bags, calibration."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import merged, naming
from mlagent_app.editors.catalogue.members import STACKS, VOTES, members, named_members, needs_of_members
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.replace import candidates
from mlagent_app.editors.catalogue.sklearn_models import MODELS, Script, Standing, introduced
from mlagent_app.editors.catalogue.source import Source

# A file gets about this many votes and stacks in all, shared among its models.
VOTES_PER_FILE = 5
STACKS_PER_FILE = 3
FOLDS = 3
_LABELS = ("first", "second", "third", "fourth", "fifth")
# A target that is moved and stretched moves and stretches what they predict, and nothing else.
_EQUIVARIANT = frozenset({"Ridge", "KNeighborsRegressor"})
# A script that says one of these predicts something that cannot be negative, so that its logarithm exists.
_POSITIVE = re.compile(r"log_error|rmsle|log1p|price|sales|count|demand|cost|revenue|duration|income|rent", re.IGNORECASE)


def ensembles(source: Source) -> Iterator[Offer]:
    """Votes, stacks and wraps for each model of the script."""
    if not source.imported("sklearn"):
        return
    script = Script(source)
    if not script.can_wrap:
        return
    for standing in script.models:
        share = len(script.models)
        yield from list(_votes(script, standing))[: max(1, VOTES_PER_FILE // share)]
        yield from list(_stacks(script, standing))[: max(1, STACKS_PER_FILE // share)]
        yield from _wraps(script, standing)


def _votes(script: Script, standing: Standing) -> Iterator[Change]:
    """The standing model and a second one, averaged; one more in an average that is there."""
    if standing.name in VOTES:
        yield from _further(script, standing, "vote")
    if not standing.known:
        return
    source = script.source
    classifier = standing.task == "classification"
    ensemble = naming(source, f"sklearn.ensemble.{'VotingClassifier' if classifier else 'VotingRegressor'}")
    if ensemble is None:
        return
    start, quote = source.span(standing.call.node)[0], source.quote
    for name in candidates(script, standing, script.needs):
        named = naming(source, f"{MODELS[name].module}.{name}")
        soft = {"chance"} <= MODELS[name].traits & _chances(standing)
        if named is None or (classifier and "chance" in script.needs and not soft) or "margin" in script.needs:
            continue
        second = introduced(script, standing, name, named.name)
        voting = f", voting={quote}soft{quote}" if classifier and soft else ""
        changes = _joined(source, standing, ensemble.name, second, voting)
        imports = merged(ensemble.replacements, named.replacements)
        yield Change(Phrase("vote", (name,)), "ensemble", (*imports, *changes), start, "the model")


def _further(script: Script, standing: Standing, form: str) -> Iterator[Change]:
    """One more member of a vote or a stack."""
    pairs, held = named_members(standing), members(script, standing)
    weighed = script.text_of(standing.call, "weights") is not None
    taken = {pair.elts[0].value for pair in pairs if isinstance(pair.elts[0], ast.Constant)}
    label = next((name for name in _LABELS if name not in taken), None)
    if not held or weighed or len(taken) < len(pairs) or label is None:
        return
    source = script.source
    start, end = source.span(standing.call.node)[0], source.span(pairs[-1])[1]
    for name in candidates(script, held[0], needs_of_members(script, standing)):
        named = naming(source, f"{MODELS[name].module}.{name}")
        if named is not None:
            made = f", ({source.quote}{label}{source.quote}, {introduced(script, held[0], name, named.name)})"
            changes = (*named.replacements, Replacement(end, end, made))
            yield Change(Phrase(form, (name,)), "ensemble", changes, start, "the model")


def _joined(source: Source, standing: Standing, ensemble: str, second: str, words: str) -> tuple[Replacement, ...]:
    """`Ensemble([("first", the model), ("second", another)] and further words)`."""
    start, end = source.span(standing.call.node)
    quote = source.quote
    opening = f"{ensemble}([({quote}first{quote}, "
    closing = f"), ({quote}second{quote}, {second})]{words})"
    return Replacement(start, start, opening), Replacement(end, end, closing)


def _stacks(script: Script, standing: Standing) -> Iterator[Change]:
    """The standing model and a second one, weighed by a linear model of what each predicts for rows that it has not seen.

    Stacked generalisation (Wolpert, 1992): the folds are of what the whole is fitted on, the training part.
    """
    if standing.name in STACKS:
        yield from _further(script, standing, "stack")
    if not standing.known or standing.searched:
        return
    source = script.source
    kind = "StackingClassifier" if standing.task == "classification" else "StackingRegressor"
    ensemble = naming(source, f"sklearn.ensemble.{kind}")
    if ensemble is None:
        return
    start, needs = source.span(standing.call.node)[0], script.needs - {"chance", "margin"}
    for name in candidates(script, standing, needs):
        named = naming(source, f"{MODELS[name].module}.{name}")
        if named is not None:
            second = introduced(script, standing, name, named.name)
            changes = _joined(source, standing, ensemble.name, second, f", cv={FOLDS}")
            imports = merged(ensemble.replacements, named.replacements)
            yield Change(Phrase("stack", (name,)), "ensemble", (*imports, *changes), start, "the model")


def _chances(standing: Standing) -> frozenset[str]:
    """The model's traits, with `chance` only where it is certain (SGDClassifier has it for some losses)."""
    return standing.traits - {"chance"} if standing.name == "SGDClassifier" else standing.traits


def _wraps(script: Script, standing: Standing) -> Iterator[Change]:
    """Bagging, calibration, and transformed targets."""
    if not standing.known:
        return
    margin = "margin" in script.needs
    if standing.task == "classification":
        # A search inside bags or folds would be done over and over.
        if not margin and not standing.searched:
            yield from _wrapped(script, standing, Phrase("bag"), "sklearn.ensemble.BaggingClassifier", "n_estimators=10")
            if "chance" in script.needs:
                yield from _wrapped(script, standing, Phrase("calibrate"), "sklearn.calibration.CalibratedClassifierCV", "")
        return
    if not standing.searched:
        yield from _wrapped(script, standing, Phrase("bag"), "sklearn.ensemble.BaggingRegressor", "n_estimators=10")
    target = "sklearn.compose.TransformedTargetRegressor"
    numpy = script.source.local_name("numpy")
    if numpy and _POSITIVE.search(script.source.text):
        functions = f"func={numpy}.log1p, inverse_func={numpy}.expm1"
        yield from _wrapped(script, standing, Phrase("log-target"), target, functions)
    equivariant = standing.name in _EQUIVARIANT and script.text_of(standing.own, "fit_intercept") != "False"
    scaler = naming(script.source, "sklearn.preprocessing.StandardScaler")
    if "scaled" in standing.traits and not equivariant and scaler:
        words = f"transformer={scaler.name}()"
        yield from _wrapped(script, standing, Phrase("standardise-target"), target, words, scaler.replacements)
    if normal := naming(script.source, "sklearn.preprocessing.QuantileTransformer"):
        quote = script.source.quote
        words = f"transformer={normal.name}(n_quantiles=100, output_distribution={quote}normal{quote})"
        yield from _wrapped(script, standing, Phrase("normal-target"), target, words, normal.replacements)


def _wrapped(
    script: Script, standing: Standing, phrase: Phrase, qualified: str, arguments: str, imports: tuple[Replacement, ...] = ()
) -> Iterator[Change]:
    """`Wrapper(model, arguments)`, with the model's own seed where bagging takes one."""
    source = script.source
    named = naming(source, qualified)
    if named is None or named.name.rpartition(".")[2] in script.classes:
        return
    seed = script.text_of(standing.own, "random_state") if ".Bagging" in qualified else None
    words = [*([arguments] if arguments else []), *([f"random_state={seed}"] if seed else [])]
    start, end = source.span(standing.call.node)
    closing = "".join(f", {word}" for word in words) + ")"
    changes = (Replacement(start, start, f"{named.name}("), Replacement(end, end, closing))
    yield Change(phrase, "ensemble", (*merged(imports, named.replacements), *changes), start, "the model")
