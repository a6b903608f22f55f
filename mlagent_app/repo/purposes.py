"""What a command is for, as far as its names and options say: to train, to evaluate only, or something else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlagent_app.repo.commandline import Invocation, bare, is_python, parts, unwrap
from mlagent_app.repo.scripts import SKIPPED

TRAINS = re.compile(r"(?:^|[\W_])(?:train\w*|fit|reproduce|learn)(?:$|[\W_])", re.IGNORECASE)
STARTS = re.compile(
    r"(?:^|[\W_])(?:run\w*|main|experiments?|pipeline|benchmark|baseline|solution|solve|cv|finetune|fine_tune)(?:$|[\W_])"
)
EVALUATES = re.compile(r"(?:^|[\W_])(?:eval\w*|scor(?:e|ing)|validate|test)(?:$|[\W_])", re.IGNORECASE)
_OTHER = re.compile(
    r"(?:^|[\W_])(?:predict\w*|infer\w*|serve\w*|server|demo|app|api|web|gui|dashboard|streamlit|gradio|deploy|export|convert|download\w*"
    r"|fetch|plot\w*|visuali[sz]e\w*|preprocess\w*|prepare\w*|make_dataset|clean|install|setup|lint|format|test_\w+|tests|docs?|build"
    r"|package|publish|release|docker\w*|notebook|label|annotate|sweep|tune|tuning|hpo|generate|sample|chat|scrape\w*)(?:$|[\W_])",
    re.IGNORECASE,
)
# Options that choose what a program does, and their words. `--eval-every 10`, `--test data.csv`, `--eval false` choose nothing.
_MODE = re.compile(r"-{0,2}(?:run[-_]?)?(?:mode|phase|stage|action|task)")
_LESS = r"eval(?:uate|uation)?|test(?:ing)?|valid(?:ate|ation)?|val|predict|infer(?:ence)?|demo"
_LESS_WORD = re.compile(_LESS)
_LESS_FLAG = re.compile(rf"--(?:(?:do|run)[-_])?(?:{_LESS})(?:[-_]mode)?|--(?:no|skip)[-_]train(?:ing)?")
_ONLY_FLAG = re.compile(rf"--(?:only[-_](?:{_LESS})|(?:{_LESS})[-_]only)")
_TRAIN_WORD = re.compile(r"train\w*|fit|learn")
_TRAIN_FLAG = re.compile(r"--(?:(?:do|run)[-_])?(?:train|fit)(?:ing)?")
_YES = frozenset({"true", "yes", "1"})
_WEIGHTS = (".pth", ".pt", ".ckpt", ".h5", ".safetensors", ".tar", ".pkl")


def purpose(command: str, started: Sequence[Invocation], around: str) -> tuple[float, str]:
    """What a command is for, as a score and in words. `started` are its programs, `around` says where it stands too."""
    chosen = [_chosen(program.arguments) for program in started]
    stems = " ".join([*(program.module or program.file.rpartition("/")[2] for program in started), _first_words(command)])
    skipped = any(set(program.file.lower().split("/")) & SKIPPED for program in started)
    starts = STARTS.search(stems.lower()) or TRAINS.search(around.partition(",")[2])
    rules = (
        (only_evaluates(started), -20.0, "but its options say that it only evaluates"),
        (TRAINS.search(stems) or "train" in chosen, 10.0, "it trains"),
        (skipped, -40.0, "but it is a test or an example"),
        (_OTHER.search(stems), -45.0, "but its name says that it does something else"),
        (EVALUATES.search(stems), -6.0, "it evaluates"),
        (starts, 6.0, "a main program"),
    )
    return next(((worth, said) for holds, worth, said in rules if holds), (0.0, ""))


def only_evaluates(started: Sequence[Invocation]) -> bool:
    """Whether the options of each of these programs tell it to test what was trained before."""
    return bool(started) and all(_chosen(program.arguments) == "less" for program in started)


def _chosen(arguments: Sequence[str]) -> str:
    """What options choose: `train`, `less` (to evaluate or predict only), or nothing. One that trains decides."""
    found: set[str] = set()
    for index, argument in enumerate(arguments):
        name, equals, value = argument.lower().partition("=")
        after = arguments[index + 1].lower() if index + 1 < len(arguments) else "-"
        value = value if equals else after
        on = value in _YES if equals else after.startswith("-") or after in _YES or after.endswith(_WEIGHTS)
        if _MODE.fullmatch(name) and (equals or name.startswith("-")):
            found |= {"train"} if _TRAIN_WORD.fullmatch(value) else {"less"} if _LESS_WORD.fullmatch(value) else set()
        elif on and _TRAIN_FLAG.fullmatch(name):
            found.add("train")
        elif _ONLY_FLAG.fullmatch(name) or (on and _LESS_FLAG.fullmatch(name)):
            found.add("less")
    return "train" if "train" in found else "less" if found else ""


def _first_words(command: str) -> str:
    """The words of a command that are no options or values."""
    names = [w for words in parts(command) for w in unwrap(bare(words))[0][:3] if not w.startswith("-") and not is_python(w)]
    return " ".join(names)
