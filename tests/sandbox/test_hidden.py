"""What a run must not read stays unreadable, wherever it lies."""

import os
import textwrap
import venv
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bwrap import BwrapRunner
from sandbox.docker import DockerRunner
from sandbox.docker_engine import Engine
from sandbox.hidden import without_hidden
from sandbox.hostruntime import Mount
from sandbox.local import LocalRunner
from sandbox.runner import Job, Limits, Link, Runner, RunResult, SandboxError

SECRET = "the label of row 17"
TRY = """
import importlib
for name in ("answers.labels", "single", "edited.labels", "linked.labels"):
    try:
        importlib.import_module(name)
        print(importlib.import_module(name).SECRET)
    except (ImportError, OSError, AttributeError):
        print(name, "is not there")
"""


class Place:
    """An environment with a package, a module, an editable install and a linked package, all of which know the secret."""

    def __init__(self, root: Path) -> None:
        self.root = root
        venv.create(root / "env", symlinks=True, with_pip=False)
        self.python = root / "env" / "bin" / "python"
        self.site = next((root / "env").glob("lib/python*/site-packages"))
        self.repository = root / "repository"
        for package in (self.site / "answers", self.repository / "src" / "edited", self.repository / "src" / "real_linked"):
            package.mkdir(parents=True)
            (package / "__init__.py").write_text("")
            (package / "labels.py").write_text(f"SECRET = {SECRET!r}\n")
        (self.site / "single.py").write_text(f"SECRET = {SECRET!r}\n")
        (self.site / "editable.pth").write_text(f"{self.repository / 'src'}\n")
        (self.site / "linked").symlink_to(self.repository / "src" / "real_linked")
        self.workspace = root / "workspace"
        self.workspace.mkdir()

    def run(self, runner: Runner, source: str, hidden: tuple[Path, ...], links: tuple[Link, ...] = ()) -> RunResult:
        (self.workspace / "job.py").write_text(textwrap.dedent(source))
        log = self.root / "log.txt"
        job = Job("python job.py", self.workspace, log, python=self.python, links=links, hidden=hidden)
        return runner.run(job, Limits(seconds=60))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


class HidingContract:
    """Subclasses give a `runner` fixture."""

    def test_without_hiding_everything_can_be_imported(self, runner: Runner, place: Place) -> None:
        result = place.run(runner, TRY, ())
        assert result.log_path.read_text().splitlines() == [SECRET] * 4

    def test_what_is_hidden_can_not_be_imported(self, runner: Runner, place: Place) -> None:
        hidden = (place.site / "answers", place.site / "single.py", place.repository / "src" / "edited", place.site / "linked")
        result = place.run(runner, TRY, hidden)
        assert result.outcome == "ok", result
        assert SECRET not in result.log_path.read_text()
        assert result.log_path.read_text().count("is not there") == 4

    def test_a_directory_above_all_of_it_hides_all_of_it(self, runner: Runner, place: Place) -> None:
        """Also one that holds the workspace, which the job goes on seeing."""
        place.workspace = place.repository / "runs" / "1"
        place.workspace.mkdir(parents=True)
        result = place.run(runner, TRY, (place.repository, place.root / "repository" / ".." / "repository"))
        assert result.outcome == "ok", result
        assert result.log_path.read_text().splitlines()[:2] == [SECRET, SECRET]
        assert result.log_path.read_text().count("is not there") == 2

    def test_the_secret_is_in_no_file_that_can_be_read(self, runner: Runner, place: Place) -> None:
        source = f"""
            import os
            for root in ("/workspace", {str(place.root)!r}):
                for directory, _, names in os.walk(root):
                    for name in names:
                        try:
                            with open(os.path.join(directory, name), "rb") as file:
                                found = {SECRET.encode()!r}[4:] in file.read()
                        except OSError:
                            continue
                        if found and name != "job.py":
                            print(os.path.join(directory, name))
        """
        (place.workspace / "data").mkdir()
        (place.workspace / "data" / "labels.csv").write_text(SECRET)
        (place.workspace / "labels.csv").write_text(SECRET)
        hidden = (
            *(place.site / "answers", place.site / "single.py", place.repository),
            *(place.workspace / "data", place.workspace / "labels.csv"),
        )
        assert len(place.run(runner, source, ()).log_path.read_text().splitlines()) >= 4
        result = place.run(runner, source, hidden)
        assert (result.outcome, result.log_path.read_text()) == ("ok", "")
        assert (place.workspace / "labels.csv").read_text() == SECRET

    def test_the_compiled_form_of_a_hidden_module_is_hidden_as_well(self, runner: Runner, place: Place) -> None:
        cache = place.site / "__pycache__"
        cache.mkdir()
        (cache / "single.cpython-311.pyc").write_text(SECRET)
        (cache / "other.cpython-311.pyc").write_text("other")
        source = f"""
            for name in ("single", "other"):
                try:
                    print(open({str(cache)!r} + "/" + name + ".cpython-311.pyc").read())
                except OSError:
                    print()
        """
        assert place.run(runner, source, (place.site / "single.py",)).log_path.read_text() == "\nother\n"

    def test_nothing_can_be_written_where_something_is_hidden(self, runner: Runner, place: Place) -> None:
        source = f"""
            for path in ({str(place.site / "answers" / "labels.py")!r}, {str(place.site / "single.py")!r}):
                try:
                    with open(path, "w") as file:
                        file.write("SECRET = 0")
                except OSError:
                    continue
                print("written", open(path).read())
        """
        result = place.run(runner, source, (place.site / "answers", place.site / "single.py"))
        assert result.log_path.read_text().replace("written \n", "") == ""
        assert SECRET in (place.site / "answers" / "labels.py").read_text()

    def test_what_is_not_there_needs_no_hiding(self, runner: Runner, place: Place) -> None:
        (place.root / "elsewhere").mkdir()
        result = place.run(runner, TRY, (place.root / "no" / "such", place.root / "elsewhere"))
        assert result.log_path.read_text().splitlines() == [SECRET] * 4

    def test_a_link_into_a_hidden_directory_is_seen_and_its_neighbours_are_not(self, runner: Runner, place: Place) -> None:
        task = place.repository / "task"
        (task / "public" / "inner").mkdir(parents=True)
        (task / "public" / "train.csv").write_text("public")
        (task / "public" / "inner" / "labels.csv").write_text(SECRET)
        (task / "labels.csv").write_text(SECRET)
        source = "import os; print(open('data/train.csv').read(), os.path.exists('data/inner/labels.csv'), os.listdir('data'))"
        hidden = (place.repository, task / "public" / "inner")
        result = place.run(runner, source, hidden, (Link(task / "public", "data"),))
        assert result.outcome == "ok", result.log_path.read_text()
        assert result.log_path.read_text().startswith("public False")


