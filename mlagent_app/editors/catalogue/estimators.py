"""Arguments of known estimators, vectorisers and preprocessors: scikit-learn, XGBoost, LightGBM, CatBoost."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.booster_parameters import BOOSTERS, TRAINERS
from mlagent_app.editors.catalogue.following import Follower, read_literal
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer, Setting
from mlagent_app.editors.catalogue.sklearn_models import tuned_names
from mlagent_app.editors.catalogue.sklearn_parameters import PARAMETERS, Parameter
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.values import Domain, Value, code, kind_of, same, spoken, words

FAMILY = "estimator-argument"
PACKAGES = ("sklearn", "xgboost", "lightgbm", "catboost")


@dataclass(frozen=True, slots=True)
class _At:
    """A known call and what reads its arguments."""

    source: Source
    follower: Follower
    call: Call

    @property
    def anchor(self) -> int:
        return self.source.span(self.call.node)[0]

    def written(self, name: str, position: int | None = None) -> Value:
        """The argument's value; the text `?` when it is written but not known, None when absent."""
        found = self.follower.argument(self.call, name, position)
        return found.literal.value if found.literal else "?" if found.state == "opaque" else None

    def has(self, *names: str) -> bool:
        """Whether any of these keyword arguments is written."""
        return any(self.follower.argument(self.call, name).state != "absent" for name in names)


def estimators(source: Source) -> Iterator[Offer]:
    """Every known argument of every known call."""
    if not any(source.imported(package) for package in PACKAGES):
        return
    follower = Follower(source)
    for call in source.calls:
        at = _At(source, follower, call)
        tuned = tuned_names(source, call)
        parameters = tuple(item for item in parameters_of(call) if item.name not in tuned)
        for parameter in parameters:
            domain = _allowed(at, parameter)
            offer = _argument(at, parameter, domain, call.short) if domain else None
            if offer is not None:
                yield offer
        if parameters:
            yield from _pairs(at)
        if call.name in TRAINERS:
            yield from _trainer(at)


def parameters_of(call: Call) -> tuple[Parameter, ...]:
    """The known parameters of the class that is called, none when it is not known."""
    if call.root == "sklearn":
        return PARAMETERS.get(call.short, ())
    return BOOSTERS.get(call.root, {}).get(call.short, ())


def _argument(at: _At, parameter: Parameter, domain: Domain, owner: str) -> Setting | None:
    """The setting of one argument: where its literal stands, or where it would be added."""
    found = at.follower.argument(at.call, parameter.name, parameter.position)
    if found.state == "opaque" or (found.state == "absent" and not parameter.absent):
        return None
    if found.literal is not None:
        place = found.literal
        quote = place.quote or at.source.quote
        first, last = at.source.span(at.call.node)
        if not first <= place.start < last:
            domain = _of_kind(domain, place.value)
        return Setting(parameter.name, FAMILY, domain, place.value, place.start, place.end, at.anchor, owner, quote=quote)
    gap = at.follower.gap(at.call.node)
    if gap is None:
        return None
    prefix = f"{gap.prefix}{parameter.name}="
    quote = at.source.quote
    return Setting(
        parameter.name, FAMILY, domain, parameter.default, gap.offset, gap.offset, at.anchor, owner, prefix, quote=quote
    )


def _of_kind(domain: Domain, present: Value) -> Domain:
    """A value that stands elsewhere (an option, a field) may have a declared type: the new one is of the same kind."""
    kind = kind_of(present)
    if kind == "none":
        return domain
    grid = tuple(item for item in domain.grid if kind_of(item) == kind or (kind == "float" and kind_of(item) == "int"))
    if kind == "float":
        grid = tuple(float(item) if isinstance(item, int) else item for item in grid)
    return replace(domain, grid=grid, kinds=frozenset({kind}))


def _allowed(at: _At, parameter: Parameter) -> Domain | None:
    """The parameter's domain as far as the call's other arguments and the script allow it; None when they do not."""
    narrow = _NARROWED.get((at.call.short, parameter.name)) or _NARROWED.get(("", parameter.name))
    if narrow is None or at.call.root != "sklearn":
        return parameter.domain
    return narrow(at, parameter.domain)


def _without(domain: Domain, *values: Value) -> Domain | None:
    grid = tuple(item for item in domain.grid if not any(same(item, value) for value in values))
    return replace(domain, grid=grid) if grid else None


