"""A pretrained language model as the policy (recipe `qwen2.5-7b`): loading it, and how it reads a state and writes an answer.

Nothing heavy is imported before it is needed: the corpus needs the tokenizer alone.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlagent_app.agent.actions import EditScript, format_answer
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import UserError, first_line
from mlagent_app.agent.state import State
from mlagent_app.chat.conversation import LEAST_TOKENS
from mlagent_app.chat.grammar import catalogue_rules
from mlagent_app.chat.tokens import reply_room
from mlagent_app.policies.openai import catalogue_conversation
from training.episodes import Step
from training.recipe import Model

if TYPE_CHECKING:
    from peft import LoraConfig
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ADAPTER = "adapter_config.json"
_MARK = "MLAGENT-CONTENT"


def load_base(table: Model) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The base that training starts from, and its tokenizer, from a directory or the hub.

    A base that stays frozen below an adapter has the table's dtype. One that is trained whole has float32 weights and computes
    in the table's dtype (autocast): in bfloat16 an update of 1e-6 would be rounded away. Raises `UserError`.
    """
    return load_model(table.base, _dtype(table, trained=True)), load_tokenizer(table.base)


def load_policy(table: Model, place: str | Path, *, trained: bool) -> PreTrainedModel:
    """A causal language model of a run: the weights of `place`, or the base with the adapter of `place`.

    Raises `UserError`. The latter is a `peft.PeftModel`, which passes on all that it is asked for.
    """
    if not (Path(place) / ADAPTER).is_file():
        return load_model(str(place), _dtype(table, trained=trained))
    from peft import PeftModel

    base: Any = load_model(table.base, table.dtype)
    adapted: Any = PeftModel.from_pretrained(base, str(place), is_trainable=trained)
    return adapted


def untrained(table: Model, place: Path, seed: int) -> Path:
    """Where RL without SFT starts from: the base itself, or a fresh adapter, which changes nothing yet, written to `place`."""
    if table.adapter == "none":
        return Path(table.base)
    import torch
    from peft import get_peft_model

    torch.manual_seed(seed)
    base: Any = load_model(table.base, table.dtype)
    get_peft_model(base, lora_config(table)).save_pretrained(str(place))
    return place


def lora_config(table: Model) -> LoraConfig:
    """The adapter of SFT and RL: on all linear layers (Hu et al. 2022), scaled by 2."""
    from peft import LoraConfig

    return LoraConfig(r=table.lora_rank, lora_alpha=2 * table.lora_rank, target_modules="all-linear", task_type="CAUSAL_LM")


def load_model(name: str, dtype: str) -> PreTrainedModel:
    """A causal language model from a directory or the hub, on the device that it fits. Raises `UserError`."""
    import torch
    from transformers import AutoModelForCausalLM

    where = _source(name)
    # On several GPUs the layers are spread over them, unless several processes share the work.
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    spread = {"device_map": "balanced"} if alone and torch.cuda.device_count() > 1 else {}
    try:
        kind = getattr(torch, dtype)
        loaded: Any = AutoModelForCausalLM.from_pretrained(where, dtype=kind, output_loading_info=True, **spread)
    except Exception as error:  # hub, configuration and weights each have errors of their own
        raise _explained(name, error) from None
    model, told = loaded
    if told["missing_keys"]:
        raise UserError(f"the base model lacks weights: {sorted(told['missing_keys'])[0]}", where=name, how=_MEND)
    # Whoever splits the model places it, too: accelerate reads the weights in one process alone.
    if torch.cuda.is_available() and not spread and not os.environ.get("ACCELERATE_USE_FSDP"):
        model.to("cuda")
    return model


def load_tokenizer(name: str | Path) -> PreTrainedTokenizerBase:
    """The fast tokenizer of a base, with a token to pad with. Raises `UserError`."""
    import transformers

    kind: Any = transformers.AutoTokenizer
    try:
        found: Any = kind.from_pretrained(_source(str(name)))
    except Exception as error:
        raise _explained(str(name), error) from None
    if not getattr(found, "is_fast", False):
        raise UserError("the base has no fast tokenizer", where=str(name), how="name a base with a tokenizer.json")
    if found.eos_token_id is None:
        raise UserError("the tokenizer has no eos_token", where=str(name), how="set it in tokenizer_config.json")
    if found.pad_token_id is None:
        found.pad_token = found.eos_token
    return found


_MEND = "set model.base to a directory or hub id of a causal language model"


def _dtype(table: Model, *, trained: bool) -> str:
    return "float32" if trained and table.adapter == "none" else table.dtype


def _source(name: str) -> str:
    """What transformers is to load. A path that is not there would be looked up on the hub, with a message to match."""
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UserError("there is no such directory", where=name, how=_MEND)
    return name


