"""A state as a conversation for a policy that writes, cut by rule to what the model's context holds.

The rule, for a budget of tokens that the system prompt has been taken from:

1. The task and the last step are always there, each cut in its middle to a quarter of the budget at most.
2. The steps before the last one follow in full, newest first, at most three of them and as long as all steps together take no
   more than 45 % of the budget. Older ones are one line each; where even these are too many, the oldest become a count.
3. The files get what is left: those of the command first, then those worked on last. One that does not fit into half of what
   is left then is cut in its middle to that half; the last one may have all. Where fewer than 120 tokens are left for a file,
   it is only named.
4. Of the catalogue's edits, where they are told, as many as fit into 15 % of the budget.

Everything that comes from the project, its runs, its people and earlier replies stands between marked lines, as data. The same
state and the same counter of tokens give the same conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlagent_app.agent.actions import Reasoning, parse
from mlagent_app.agent.chat import Message
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.state import State, Turn
from mlagent_app.chat.offering import listed
from mlagent_app.chat.quoting import cut, encodable, quoted
from mlagent_app.chat.tokens import reply_room

Count = Callable[[str], int]
# What the chat template adds to a message, rather too many.
MESSAGE_TOKENS = 16
# Below this much room beside the rules there is no use in asking.
LEAST_TOKENS = 400
TASK_SHARE, LAST_SHARE, STEPS_SHARE, EDITS_SHARE = 0.25, 0.25, 0.45, 0.15
FULL_STEPS = 3
LEAST_FILE = 120
LINE_CHARS = 200
NEXT = "Your next action?"


def conversation(
    state: State, system: str, context_tokens: int, count: Count, edits: Sequence[Candidate] = ()
) -> list[Message]:
    """The messages that ask for the next action; with the reply's room they take at most `context_tokens`.

    `edits` are those of the catalogue that are told. `count` gives the tokens of a text. Raises `UserError` (exit 4) when the
    context is too small for the rules and the task.
    """
    most = context_tokens - reply_room(context_tokens) - count(system) - 2 * MESSAGE_TOKENS
    room = most
    while room >= LEAST_TOKENS:
        content = _content(state, room, count, edits)
        surplus = count(content) - most
        if surplus <= 0:
            return [Message("system", system), Message("user", content)]
        room -= surplus + 8
    raise UserError(
        f"a context of {context_tokens} tokens is too small for the rules, the task and the last step",
        where="policy.context_tokens",
        how="use a model with a longer context, or start the server with one",
        code=Exit.NO_POLICY,
    )


def _content(state: State, room: int, count: Count, edits: Sequence[Candidate]) -> str:
    """The user's message in about `room` tokens: the whole is counted by the caller."""
    lists = listed(edits, int(EDITS_SHARE * room), count)
    room -= sum(map(count, lists))
    parts = [_fitted("the task", _task(state), int(TASK_SHARE * room), count), *_history(state.history, room, count)]
    left = room - sum(count(part) for part in parts) - count(NEXT) - 8
    return "\n\n".join([parts[0], *_files(state, left, count), *parts[1:], *lists, NEXT])


def _fitted(title: str, text: str, room: int, count: Count) -> str:
    """`text` as data in at most `room` tokens, the marks included where there is room for them; cut in its middle."""
    text = encodable(text)
    whole = quoted(title, text)
    if count(whole) <= room:
        return whole
    low, high = 0, len(text)
    while low < high:  # the most characters that fit
        middle = (low + high + 1) // 2
        if count(quoted(title, cut(text, middle))) <= room:
            low = middle
        else:
            high = middle - 1
    return quoted(title, cut(text, low))


def _task(state: State) -> str:
    """The task, without its reference: in training that was measured, and on a user's project nobody knows it."""
    task = state.task
    aim = "higher" if task.metric.direction == "max" else "lower"
    noise = "" if task.noise is None else f" (noise of one run: {task.noise:.3g})"
    lines = [
        f"Improve {task.metric.name} ({aim} is better) of {task.name}.",
        f"Command: {task.command}",
        f"Baseline {task.m_init:.6g}{noise}, now {state.value:.6g}.",
    ]
    if state.steps_left is not None:
        lines.append(f"Steps left: {state.steps_left}.")
    if task.notes:
        lines += ["Notes of the project:", task.notes]
    return "\n".join(lines)