def _uses_probabilities(source: Source) -> bool:
    return bool(source.attribute_names & {"predict_proba", "predict_log_proba"})


def _logistic_solver(at: _At, domain: Domain) -> Domain | None:
    """Only where the penalty is the default, which all of these solvers know."""
    plain = at.written("penalty", 0) in (None, "l2") and not at.has("dual", "l1_ratio")
    return domain if plain else None


def _stochastic_loss(at: _At, domain: Domain) -> Domain | None:
    return _without(domain, "hinge") if _uses_probabilities(at.source) else domain


def _kernel(at: _At, domain: Domain) -> Domain | None:
    return domain if kind_of(at.written("kernel")) in ("none", "word") and at.written("kernel") != "precomputed" else None


def _metric(at: _At, domain: Domain) -> Domain | None:
    return _without(domain, "cosine") if at.has("algorithm", "p") else domain


def _bootstrap(at: _At, domain: Domain) -> Domain | None:
    return None if at.has("oob_score", "max_samples") else domain


def _max_samples(at: _At, domain: Domain) -> Domain | None:
    """A share of the rows, which forests only know with bootstrap."""
    if at.call.short.startswith("Bagging"):
        return domain
    return (
        domain
        if at.written("bootstrap") is True or (at.call.short.startswith("RandomForest") and not at.has("bootstrap"))
        else None
    )


def _soft_voting(at: _At, domain: Domain) -> Domain | None:
    """`soft` only where every member has probabilities, `hard` only where none are asked for."""
    inside = {call.short for call in at.source.calls if _within(at.source, call.node, at.call.node)}
    named = any(isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load) for item in ast.walk(at.call.node))
    if inside & WITHOUT_PROBABILITIES or (named and not inside):
        domain = _without(domain, "soft") or words("hard")
    return _without(domain, "hard") if _uses_probabilities(at.source) else domain


def _within(source: Source, node: ast.AST, outer: ast.AST) -> bool:
    parent = source.parents.get(node)
    while parent is not None and parent is not outer:
        parent = source.parents.get(parent)
    return parent is outer


def _components(at: _At, domain: Domain) -> Domain | None:
    """Counts up to four times the present one (how many there can be depends on the data), or a share of the variance."""
    present = at.written("n_components", 0)
    if not isinstance(present, (int, float)) or isinstance(present, bool):
        return None
    if isinstance(present, float):
        return replace(domain, grid=(0.8, 0.9, 0.95, 0.99), high=0.999)
    shares: tuple[Value, ...] = () if at.has("svd_solver") else (0.95, 0.99)
    counts = tuple(v for v in domain.grid if isinstance(v, int) and v <= 4 * present)
    near = Domain(counts, domain.kinds, 1, 4 * present, width=4).choices(present)
    return Domain((*sorted(cast("tuple[int, ...]", near)), *shares), domain.kinds, 0.1, 4 * present, width=5)


def _strategy(at: _At, domain: Domain) -> Domain | None:
    """Numbers can be imputed by all three; other columns (imputed by constant or mode now) perhaps not."""
    return domain if at.written("strategy") in (None, "mean", "median") else None


def _ngrams(at: _At, domain: Domain) -> Domain | None:
    analyzer = at.written("analyzer")
    if analyzer in ("char", "char_wb"):
        return words((2, 4), (2, 5), (3, 5), (1, 5))
    return domain if analyzer in (None, "word") else None


def _words_only(at: _At, domain: Domain) -> Domain | None:
    return domain if at.written("analyzer") in (None, "word") and not at.has("tokenizer", "preprocessor") else None


def _few(at: _At, domain: Domain) -> Domain | None:
    return domain if not at.has("vocabulary") else None


def _weights(at: _At, domain: Domain) -> Domain | None:
    """A dictionary of weights that the user gave stays."""
    return domain if kind_of(at.written("class_weight")) in ("none", "word") and at.written("class_weight") != "?" else None


def _frequency(at: _At, domain: Domain) -> Domain | None:
    """Rare categories are pooled only where unknown ones are ignored as well."""
    return (
        domain
        if at.written("handle_unknown") in ("ignore", "infrequent_if_exist") and not at.has("drop", "max_categories")
        else None
    )


