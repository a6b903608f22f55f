"""Steps before the model and beside its inputs, and the removal of steps: scikit-learn pipelines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import Naming, merged, naming
from mlagent_app.editors.catalogue.members import members
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.places import UNIONS, place_of
from mlagent_app.editors.catalogue.sklearn_models import SCALERS, Script, Standing, Task
from mlagent_app.editors.catalogue.source import Call, Source

# A file gets about this many steps in all, shared among its models.
STEPS_PER_FILE = 12


@dataclass(frozen=True, slots=True)
class Step:
    """A transformer: its class, its arguments, and what it is for.

    In the arguments `{score}` is the score function for the task and `{seed}` the model's own seed, 0 where it has none.
    `use`: a trait of the models that it helps (`scaled`, `linear`), `classes` (it learns from the labels of a
    classification), `signed` (its columns can be negative, which not all models take), `any`; `on`: `dense`, `sparse`, `text`,
    `counts` (words counted, not weighted).
    """

    qualified: str
    arguments: str
    use: str
    on: str
    beside: bool = False

    @property
    def short(self) -> str:
        return self.qualified.rpartition(".")[2]


STEPS = (
    Step("sklearn.preprocessing.StandardScaler", "", "scaled", "dense"),
    Step("sklearn.preprocessing.PolynomialFeatures", "degree=2, include_bias=False", "linear", "dense"),
    Step("sklearn.preprocessing.QuantileTransformer", 'output_distribution="normal"', "scaled", "dense"),
    Step("sklearn.decomposition.PCA", "n_components=0.95", "any", "dense"),
    Step("sklearn.discriminant_analysis.LinearDiscriminantAnalysis", "", "classes", "dense"),
    Step("sklearn.preprocessing.MinMaxScaler", "", "scaled", "dense"),
    Step("sklearn.feature_selection.SelectPercentile", "{score}, percentile=50", "any", "dense"),
    Step("sklearn.kernel_approximation.Nystroem", "n_components=200, random_state={seed}", "linear", "dense"),
    Step("sklearn.preprocessing.PowerTransformer", "", "scaled", "dense"),
    Step("sklearn.preprocessing.SplineTransformer", "", "linear", "dense"),
    Step("sklearn.preprocessing.RobustScaler", "", "scaled", "dense"),
    Step("sklearn.feature_extraction.text.TfidfTransformer", "sublinear_tf=True", "any", "counts"),
    Step("sklearn.preprocessing.MaxAbsScaler", "", "scaled", "sparse"),
    Step("sklearn.preprocessing.StandardScaler", "with_mean=False", "scaled", "sparse"),
    Step("sklearn.feature_selection.SelectPercentile", "{score}, percentile=50", "any", "sparse"),
    Step("sklearn.preprocessing.Normalizer", "", "scaled", "text"),
    Step("sklearn.decomposition.TruncatedSVD", "n_components=100, random_state={seed}", "signed", "text"),
)
BESIDE = (
    Step("sklearn.decomposition.PCA", "n_components=0.9", "any", "dense", beside=True),
    Step("sklearn.cluster.KMeans", "n_clusters=16, n_init=1, random_state={seed}", "any", "dense", beside=True),
    Step("sklearn.kernel_approximation.Nystroem", "n_components=100, random_state={seed}", "linear", "dense", beside=True),
)
# They take counts and shares, nothing below 0.
_UNSIGNED = frozenset({"MultinomialNB", "ComplementNB"})
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
# A classifier that also projects: never the model itself where another one stands behind it in the pipeline.
_REMOVABLE_STEPS = _REMOVABLE | {"LinearDiscriminantAnalysis"}
_PIPELINE, _UNION = "sklearn.pipeline.make_pipeline", "sklearn.pipeline.make_union"


def insertions(source: Source) -> Iterator[Offer]:
    """Steps for each model of the script, new columns beside what it is given, and removable steps."""
    if not source.imported("sklearn"):
        return
    script = Script(source)
    if script.can_wrap:
        for standing in script.models:
            share = len(script.models)
            yield from list(_steps(script, standing, STEPS))[: max(2, STEPS_PER_FILE // share)]
            yield from _steps(script, standing, BESIDE)
    if script.is_open:
        for call in source.calls:
            yield from _removals(source, call)


# -- steps ---------------------------------------------------------------------------------------------------------


def _steps(script: Script, standing: Standing, table: tuple[Step, ...]) -> Iterator[Change]:
    scaled = bool(script.classes & SCALERS)
    within = [standing] if standing.known else members(script, standing)
    for step in table:
        taken = step.short in script.classes or (scaled and step.short in SCALERS)
        if taken or not _is_wanted(step, standing.task, within) or not _suits(script, step):
            continue
        made = _step_text(script, step, standing)
        placed = _placed(script, standing, made) if made else None
        if placed is not None:
            anchor = script.source.span(standing.call.node)[0]
            form = "add-beside" if step.beside else "add-before"
            yield Change(Phrase(form, (step.short,)), "preprocessing-step", placed, anchor, "the model")


def _is_wanted(step: Step, task: Task, models: list[Standing]) -> bool:
    """Whether the step helps any of the models, and hinders none."""
    if step.use == "classes":
        return task == "classification"
    if step.use == "signed":
        return bool(models) and not any(model.name in _UNSIGNED for model in models)
    return step.use == "any" or any(step.use in model.traits for model in models)


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
    seed = script.text_of(standing.own, "random_state") or "0"
    text = f"{named.name}({arguments.replace('{seed}', seed)})"
    if step.beside:
        union = naming(script.source, _UNION)
        if union is None or UNIONS & script.classes:
            return None
        quote = script.source.quote
        text, extra = f"{union.name}({quote}passthrough{quote}, {text})", union.replacements
    return Naming(text, merged(named.replacements, extra))


def _placed(script: Script, standing: Standing, made: Naming) -> tuple[Replacement, ...] | None:
    """The step just before the model: as a step of the pipeline it stands in, else in a new one around it."""
    source = script.source
    node = standing.call.node
    before = _as_step(source, node, made.name)
    if before is not None:
        return (*made.replacements, before)
    pipeline = naming(source, _PIPELINE)
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


# -- removal -------------------------------------------------------------------------------------------------------


def _removals(source: Source, call: Call) -> Iterator[Change]:
    """A step of a pipeline that has others left; never its last one, the model."""
    if call.root != "sklearn" or call.short not in _REMOVABLE_STEPS:
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
