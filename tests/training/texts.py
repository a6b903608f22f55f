"""What the tests of a policy that writes text are made of: a tiny base with its tokenizer, its states, and executed steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast

from mlagent_app.agent.actions import EditScript, FinalAnswer, format_answer
from mlagent_app.agent.reward import Case
from mlagent_app.chat.grammar import catalogue_rules
from mlagent_app.chat.quoting import quoted
from mlagent_app.policies.writing import END, PAD
from training import big, corpus, tokens
from training.episodes import ReplyJob, Step
from training.model import from_scratch
from training.pool import Lost
from training.recipe import Model, Recipe, checked
from training.stage import Stage

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GOOD = format_answer(EditScript("train.py", "set C of SVC to 10"))
BAD = "Action: Dance\nAction Input: {}"
SIZES = {"hidden": 32, "layers": 2, "heads": 2, "kv_heads": 1, "intermediate": 64, "context": 2048}


def state_text(number: int) -> str:
    """A state as a request has it."""
    told = f"Task: improve accuracy of toy-{number}\nBaseline 0.5, now 0.6\n1. Edit Script: add a scaler -> ok, kept"
    files = quoted("train.py", "\n".join(f"line_{line} = {number}" for line in range(40)))
    return f"{quoted('the state', told)}\n\n{files}\n\nYour next action?"


def step(state: str, case: Case = "edit", scale: float | None = 0.01, *, instruction: str = "", reply: str = "") -> Step:
    """A made-up executed step."""
    return Step(
        state=state, next_state="", task="toy", variant="toy/0", index=0, instruction=instruction, file="train.py", family="",
        case=case, outcome="ok", before=0.6, value=0.7, scale=scale if case == "edit" else None, kept=True, seconds=0.1,
        cached=False, logp=None, candidates=2, reply=reply,
    )  # fmt: skip


@dataclass
class TinyPool:
    """A pool without workers: `answer` says what a job comes to. `asked` is what was executed."""

    answer: Callable[[ReplyJob], Step | Lost]
    asked: list[ReplyJob] = field(default_factory=list[ReplyJob])

    def imap(self, jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        for index, job in enumerate(jobs):
            self.asked.append(job)
            yield index, self.answer(job)

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def make_base(place: Path) -> Path:
    """A base model as a directory: a random Qwen2, and a byte-level tokenizer with a chat template."""
    trained = tokens.train([catalogue_rules(), state_text(0), GOOD] * 3, 1500)
    trained.add_special_tokens([AddedToken(text, special=True) for text in ("<|im_start|>", "<|im_end|>")])
    chat = PreTrainedTokenizerFast(tokenizer_object=trained, pad_token=PAD, eos_token=END)
    chat.chat_template = CHATML
    chat.save_pretrained(str(place))
    from_scratch(Model(**cast("dict[str, Any]", SIZES)), len(chat), 0).save_pretrained(str(place))
    return place


def recipe_for(base: Path | str, **rl: object) -> Recipe:
    table = {
        "actor": "text", "updates": 2, "states": 2, "rollouts_per_state": 2, "minibatch": 2, "epochs": 1, "actor_lr": 3e-3,
        "critic_lr": 3e-3, "kl": 0.01, "entropy": 0.0, "max_new_tokens": 12, "save_every": 1, **rl,
    }  # fmt: skip
    return checked({"name": "tiny", "model": {"base": str(base), **SIZES}, "rl": table}, "test")


def make_corpus(base: Path, place: Path) -> corpus.Corpus:
    """A corpus of three states: two answers in the first, one of them the expert's own words; an endless answer is left out."""
    writer = big.ChatWriter.of(big.load_tokenizer(base), SIZES["context"])
    writer.save(place / corpus.CHAT)
    facts = {"task": "toy", "variant": "toy/0", "depth": 0, "kind": "tabular"}
    rows = [{"state": f"s{n}", "base": f"files-{n}", "text": state_text(n), **facts} for n in range(3)]
    steps = [
        step("s0", instruction="set C of SVC to 10"),
        step("s0", "no_edit", reply=format_answer(FinalAnswer("done"))),
        step("s1", instruction="set C of SVC to 10"),
        step("s2", reply="x" * 9000),
    ]
    results = corpus.write_answers(place, rows, steps, writer, SIZES["context"] - writer.most)
    assert (results["steps"], results["too_long"]) == (3, 1)
    return corpus.read(place, SIZES["context"])


def stage_of(recipe: Recipe, run: Path) -> Stage:
    return Stage(run, "rl-0", recipe, ("model", "rl"))