WITHOUT_PROBABILITIES = frozenset(
    "SVC NuSVC LinearSVC RidgeClassifier RidgeClassifierCV Perceptron PassiveAggressiveClassifier SGDClassifier".split()
)
_NARROWED: dict[tuple[str, str], Callable[[_At, Domain], Domain | None]] = {
    ("LogisticRegression", "solver"): _logistic_solver,
    ("SGDClassifier", "loss"): _stochastic_loss,
    ("", "kernel"): _kernel,
    ("", "metric"): _metric,
    ("", "bootstrap"): _bootstrap,
    ("", "max_samples"): _max_samples,
    ("", "class_weight"): _weights,
    ("VotingClassifier", "voting"): _soft_voting,
    ("PCA", "n_components"): _components,
    ("SimpleImputer", "strategy"): _strategy,
    ("", "ngram_range"): _ngrams,
    ("", "stop_words"): _words_only,
    ("", "min_df"): _few,
    ("", "max_df"): _few,
    ("OneHotEncoder", "min_frequency"): _frequency,
}


def _pairs(at: _At) -> Iterator[Change]:
    """Two arguments that are only valid, or only worth while, together."""
    short = at.call.short
    if (
        short == "LogisticRegression"
        and at.written("penalty", 0) == "l2"
        and at.written("solver") in (None, "lbfgs", "newton-cg")
    ):
        yield from _pair(at, ("penalty", "l1"), ("solver", "saga"))
    if short == "LinearDiscriminantAnalysis" and at.written("solver", 0) in (None, "svd") and not at.has("shrinkage"):
        yield from _pair(at, ("solver", "lsqr"), ("shrinkage", "auto"))
    if short in ("TfidfVectorizer", "CountVectorizer") and _words_only(at, words("x")) and at.written("analyzer") is None:
        if not at.has("stop_words", "token_pattern"):
            yield from _pair(at, ("analyzer", "char_wb"), ("ngram_range", (2, 5)))
    if short in ("SVC", "SVR") and at.written("kernel") in (None, "rbf") and not at.has("degree", "coef0"):
        yield from _pair(at, ("kernel", "poly"), ("coef0", 1.0))


def _pair(at: _At, first: tuple[str, Value], second: tuple[str, Value]) -> Iterator[Change]:
    replacements: list[Replacement] = []
    for name, value in (first, second):
        found = at.follower.argument(at.call, name, 0 if name in ("penalty", "solver") and at.call.node.args else None)
        if found.literal is not None:
            quote = found.literal.quote or at.source.quote
            replacements.append(Replacement(found.literal.start, found.literal.end, code(value, quote=quote)))
        elif found.state == "absent" and (gap := at.follower.gap(at.call.node)):
            # Two additions at one place become one: the second is joined to the first.
            prefix = gap.joint if replacements and replacements[0].start == replacements[0].end else gap.prefix
            replacements.append(Replacement(gap.offset, gap.offset, f"{prefix}{name}={code(value, quote=at.source.quote)}"))
        else:
            return
    fields = (first[0], at.call.short, spoken(first[1]), second[0], spoken(second[1]))
    yield Change(Phrase("pair", fields), FAMILY, _joined(replacements), at.anchor, at.call.short)


def _joined(replacements: list[Replacement]) -> tuple[Replacement, ...]:
    first, second = replacements
    if first.start == first.end == second.start == second.end:
        return (Replacement(first.start, first.end, first.text + second.text),)
    return tuple(sorted(replacements))


def _trainer(at: _At) -> Iterator[Setting]:
    """`xgboost.train(params, ...)`: the keys of the dictionary and the keywords of the call."""
    owner, keys, keywords = TRAINERS[at.call.name]
    for parameter in keywords:
        if offer := _argument(at, parameter, parameter.domain, owner):
            yield offer
    node = at.call.node
    given = node.args[0] if node.args else next((word.value for word in node.keywords if word.arg == "params"), None)
    table = at.follower.origin(given, at.call.scope) if given is not None else None
    if table is None or (isinstance(given, ast.Name) and at.follower.is_written(given.id)):
        return
    for parameter in keys:
        value = at.follower.entry(table, parameter.name)
        literal = read_literal(at.source, value) if value is not None else None
        if literal is not None:
            yield Setting(
                parameter.name,
                FAMILY,
                parameter.domain,
                literal.value,
                literal.start,
                literal.end,
                at.anchor,
                owner,
                quote=literal.quote or at.source.quote,
            )