@pytest.mark.bwrap
class TestBwrap(HidingContract):
    @pytest.fixture
    def runner(self) -> Runner:
        try:
            return BwrapRunner.connect()
        except SandboxError as error:
            if os.environ.get("REQUIRE_BWRAP") == "1":
                raise
            pytest.skip(str(error))


@pytest.mark.docker
class TestDocker(HidingContract):
    @pytest.fixture(scope="class")
    def docker(self, docker_engine: Engine) -> Generator[DockerRunner]:
        assert docker_engine.info.name
        runner = DockerRunner.connect()
        yield runner
        runner.close()

    @pytest.fixture
    def runner(self, docker: DockerRunner) -> Runner:
        return docker


def test_local_says_that_it_can_not_hide(place: Place) -> None:
    result = place.run(LocalRunner(), "open('ran', 'w')", (place.site / "answers",))
    assert result.outcome == "infrastructure"
    assert "cannot hide" in result.message and "docker or bwrap" in result.message and "\n" not in result.message
    assert not (place.workspace / "ran").exists()
    assert place.run(LocalRunner(), "open('ran', 'w')", (place.site / "none",)).outcome == "ok"


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@given(files=st.sets(PATHS, min_size=1, max_size=6), mounted=st.lists(st.tuples(PATHS, PATHS), max_size=4), hidden=PATHS)
def test_no_mounted_file_below_a_hidden_path_is_left_without_a_mask(
    tmp_path_factory: pytest.TempPathFactory, files: set[str], mounted: list[tuple[str, str]], hidden: str
) -> None:
    """Every file that the mounts show at some place is, if hidden, shown by no mount that is left or lies behind a mask."""
    root = tmp_path_factory.mktemp("host").resolve()
    for name in files:
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / "file").write_text("")
    mounts = list({f"/{target}": Mount(str(root / source), f"/{target}") for source, target in mounted}.values())
    mounts = [mount for mount in mounts if Path(mount.source).exists()]
    left, masks = without_hidden(mounts, [root / hidden])
    for file in root.rglob("file"):
        is_hidden = file.is_relative_to(root / hidden)
        for mount in left:
            if not file.is_relative_to(mount.source):
                continue
            place = Path(mount.target) / file.relative_to(mount.source)
            over = [other.target for other in left if place.is_relative_to(other.target)]
            if max(over, key=len) != mount.target:
                continue
            assert any(place.is_relative_to(mask.target) for mask in masks) or not is_hidden
    if not (root / hidden).exists():
        assert (left, masks) == (mounts, [])