# The files


def _files(state: State, room: int, count: Count) -> list[str]:
    """Files as data within `room` tokens; those of the command first, then those that were worked on last, then by name."""
    worked = [turn.file for turn in reversed(state.history)]
    order = sorted(
        state.files,
        key=lambda path: (path not in state.task.command, worked.index(path) if path in worked else len(worked), path),
    )
    parts: list[str] = []
    hidden: list[str] = []
    room -= LEAST_FILE if len(order) > 1 else 0  # for the names of those that are not shown
    for path in order:
        share = room if path == order[-1] else room // 2
        part = _fitted(path, state.files[path], share, count) if share >= LEAST_FILE else ""
        if part and count(part) <= share:
            parts.append(part)
            room -= count(part)
        else:
            hidden.append(path)
    if hidden:
        names = _fitted("the names of files that are not shown", "\n".join(hidden), LEAST_FILE, count)
        parts += [names] if count(names) <= LEAST_FILE else []
    return parts


# The steps


def _history(history: Sequence[Turn], room: int, count: Count) -> list[str]:
    """The steps as data, oldest first; see the rule above."""
    if not history:
        return []
    full = [_fitted(f"the last step ({history[-1].index})", whole_step(history[-1]), int(LAST_SHARE * room), count)]
    left = int(STEPS_SHARE * room) - count(full[0])
    older = list(history[:-1])
    while older and len(full) <= FULL_STEPS:
        step = _fitted(f"step {older[-1].index}", whole_step(older[-1]), room, count)
        # Half of what is left stays for the lines of those before it.
        if count(step) > left // (2 if len(older) > 1 else 1):
            break
        full.insert(0, step)
        left -= count(step)
        older.pop()
    return [*_lines(older, left, count), *full]


def _lines(turns: Sequence[Turn], room: int, count: Count) -> list[str]:
    """One line a step in at most `room` tokens; the oldest are only counted where there are too many."""
    lines = [encodable(step_line(turn)) for turn in turns]
    for first in range(len(lines) + 1):
        dropped = [f"({first} earlier steps are not shown)"] if first else []
        text = quoted("earlier steps", "\n".join([*dropped, *lines[first:]]))
        if lines and count(text) <= room:
            return [text]
    return []


def step_line(turn: Turn) -> str:
    """A step in one line: what was done, and what came of it."""
    done = " ".join(part for part in (turn.action, f"[{turn.file}]" if turn.file else "", turn.instruction) if part)
    value = "" if turn.value is None else f", metric {turn.value:.6g}"
    gain = "" if turn.delta is None else f" ({turn.delta:+.4g})"
    why = f" ({turn.reason or turn.feedback})" if turn.reason or turn.outcome not in ("ok", "skipped") else ""
    said = f"{turn.index}. {done} -> {turn.outcome}{value}{gain}, {'kept' if turn.kept else 'not kept'}{why}"
    flat = " ".join(said.split())
    return flat if len(flat) <= LINE_CHARS else f"{flat[: LINE_CHARS - 3]}..."


def whole_step(turn: Turn) -> str:
    """A step with the thought behind it, what was seen or edited, and what a person said on refusing it."""
    thought, action = _thought(turn.reply)
    parts = [thought, action, f"Result: {step_line(turn)}"]
    if turn.reason:
        parts.append(f"A person refused it: {turn.reason}")
    if turn.feedback:
        parts.append(f"Observation: {turn.feedback}")
    if turn.diff and not turn.reply:
        parts.append(f"Diff:\n{turn.diff}")
    return "\n".join(part for part in parts if part)


def _thought(reply: str) -> tuple[str, str]:
    """Of a reply: the plan and the thought, and the action as written; all of it where it is no such reply."""
    reasoning, _ = parse(reply)
    if reasoning == Reasoning():
        return "", cut(reply, 2000)
    told = [f"{head}: {text}" for head, text in (("Plan", reasoning.plan), ("Thought", reasoning.thought)) if text]
    _, mark, action = reply.partition("\nAction:")
    return "\n".join(told), f"Action:{action}" if mark else ""
