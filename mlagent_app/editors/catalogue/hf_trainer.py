"""Hugging Face `TrainingArguments`: the arguments that decide how well a model learns."""

from __future__ import annotations

from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.following import keyword
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.torch_loop import BATCH_SIZES
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script
from mlagent_app.editors.catalogue.values import Domain, Value, floats, ints, words

_OWNERS = frozenset({"TrainingArguments", "Seq2SeqTrainingArguments"})
_ARGUMENTS: tuple[tuple[str, Domain, Value, str], ...] = (
    ("learning_rate", floats(1e-5, 2e-5, 3e-5, 5e-5, 1e-4, 3e-4, 1e-3, 3e-3, low=1e-8, high=1.0), 5e-5, "learning-rate"),
    ("num_train_epochs", ints(1, 2, 3, 4, 5, 8, 12, 20, 30, 50, low=1, high=1000), 3, "epochs"),
    ("per_device_train_batch_size", BATCH_SIZES, 8, "batch-size"),
    ("weight_decay", floats(0.0, 1e-3, 0.01, 0.05, 0.1, low=0.0, high=1.0), 0.0, "weight-decay"),
    ("warmup_ratio", floats(0.0, 0.03, 0.06, 0.1, 0.2, low=0.0, high=1.0), 0.0, "warm-up"),
    ("lr_scheduler_type", words("cosine", "linear", "constant_with_warmup", "polynomial"), "linear", "schedule"),
    ("label_smoothing_factor", floats(0.0, 0.05, 0.1, 0.2, low=0.0, high=0.5), 0.0, "label-smoothing"),
    ("max_grad_norm", floats(0.1, 0.5, 1.0, 5.0, low=0.0, high=1000.0), 1.0, "gradient-clipping"),
    ("adam_beta2", floats(0.95, 0.98, 0.99, 0.999, low=0.5, high=0.99999), 0.999, "betas"),
)


def training_arguments(source: Source) -> Iterator[Offer]:
    """`set learning_rate of TrainingArguments to 0.0001` and its like."""
    if not source.imported("transformers"):
        return
    script = torch_script(source)
    for call in _training_arguments(source):
        for name, domain, default, family in _ARGUMENTS:
            if _makes_sense(source, call, name):
                setting = script.setting(call, name, None, domain, default, family)
                if setting is not None:
                    yield setting
        yield from _keep_best(script, call)


def _training_arguments(source: Source) -> list[Call]:
    return [call for call in source.calls if call.short in _OWNERS and call.root == "transformers"]


def _makes_sense(source: Source, call: Call, name: str) -> bool:
    if name == "warmup_ratio":
        return keyword(call.node, "warmup_steps") is None
    if name == "num_train_epochs":
        return keyword(call.node, "max_steps") is None
    if name == "label_smoothing_factor":
        # The evaluation loss is smoothed as well: only where another number measures the model.
        measured = any(keyword(item.node, "compute_metrics") is not None for item in source.calls)
        return measured and "eval_loss" not in source.text
    return True


def _keep_best(script: TorchScript, call: Call) -> Iterator[Offer]:
    """`keep the best checkpoint`, where the model is evaluated every epoch: saving has to keep the same rhythm."""
    strategy = next((found for name in ("eval_strategy", "evaluation_strategy") if (found := _text(script, call, name))), "")
    saving = script.argument(call, "save_strategy", None)
    best = script.argument(call, "load_best_model_at_end", None)
    if strategy != "epoch" or saving.state == "opaque" or best.state == "opaque":
        return
    parts: list[Replacement] = []
    added: list[str] = []
    quote = script.source.quote
    if best.literal is None:
        added.append("load_best_model_at_end=True")
    elif best.literal.value is False:
        parts.append(Replacement(best.literal.start, best.literal.end, "True"))
    else:
        return
    if saving.literal is None:
        added.append(f"save_strategy={quote}epoch{quote}")
    elif saving.literal.value != "epoch":
        parts.append(
            Replacement(saving.literal.start, saving.literal.end, f"{saving.literal.quote}epoch{saving.literal.quote}")
        )
    gap = script.follower.gap(call.node)
    if added and gap is None:
        return
    if gap is not None and added:
        parts.append(Replacement(gap.offset, gap.offset, gap.written(*added)))
    yield Change(Phrase("keep-best"), "checkpoint", tuple(parts), script.source.span(call.node)[0], "checkpoint")


def _text(script: TorchScript, call: Call, name: str) -> str:
    found = script.argument(call, name, None).literal
    return found.value if found is not None and isinstance(found.value, str) else ""
