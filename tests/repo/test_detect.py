"""Finding the command, the Python and the files that matter, on many small repositories."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.commandline import invocations, parts
from mlagent_app.repo.detect import Detection, agents_notes, detect
from mlagent_app.repo.documents import written_commands
from mlagent_app.repo.relevance import MAX_FILES, editable_files, matches, protected_files
from mlagent_app.repo.sources import Sources
from tests.repo.mini_projects import HYDRA, MINIS, MODEL, PLAIN, TRAIN, Mini, trained


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No active environment, and a home without conda, Poetry or pyenv."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYENV_ROOT"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


def write(root: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return sorted(files)


def look(root: Path, files: dict[str, str]) -> Detection:
    root.mkdir(exist_ok=True)
    return detect(root, write(root, files))


def environment(directory: Path, *, conda: bool = False, broken: bool = False) -> Path:
    (directory / "bin").mkdir(parents=True)
    if conda:
        (directory / "conda-meta").mkdir()
    else:
        (directory / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (directory / "bin" / "python").symlink_to("/nonexistent/python" if broken else sys.executable)
    return directory / "bin" / "python"


@pytest.mark.parametrize("mini", MINIS, ids=lambda mini: mini.id)
def test_the_command_a_reader_would_run_is_first(mini: Mini, tmp_path: Path) -> None:
    found = look(tmp_path / "p", mini.files).commands[0]
    assert found.command == mini.command
    assert mini.source in found.source and found.why


@pytest.mark.parametrize("mini", MINIS, ids=lambda mini: mini.id)
def test_edits_may_touch_what_the_command_uses(mini: Mini, tmp_path: Path) -> None:
    files = write(tmp_path, mini.files)
    editable = editable_files(tmp_path, files, mini.command)
    assert set(mini.edits) <= set(editable)
    assert not set(mini.not_edits) & set(editable)


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "# Nothing\n"},
        {"lib.py": "def f():\n    return 1\n"},
        {"tests/test_x.py": "import x\nx.fit()\n", "setup.py": "from setuptools import setup\nsetup()\n"},
        {"README.md": "```\npip install x\npython -m pytest\npython -m http.server\npython missing.py\n```\n"},
        {"Makefile": "train:\n\tpython gone.py\n"},
    ],
    ids=["no code", "library", "tests only", "readme of other things", "makefile of a missing script"],
)
def test_nothing_is_made_up(files: dict[str, str], tmp_path: Path) -> None:
    assert look(tmp_path / "p", files).commands == ()


def test_the_other_candidates_are_told_as_well(tmp_path: Path) -> None:
    files = {"train.py": TRAIN, "experiment.py": PLAIN, "README.md": "```\npython experiment.py\n```\n"}
    commands = [found.command for found in look(tmp_path / "p", files).commands]
    assert commands[:2] == ["python train.py", "python experiment.py"] or commands[:2] == [
        "python experiment.py",
        "python train.py",
    ]
    assert len(commands) == len(set(commands)) == 2


def test_a_missing_argument_is_named(tmp_path: Path) -> None:
    text = trained("import argparse", "    p = argparse.ArgumentParser()\n    p.add_argument('data')\n    p.parse_args()\n")
    found = look(tmp_path / "p", {"train.py": text}).commands[0]
    assert "data" in found.why and "wants" in found.why


def test_the_project_s_own_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    active = environment(tmp_path / "active")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    root = tmp_path / "p"
    assert look(root, {"train.py": TRAIN}).python.path == active
    own = environment(root / "venv")
    found = look(root, {"train.py": TRAIN}).python
    assert found.path == own and "venv in the project" in found.source


def test_the_environment_of_the_repository_around_is_found(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    python = environment(tmp_path / ".venv")
    found = look(tmp_path / "sub", {"train.py": TRAIN}).python
    assert found.path == python and "repository" in found.source


def test_conda_environments_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "p"
    named = environment(tmp_path / "home" / "miniconda3" / "envs" / "ml", conda=True)
    files = {"train.py": TRAIN, "environment.yml": "name: ml\ndependencies:\n  - python\n"}
    assert look(root, files).python.path == named
    inside = environment(root / "env", conda=True)
    assert look(root, files).python.path == inside
    (tmp_path / "q").mkdir()
    base = environment(tmp_path / "base", conda=True)
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path / "base"))
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "base")
    assert look(tmp_path / "q", {"train.py": TRAIN}).python.path != base
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "mine")
    assert look(tmp_path / "q", {"train.py": TRAIN}).python.path == base


def test_poetry_and_pyenv_environments_are_found(tmp_path: Path) -> None:
    poetry = environment(tmp_path / "home" / ".cache" / "pypoetry" / "virtualenvs" / "my-lib-Ab3_x-py3.11")
    files = {"train.py": TRAIN, "pyproject.toml": '[tool.poetry]\nversion = "1"\nname = "my_lib"\n'}
    assert look(tmp_path / "p", files).python.path == poetry
    pyenv = environment(tmp_path / "home" / ".pyenv" / "versions" / "proj-env")
    assert look(tmp_path / "q", {"train.py": TRAIN, ".python-version": "proj-env\n"}).python.path == pyenv


def test_a_broken_environment_is_passed_over_with_a_notice(tmp_path: Path) -> None:
    environment(tmp_path / "p" / ".venv", broken=True)
    found = look(tmp_path / "p", {"train.py": TRAIN})
    assert found.python.path == Path(sys.executable) and "app's own" in found.python.source
    assert len(found.notices) == 1 and ".venv" in found.notices[0]


def test_a_named_python_is_taken_or_refused(tmp_path: Path) -> None:
    files = write(tmp_path, {"train.py": TRAIN})
    python = environment(tmp_path / "special")
    for named in ("special", "special/bin/python", str(python), f"{tmp_path}/special/"):
        assert detect(tmp_path, files, python=named).python.path == python
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no program")
    for named in ("gone/bin/python", "empty", "text", "no-such-python-anywhere"):
        with pytest.raises(UserError) as error:
            detect(tmp_path, files, python=named)
        assert named.rpartition("/")[2] in error.value.line() and "sandbox" in error.value.line()


def test_an_interpreter_without_the_plain_name_is_called_by_its_own(tmp_path: Path) -> None:
    odd = tmp_path / "bin" / "python3"
    odd.parent.mkdir()
    odd.symlink_to(sys.executable)
    files = write(tmp_path, {"train.py": TRAIN})
    assert detect(tmp_path, files, python=str(odd)).commands[0].command == "python3 train.py"


def test_nothing_of_the_project_runs(tmp_path: Path) -> None:
    trap = "open('touched', 'w').write('x')\n"
    look(tmp_path / "p", {"train.py": trap + PLAIN, "sitecustomize.py": trap, "setup.py": trap, "conftest.py": trap})
    assert not (tmp_path / "p" / "touched").exists() and not os.path.exists("touched")


def test_agents_notes_are_kept_and_bounded() -> None:
    assert agents_notes("# Rules\r\n\r\n<!-- hidden -->Keep type hints.\r\n") == "# Rules\nKeep type hints."
    long = agents_notes("word " * 50 + "\n" + "next line of rules\n" * 1000)
    assert len(long) < 4200 and long.endswith("[cut]")


def test_protected_files_are_evaluation_code_labels_and_data() -> None:
    files = ["train.py", "evaluate.py", "src/metrics.py", "data/train.csv", "data/labels.json", "results.csv", "model.pkl",
             "processed/train.csv", "test.csv", "score.py", "secret/answers.txt", "configs/a.yaml", "f1_score.py"]  # fmt: skip
    found = protected_files(files, "python train.py", ["configs/*"])
    code = {"evaluate.py", "src/metrics.py", "score.py", "f1_score.py"}
    assert set(found) == code | {"data/train.csv", "data/labels.json", "test.csv", "secret/answers.txt", "configs/a.yaml"}
    assert "score.py" not in protected_files(files, "python score.py")
    assert "src/metrics.py" not in protected_files(files, "python -m src.metrics")
    assert "evaluate.py" in protected_files(files, "python train.py && python evaluate.py")


def test_globs_choose_the_editable_files(tmp_path: Path) -> None:
    files = write(
        tmp_path, {"train.py": TRAIN, "lib/a.py": MODEL, "lib/deep/b.py": MODEL, "conf/x.yaml": "a: 1\n", "n.ipynb": "{}"}
    )
    assert editable_files(tmp_path, files, "python train.py", ["lib", "*.yaml", "*.ipynb"]) == [
        "conf/x.yaml",
        "lib/a.py",
        "lib/deep/b.py",
    ]
    assert matches("lib/deep/b.py", ["lib/**"]) and matches("a/b.py", ["**/b.py"]) and not matches("lib/a.py", ["src", ""])


def test_what_a_run_writes_is_not_editable(tmp_path: Path) -> None:
    text = "import json\njson.dump({}, open('metrics.json', 'w'))\njson.dump({}, open('out.json', 'w'))\n"
    text += "json.load(open('params.json'))\n"
    files = write(tmp_path, {"train.py": text + PLAIN, "metrics.json": "{}", "out.json": "{}", "params.json": '{"lr": 1}'})
    assert set(editable_files(tmp_path, files, "python train.py", outputs=["out.json"])) == {"train.py", "params.json"}


def test_the_editable_files_are_bounded(tmp_path: Path) -> None:
    many = {f"m{i}.py": f"import m{i + 1}\n" for i in range(MAX_FILES + 50)}
    files = write(tmp_path, {**many, "big.json": "[" + "1," * 200_000 + "1]"})
    found = editable_files(tmp_path, files, "python m0.py --data big.json")
    assert len(found) == MAX_FILES and "big.json" not in found


def test_without_a_script_all_python_outside_of_tests_is_editable(tmp_path: Path) -> None:
    files = write(tmp_path, {"a.py": MODEL, "lib/b.py": MODEL, "tests/test_a.py": MODEL, "setup.py": MODEL, "empty.py": ""})
    assert editable_files(tmp_path, files, "some-program --now") == ["a.py", "lib/b.py"]


def test_a_large_repository_is_looked_at_quickly(tmp_path: Path) -> None:
    files = [
        *write(tmp_path, {"train.py": HYDRA, "conf/config.yaml": "a: 1\n"}),
        *(f"data/images/{i}.png" for i in range(20_000)),
    ]
    found = detect(tmp_path, files)
    assert found.commands[0].command == "python train.py"
    assert editable_files(tmp_path, files, "python train.py") == ["train.py", "conf/config.yaml"]


def test_a_command_is_followed_to_its_programs(tmp_path: Path) -> None:
    makefile = "all: go\ngo:\n\tcd src && python -u a.py -x 1\nloop:\n\tmake loop\n"
    texts = {"Makefile": makefile, "src/a.py": PLAIN, "pkg/__main__.py": PLAIN, "b.py": PLAIN, "go.sh": "FOO=1 python b.py\n"}
    sources = Sources(tmp_path, write(tmp_path, texts))
    cases = {
        "make go": "src/a.py",
        "bash go.sh": "b.py",
        "X=1 ./go.sh": "b.py",
        "python -m pkg": "pkg/__main__.py",
        "python pkg": "pkg/__main__.py",
        "torchrun --nproc_per_node 2 b.py": "b.py",
        "python -c 'import b; b.f()'": "b.py",
        "python3.11 -W ignore ./b.py": "b.py",
    }
    for command, file in cases.items():
        assert [program.file for program in invocations(command, sources)] == [file], command
    assert invocations("make go", sources)[0].arguments == ("-x", "1")
    assert invocations("make loop", sources) == []


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("python train.py --lr 0.1 | tee log.txt", "python train.py --lr 0.1"),
        ("python train.py 2>&1 | tee -a logs/run.txt", "python train.py"),
        ("python train.py > train.log 2>&1 &", "python train.py"),
        ("poetry run python train.py >> $OUT/train.log", "poetry run python train.py"),
        ("python train.py &> out", "python train.py"),
        ("python prepare.py && python train.py >out 2>err", "python prepare.py && python train.py"),
        ("python train.py --out '>x'", "python train.py --out '>x'"),
    ],
)
def test_a_documents_command_prints_what_it_writes_to_a_file_there(written: str, run: str) -> None:
    assert [item.command for item in written_commands(f"```bash\n$ {written}\n```\n")] == [run]


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_without_an_error(text: str) -> None:
    sources = Sources(Path("/nonexistent"), ["train.py"])
    for written in written_commands(text):
        invocations(written.command, sources)
    parts(text)
    invocations(text, sources)


@given(
    st.lists(
        st.sampled_from(
            [
                "```",
                "```bash",
                "$ python a.py",
                "cd x",
                "`python a.py`",
                "Run: python a.py",
                "\\",
                "make",
                ":: ",
                "    python b.py",
            ]
        )
    )
)
@settings(max_examples=200, deadline=None)
def test_commands_in_documents_have_a_line_of_the_document(lines: list[str]) -> None:
    for written in written_commands("\n".join(lines)):
        assert 1 <= written.line <= len(lines)
        assert "python" in written.command or "make" in written.command
