"""Write the tables in the documents that say the same as the code; with `--check`, only say whether they still do.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from mlagent_app.agent.reward import ALPHA, CONSTANT, Case, Version
from mlagent_app.cli.serve import DEFAULT_MODEL, planned
from mlagent_app.config.models import KEYS as SETTINGS
from mlagent_app.config.models import default
from mlagent_app.config.template import ABOUT, toml_value
from mlagent_app.policies.vllm import Serving
from mlagent_app.tui.keys import KEYS
from mlagent_app.verify.overview import markdown
from tasks.suite import suite

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    "README.md",
    "docs/reward.md",
    "docs/configuration.md",
    "docs/tasks.md",
    "docs/serving.md",
    "docs/training.md",
)
VERSIONS: tuple[Version, ...] = ("v1", "v2", "clipped", "kept")
CASES: tuple[tuple[Case, str], ...] = (
    ("invalid", "invalid action: it cannot be parsed, or cannot be done"),
    ("error", "the feedback is an error: non-zero exit, or no finite metric"),
    ("no_edit", "valid action that edits nothing"),
    ("corner", "corner case: out of memory, time-out, disk full"),
)
_TABLE = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.S)


def reward() -> str:
    rows = [f"| {words} | {' | '.join(f'{CONSTANT[version][case]:g}' for version in VERSIONS)} |" for case, words in CASES]
    ratio = "(m_t+1 - m_t) / (m_best - m_init)"
    held = [f"the same, held within {low} and 1" for low in (-1, 0)]
    rows.append(f"| edit that ran | sigmoid({ALPHA:g} · {ratio}) | {ratio} | {' | '.join(held)} |")
    rows.append(f"| the infrastructure failed |{' none |' * len(VERSIONS)}")
    return "\n".join([f"| case | {' | '.join(VERSIONS)} |", "|---" * (len(VERSIONS) + 1) + "|", *rows])


def settings() -> str:
    tables: list[str] = []
    for section in dict.fromkeys(key.partition(".")[0] for key in SETTINGS):
        rows = [
            f"| `{key.partition('.')[2]}` | {_default(key)} | {ABOUT[key].replace('|', '/')} |"
            for key in SETTINGS
            if key.startswith(f"{section}.")
        ]
        tables.append("\n".join([f"`[{section}]`", "", "| key | default | |", "|---|---|---|", *rows]))
    return "\n\n".join(tables)


def _default(key: str) -> str:
    if key == "limits.cpus":  # depends on the machine
        return "all, at most 4"
    value = default(key)
    return "" if value in (None, "", []) else f"`{toml_value(value)}`"


def keys() -> str:
    rows = [f"| `{key.display}` | {key.help} |" for key in KEYS]
    return "\n".join(["| key | |", "|---|---|", *rows])


def tasks() -> str:
    return markdown(suite().values())


def serve() -> str:
    """What `mlagent serve --dry-run` says of the full agent on a GPU of 24 GiB, where nothing was downloaded yet."""
    os.environ["HF_HUB_CACHE"] = os.devnull
    return "\n".join(
        ["```console", "$ mlagent serve --dry-run --gpu 24g", *planned(Serving(DEFAULT_MODEL, Path()), ("24g",)), "```"]
    )


def plan(recipe: str, gpus: str) -> str:
    """What `mlagent-train all --dry-run` says of memory and time, and its refusal if it refuses."""
    # PyTorch is heavy, and only these tables want it.
    from mlagent_app.agent.errors import UserError
    from training.plan import on_device, refuse
    from training.recipe import load

    chosen = load(recipe, [f'distributed.device="{gpus}"'])
    told = on_device(chosen, None)
    try:
        refuse(chosen, "all")
    except UserError as error:
        told.append(error.line())
    return "\n".join(["```text", f"$ mlagent-train all --recipe {recipe} --dry-run --device {gpus}", *told, "```"])


MAKERS: dict[str, Callable[[], str]] = {
    "reward": reward,
    "settings": settings,
    "keys": keys,
    "tasks": tasks,
    "serve": serve,
    "plan_lora_h200": lambda: plan("qwen2.5-7b-lora", "h200"),
    "plan_full_h200": lambda: plan("qwen2.5-7b", "h200"),
    "plan_full_a100": lambda: plan("qwen2.5-7b", "a100-80g:8"),
}


def renewed(text: str) -> str:
    """`text` with its tables made anew."""
    return _TABLE.sub(lambda found: f"{found[1]}{MAKERS[found['name']]()}\n{found[3]}", text)


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    stale = [name for name in DOCUMENTS if renewed((ROOT / name).read_text("utf-8")) != (ROOT / name).read_text("utf-8")]
    for name in stale:
        if check:
            print(f"{name} does not say what the code says - run: python scripts/doc_tables.py")
        else:
            (ROOT / name).write_text(renewed((ROOT / name).read_text("utf-8")), "utf-8")
            print(f"wrote {name}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
