"""The memory that a plan promises is what PyTorch keeps: weights and optimizer to the byte, activations within a factor."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch
from peft import LoraConfig, get_peft_model

from mlagent_app.agent.errors import UserError
from training import budget, memory
from training.devices import GIB, device, several
from training.fit import QWEN_7B, Sizes
from training.logits import chosen_log_probabilities
from training.model import from_scratch
from training.recipe import Model, Recipe, load

pytestmark = pytest.mark.torch
TABLE = Model(vocabulary=300, hidden=64, layers=3, heads=4, kv_heads=2, intermediate=160, context=512)
SIZES = Sizes(300, 64, 3, 4, 2, 160, False)
TOKENS = 256


def kept_bytes(model: torch.nn.Module, call: Any) -> int:  # noqa: ANN401
    """What the backward pass of a call keeps, without the weights; a storage counts once."""
    kept: dict[int, int] = {}
    weights = {value.untyped_storage().data_ptr() for value in model.parameters()}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = call()
    assert result is not None
    return sum(kept.values())


def test_adapters_have_the_parameters_that_peft_makes() -> None:
    base: Any = from_scratch(TABLE, 300, 0)
    adapted: Any = get_peft_model(base, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    count = sum(value.numel() for value in adapted.parameters() if value.requires_grad)
    assert memory.adapter_parameters(SIZES, 8) == count


def test_weights_gradients_and_moments_are_counted_to_the_byte() -> None:
    model = from_scratch(TABLE, 300, 0)
    optimizer = torch.optim.AdamW(model.parameters())
    model(input_ids=torch.zeros((1, 4), dtype=torch.int64)).logits.sum().backward()
    optimizer.step()
    moments = [value for state in optimizer.state.values() for value in state.values() if value.dim()]
    found = memory.parts(Recipe(name="tiny", model=TABLE), SIZES, "sft", memory.Layout(1, False))
    assert found["weights"] == sum(value.numel() * value.element_size() for value in model.parameters())
    assert found["gradients"] == sum(value.grad.numel() * 4 for value in model.parameters() if value.grad is not None)
    assert found["optimizer"] == sum(value.numel() * value.element_size() for value in moments)


def test_the_activations_of_a_layer_are_those_that_pytorch_keeps() -> None:
    model: Any = from_scratch(TABLE, 300, 0)
    hidden = torch.randn(1, TOKENS, 64, requires_grad=True)
    places = torch.arange(TOKENS)[None]
    turned = model.model.rotary_emb(hidden, places)
    measured = kept_bytes(model, lambda: model.model.layers[0](hidden * 1.0, position_embeddings=turned, position_ids=places))
    promised = memory.layer_activations(SIZES, TOKENS, stream=4, compute=4)
    assert promised / 1.5 < measured < 1.5 * promised


def test_checkpoints_keep_the_input_of_every_layer() -> None:
    model: Any = from_scratch(TABLE, 300, 0).train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.zeros((1, TOKENS), dtype=torch.int64)
    measured = kept_bytes(model, lambda: model.model(input_ids=ids, use_cache=False).last_hidden_state)
    inputs = SIZES.layers * TOKENS * SIZES.hidden * 4
    last = TOKENS * SIZES.hidden * 4 * 4  # the final norm, and the masks and angles that are made once
    assert inputs <= measured <= inputs + last


def test_flops_of_a_pass_are_those_of_the_multiplications() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = from_scratch(TABLE, 300, 0)
    model.set_attn_implementation("eager")  # plain multiplications, which the counter sees
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        model(input_ids=torch.zeros((1, TOKENS), dtype=torch.int64))
    # Here every token meets every other one: twice what causal attention needs.
    attention = 2 * SIZES.layers * SIZES.hidden * TOKENS**2
    assert counted.get_total_flops() - attention == pytest.approx(budget.flops_of_pass(SIZES, TOKENS), rel=0.02)


def test_logits_in_parts_have_the_values_and_gradients_of_the_whole() -> None:
    torch.manual_seed(0)
    head, hidden = torch.nn.Linear(8, 50, bias=False), torch.randn(2, 7, 8, requires_grad=True)
    chosen = torch.randint(0, 50, (2, 7))
    whole = (head(hidden) / 0.7).log_softmax(-1)
    wanted = whole.gather(-1, chosen[..., None]).squeeze(-1)
    (expected,) = torch.autograd.grad(wanted.sum(), hidden)
    for parts in (1, 3, 20):  # of twenty parts six have no token
        found, spread = chosen_log_probabilities(head, hidden, chosen, 0.7, entropy=True, parts=parts)
        assert torch.allclose(found, wanted, atol=1e-6)
        assert spread is not None and torch.allclose(spread, -(whole.exp() * whole).sum(-1), atol=1e-5)
        (made,) = torch.autograd.grad(found.sum(), hidden)
        assert torch.allclose(made, expected, atol=1e-6)


def test_the_published_recipe_fits_eight_a100_and_not_one_h200() -> None:
    recipe = load("qwen2.5-7b")
    for stage in budget.STAGES:
        budget.check(recipe, device("a100-80g:8"), stage)
        with pytest.raises(UserError, match=f"{stage} needs .* GiB on each GPU") as caught:
            budget.check(recipe, device("h200"), stage)
        assert "these GPUs" in caught.value.how and "lora" in caught.value.how
        budget.check(load("qwen2.5-7b-lora"), device("h200"), stage)
        budget.check(load("qwen2.5-7b-lora"), device("a100-80g"), stage)


def test_shards_are_a_part_of_the_whole_and_an_update_sees_the_same_batch() -> None:
    recipe = load("qwen2.5-7b")
    one, eight = (memory.parts(recipe, QWEN_7B, "rl", memory.Layout(count, count > 1)) for count in (1, 8))
    for name in ("weights", "gradients", "optimizer", "critic", "reference"):
        assert abs(one[name] - 8 * eight[name]) < 64
    for count in (1, 2, 8, 16, 64):
        batch, passes = memory.per_pass(recipe, count)
        assert batch * passes * count == 64
    with pytest.raises(UserError, match="64 examples an update cannot be shared by 7"):
        memory.per_pass(recipe, 7)


def test_the_recipe_has_the_published_values() -> None:
    recipe = load("qwen2.5-7b")
    sft, rl = recipe.sft, recipe.rl
    assert (sft.epochs, sft.learning_rate, sft.batch * sft.accumulate, sft.max_length) == (2, 2e-5, 64, 15_000)
    assert recipe.model.context == sft.max_length  # prompts and answers are made to fit it, so that nothing is cut off
    assert (rl.states * rl.rollouts_per_state, rl.actor_lr, rl.critic_lr, rl.kl) == (256, 1e-6, 1e-5, 0.001)
    assert rl.updates == 10_000 // 256
    lora = load("qwen2.5-7b-lora")
    assert (lora.sft.batch * lora.sft.accumulate, lora.sft.max_length, lora.rl.kl) == (64, 15_000, 0.001)


@pytest.mark.parametrize(("text", "said"), [("h20", "did you mean h200"), ("zx81", "choose one of"), ("h200:0", "h200:8")])
def test_a_device_that_is_not_known_is_named(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        device(text)
    assert said in caught.value.how


def test_a_table_adds_up() -> None:
    made = budget.budget(load("qwen2.5-7b-lora"), several(device("h200"), 2), "sft")
    lines = budget.table([made])
    assert any(line.startswith("needed") and f"{made.needed / GIB:.2f}" in line for line in lines)
    assert made.needed == sum(made.parts.values())
    assert made.updates == -(-made.examples // 64)
