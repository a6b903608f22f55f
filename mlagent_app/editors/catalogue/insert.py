"""Steps before the model, ensembles around it, and the removal of steps: scikit-learn pipelines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import Naming, merged, naming
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.places import place_of
from mlagent_app.editors.catalogue.replace import candidates
from mlagent_app.editors.catalogue.sklearn_models import MODELS, SCALERS, Script, Standing, introduced
from mlagent_app.editors.catalogue.source import Call, Source

# A file gets about this many steps and votes in all, shared among its models.
STEPS_PER_FILE = 8
VOTES_PER_FILE = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A transformer: its class, its arguments (`{score}` is the score function for the task), and what it is for.

    `use`: `scaled` (models that want one scale), `linear`, `any`; `on`: `dense`, `sparse`, `text`, `counts` (words counted,
    not weighted).
    """

    qualified: str
    arguments: str
    use: str
    on: str

    @property
    def short(self) -> str:
        return self.qualified.rpartition(".")[2]


STEPS = (
    Step("sklearn.preprocessing.StandardScaler", "", "scaled", "dense"),
    Step("sklearn.preprocessing.PolynomialFeatures", "degree=2, include_bias=False", "linear", "dense"),
    Step("sklearn.preprocessing.QuantileTransformer", 'output_distribution="normal"', "scaled", "dense"),
    Step("sklearn.decomposition.PCA", "n_components=0.95", "any", "dense"),
    Step("sklearn.preprocessing.MinMaxScaler", "", "scaled", "dense"),
    Step("sklearn.feature_selection.SelectPercentile", "{score}, percentile=50", "any", "dense"),
    Step("sklearn.preprocessing.PowerTransformer", "", "scaled", "dense"),
    Step("sklearn.preprocessing.SplineTransformer", "", "linear", "dense"),
    Step("sklearn.feature_extraction.text.TfidfTransformer", "sublinear_tf=True", "any", "counts"),
    Step("sklearn.preprocessing.MaxAbsScaler", "", "scaled", "sparse"),
    Step("sklearn.preprocessing.StandardScaler", "with_mean=False", "scaled", "sparse"),
    Step("sklearn.feature_selection.SelectPercentile", "{score}, percentile=50", "any", "sparse"),
    Step("sklearn.preprocessing.Normalizer", "", "scaled", "text"),
)
_REMOVABLE = SCALERS | {
    "PCA",
    "TruncatedSVD",
    "PolynomialFeatures",
    "SelectKBest",
    "SelectPercentile",
    "SplineTransformer",
    "VarianceThreshold",
    "KBinsDiscretizer",
    "Nystroem",
    "RBFSampler",
    "TfidfTransformer",
}
# A target that is moved and stretched moves and stretches what they predict, and nothing else.
_EQUIVARIANT = frozenset({"Ridge", "KNeighborsRegressor"})
# A script that says one of these predicts something that cannot be negative, so that its logarithm exists.
_POSITIVE = re.compile(r"log_error|rmsle|log1p|price|sales|count|demand|cost|revenue|duration|income|rent", re.IGNORECASE)
_SKLEARN_PIPELINE = "sklearn.pipeline.make_pipeline"