def _explained(name: str, error: Exception) -> UserError:
    local = Path(name).expanduser().is_dir()
    how = _MEND if local else f"run `hf download {name}` where there is a network, or set model.base to a directory"
    return UserError(f"the base model cannot be loaded: {first_line(error)}", where=name, how=how)


def answer_of(step: Step) -> str:
    """The answer that is learned: the expert's own reply, or the step's edit in the grammar of a reply."""
    return step.reply or format_answer(EditScript(step.file, step.instruction))


@dataclass(frozen=True, slots=True)
class ChatWriter:
    """The form of prompts and completions of a pretrained base, for `training.corpus`.

    A prompt is the base's chat template over a system message (`chat.grammar.catalogue_rules`) and the state's text as the
    user's; a base without a template gets `<system>\\n\\n<state>\\n\\nAnswer:\\n`. `head` and `tail` are its tokens around the
    state, which itself can never spell a special token. A completion is an answer and `end`, the token that ends a turn.

    A state is told as the app tells it (`mlagent_app.chat.conversation`) to a model with the same context, so that what is
    learned is what will be asked.
    """

    chat: PreTrainedTokenizerBase
    context: int
    most: int
    head: tuple[int, ...]
    tail: tuple[int, ...]
    end: int

    @classmethod
    def of(cls, chat: PreTrainedTokenizerBase, context: int) -> ChatWriter:
        """With room for an answer in `context` tokens. Raises `UserError` when the rules alone take the rest."""
        before, after, end = _frame(chat, catalogue_rules())
        most = context - reply_room(context)
        least = len(before) + len(after) + LEAST_TOKENS
        if least > most:
            how = f"set it to {4 * least // 3 + 1} or more"
            raise UserError(f"the rules leave no room for a state in {context} tokens", where="model.context", how=how)
        return cls(chat, context, most, before, after, end)

    @classmethod
    def load(cls, place: Path, context: int) -> ChatWriter:
        """With the tokenizer that `save` kept. Raises `UserError`."""
        return cls.of(load_tokenizer(place), context)

    def save(self, place: Path) -> None:
        """Keep the tokenizer, so that what was written can be read without the base."""
        self.chat.save_pretrained(str(place))

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer below `chat`."""
        chat: Any = self.chat  # a fast one: no other is loaded
        return chat.backend_tokenizer

    def told(self, state: State, candidates: Sequence[Candidate], taken: Collection[str] = ()) -> str:
        """The user's message for a state; see `catalogue_conversation`. Raises `UserError`: the context is too small."""
        messages = catalogue_conversation(state, candidates, self.context, lambda text: len(_encode(self.chat, text)), taken)
        return messages[-1].content

    def prompt(self, text: str) -> list[int]:
        """The tokens of the prompt for a state's text, at most `most`: the middle of a longer one is left out."""
        room = self.most - len(self.head) - len(self.tail)
        ids = _encode(self.chat, text)
        if len(ids) > room:
            ids = [*ids[: room // 2], *ids[len(ids) - (room - room // 2) :]]
        return [*self.head, *ids, *self.tail]

    def completion(self, answer: str) -> list[int]:
        """The tokens of an answer in the grammar of a reply, and the end of the turn."""
        return [*_encode(self.chat, answer), self.end]

    def completions(self, answers: Sequence[str]) -> list[list[int]]:
        """`completion` of each."""
        return [self.completion(answer) for answer in answers]


def _encode(chat: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Tokens of a text that comes from outside: it cannot end the turn or begin another one."""
    ids: list[int] = chat.encode(text, add_special_tokens=False, split_special_tokens=True)
    return ids


def _frame(tokenizer: PreTrainedTokenizerBase, system: str) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """The tokens before and behind the state's text, and the one that ends an answer."""
    chat: Any = tokenizer
    if not chat.chat_template:
        before, after, closing = f"{system}\n\n", "\n\nAnswer:\n", ""
    else:
        asked = [{"role": "system", "content": system}, {"role": "user", "content": _MARK}]
        try:
            rendered = chat.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        except Exception:  # templates raise what they like; some know no system message
            asked = [{"role": "user", "content": f"{system}\n\n{_MARK}"}]
            rendered = chat.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        before, _, after = rendered.partition(_MARK)
        answered = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _MARK}]
        closing = chat.apply_chat_template(answered, tokenize=False).partition(_MARK)[2]
    ids: list[list[int]] = [chat.encode(text, add_special_tokens=False) for text in (before, after, closing)]
    special = {*chat.all_special_ids, *(number for number, token in chat.added_tokens_decoder.items() if token.special)}
    end = ids[2][0] if ids[2] and ids[2][0] in special else chat.eos_token_id
    return tuple(ids[0]), tuple(ids[1]), int(end)