def insertions(source: Source) -> Iterator[Offer]:
    """Steps, votes and wraps for each model of the script, and removable steps."""
    if not source.imported("sklearn"):
        return
    script = Script(source)
    if script.can_wrap:
        for standing in script.models:
            share = max(1, len(script.models))
            yield from list(_steps(script, standing))[: max(2, STEPS_PER_FILE // share)]
            yield from list(_votes(script, standing))[: max(1, VOTES_PER_FILE // share)]
            yield from _wraps(script, standing)
    if script.is_open:
        for call in source.calls:
            yield from _removals(source, call)


# -- steps ---------------------------------------------------------------------------------------------------------


def _steps(script: Script, standing: Standing) -> Iterator[Change]:
    scaled = bool(script.classes & SCALERS)
    for step in STEPS:
        wanted = step.use == "any" or step.use in standing.traits
        if not wanted or step.short in script.classes or (scaled and step.short in SCALERS) or not _suits(script, step):
            continue
        made = _step_text(script, step, standing)
        placed = _placed(script, standing, made) if made else None
        if placed is not None:
            anchor = script.source.span(standing.call.node)[0]
            yield Change(Phrase("add-before", (step.short,)), "preprocessing-step", placed, anchor, "the model")


def _suits(script: Script, step: Step) -> bool:
    if step.on == "dense":
        return not script.is_sparse
    if step.on == "counts":
        return "CountVectorizer" in script.classes
    return script.is_sparse if step.on == "sparse" else script.is_text


def _step_text(script: Script, step: Step, standing: Standing) -> Naming | None:
    """The call that makes the step, with its imports."""
    named = naming(script.source, step.qualified)
    if named is None:
        return None
    arguments, extra = step.arguments.replace('"', script.source.quote), ()
    if "{score}" in arguments:
        score = "f_regression" if standing.task == "regression" else "chi2" if script.is_text else "f_classif"
        scored = naming(script.source, f"sklearn.feature_selection.{score}")
        if scored is None:
            return None
        arguments, extra = arguments.replace("{score}", scored.name), scored.replacements
    return Naming(f"{named.name}({arguments})", merged(named.replacements, extra))


def _placed(script: Script, standing: Standing, made: Naming) -> tuple[Replacement, ...] | None:
    """The step just before the model: as a step of the pipeline it stands in, else in a new one around it."""
    source = script.source
    node = standing.call.node
    before = _as_step(source, node, made.name)
    if before is not None:
        return (*made.replacements, before)
    pipeline = naming(source, _SKLEARN_PIPELINE)
    if pipeline is None:
        return None
    start, end = source.span(node)
    around = (Replacement(start, start, f"{pipeline.name}({made.name}, "), Replacement(end, end, ")"))
    return (*merged(made.replacements, pipeline.replacements), *around)


def _as_step(source: Source, node: ast.Call, text: str) -> Replacement | None:
    """The insertion before a model that is an argument of `make_pipeline` or the last step of `Pipeline([...])`."""
    place = place_of(source, node)
    if place is None or place.in_union or not place.is_last or not _follows(source, place.element, place.opening):
        return None
    if place.label is None:
        return _before(source, node, text, place.siblings)
    taken = source.text[place.opening : source.span(place.element)[1]]
    base = text.partition("(")[0].rpartition(".")[2].lower()
    name = next(label for label in (base, *(f"{base}{i}" for i in range(2, 99))) if f'"{label}"' not in taken.replace("'", '"'))
    return _before(source, place.element, f"({source.quote}{name}{source.quote}, {text})", place.siblings)


def _follows(source: Source, node: ast.expr, opening: int) -> bool:
    """Whether the element stands right after a comma or after this bracket, not in parentheses of its own."""
    lines = source.text[opening : source.span(node)[0]].split("\n")
    code = "".join(re.sub(r"#.*", "", line) for line in lines).rstrip()
    return code.endswith(",") or len(code) == 1


def _before(source: Source, node: ast.expr, text: str, siblings: list[ast.expr]) -> Replacement:
    """An element inserted before another one, on a line of its own where the elements are."""
    start = source.span(node)[0]
    line = source.line_start(start)
    margin = source.text[line:start]
    first = source.span(siblings[0])[0]
    own_line = not margin.strip() and (len(siblings) == 1 or source.line_start(first) != line)
    return Replacement(start, start, f"{text},{source.newline}{margin}" if own_line else f"{text}, ")


# -- ensembles -----------------------------------------------------------------------------------------------------


def _votes(script: Script, standing: Standing) -> Iterator[Change]:
    """The standing model and a second one, averaged."""
    if standing.name in ("VotingClassifier", "VotingRegressor") or not standing.known:
        return
    source = script.source
    classifier = standing.task == "classification"
    ensemble = naming(source, f"sklearn.ensemble.{'VotingClassifier' if classifier else 'VotingRegressor'}")
    if ensemble is None:
        return
    start, end = source.span(standing.call.node)
    quote = source.quote
    for name in candidates(script, standing):
        named = naming(source, f"{MODELS[name].module}.{name}")
        soft = {"chance"} <= MODELS[name].traits & _chances(standing)
        if named is None or (classifier and "chance" in script.needs and not soft) or "margin" in script.needs:
            continue
        second = introduced(script, standing, name, named.name)
        voting = f", voting={quote}soft{quote}" if classifier and soft else ""
        opening = f"{ensemble.name}([({quote}first{quote}, "
        closing = f"), ({quote}second{quote}, {second})]{voting})"
        changes = (Replacement(start, start, opening), Replacement(end, end, closing))
        imports = merged(ensemble.replacements, named.replacements)
        yield Change(Phrase("vote", (name,)), "ensemble", (*imports, *changes), start, "the model")


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
    scaler = naming(script.source, "sklearn.preprocessing.StandardScaler")
    equivariant = standing.name in _EQUIVARIANT and script.text_of(standing.own, "fit_intercept") != "False"
    if "scaled" in standing.traits and not equivariant and scaler:
        words = f"transformer={scaler.name}()"
        yield from _wrapped(script, standing, Phrase("standardise-target"), target, words, scaler.replacements)


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


# -- removal -------------------------------------------------------------------------------------------------------


def _removals(source: Source, call: Call) -> Iterator[Change]:
    """A step of a pipeline that has others left; never its last one, the model."""
    if call.root != "sklearn" or call.short not in _REMOVABLE:
        return
    place = place_of(source, call.node)
    if place is None or place.in_union or place.is_last:
        return
    label: object = call.short.lower()
    if place.label is not None:
        label = place.label.value if isinstance(place.label, ast.Constant) else None
    following = place.siblings[place.siblings.index(place.element) + 1]
    start, end = source.span(place.element)[0], source.span(following)[0]
    if source.text[start:end].count("(") != source.text[start:end].count(")"):
        return
    if not isinstance(label, str) or _is_asked_for(source, label):
        return
    yield Change(
        Phrase("remove", (call.short,)),
        "preprocessing-step",
        (Replacement(start, end, ""),),
        source.span(call.node)[0],
        call.short,
    )


def _is_asked_for(source: Source, label: str) -> bool:
    """Whether the file may get at the step by its name: `pipe["pca"]`, `pipe.named_steps.pca`, `pca__n_components`.

    Any text that is the label counts, in f-strings too, but for the names that pipelines give their steps.
    """
    nodes = list(ast.walk(source.tree)) if source.tree else []
    pairs = [node.elts for node in nodes if isinstance(node, ast.Tuple) and len(node.elts) == 2]
    names = {name for name, step in pairs if isinstance(step, ast.Call)}
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and node not in names]
    words = [node.arg or "" for node in nodes if isinstance(node, ast.keyword)]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == label]
    # `make_pipeline` numbers the steps of one class: `pca-1`, `pca-2`.
    is_name = re.compile(rf"{re.escape(label)}(-\d+)?\Z|(.*__)?{re.escape(label)}(-\d+)?__").match
    return (
        any(isinstance(text, str) and is_name(text) for text in texts)
        or any("__" in word and is_name(word) for word in words)
        or any(isinstance(node.value, ast.Attribute) and node.value.attr == "named_steps" for node in attributes)
    )
