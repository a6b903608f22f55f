"""What a project needs installed, and where pip gets it from on this machine."""

import sys
from pathlib import Path

import pytest

from sandbox.images_dockerfile import PIP_SECRET, with_secrets
from sandbox.requirements import collect_requirements, pip_settings, python_version
from sandbox.runner import SandboxError

SECRETS = {PIP_SECRET: "/run/secrets/pip"}
MOUNT = f"--mount=type=secret,id={PIP_SECRET},target=/run/secrets/pip,mode=0444"
ARG = "ARG PIP_CONFIG_FILE=/run/secrets/pip"


def test_included_files_are_followed_and_paths_of_this_machine_left_out(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "\ufeff# comment\nnumpy>=1.26  # fast\n-r sub/more.txt\n-c limits.txt\n-e .\n./local\nthing @ file:///x\n"
        "torch==2.4 \\\n  --hash=sha256:abc\n--extra-index-url https://index.invalid/simple\n"
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more.txt").write_text("pandas\n-r ../requirements.txt\n")
    (tmp_path / "limits.txt").write_text("scipy<2\n")
    found = collect_requirements(None, tmp_path, None)
    assert found.lines == (
        "numpy>=1.26",
        "pandas",
        "torch==2.4    --hash=sha256:abc",
        "--extra-index-url https://index.invalid/simple",
    )
    assert found.constraints == ("scipy<2",)
    assert found.left_out == ("-e .", "./local", "thing @ file:///x")


def test_pyproject_is_read_when_there_is_no_requirements_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["numpy", "pandas>=2"]\n')
    assert collect_requirements(None, tmp_path, None).lines == ("numpy", "pandas>=2")


def test_else_it_is_what_is_installed(tmp_path: Path) -> None:
    found = collect_requirements(None, tmp_path, Path(sys.executable))
    names = {line.partition("==")[0].lower() for line in found.lines}
    assert {"pytest", "docker"} <= names
    assert not any("+" in line for line in found.lines)
    assert python_version(Path(sys.executable)) == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_unusable_requirements_are_said(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no requirements"):
        collect_requirements(None, tmp_path, None)
    with pytest.raises(SandboxError, match="names no requirements"):
        collect_requirements(tmp_path / "none.txt", None, None)
    (tmp_path / "requirements.txt").write_text("-r missing.txt\n")
    with pytest.raises(SandboxError, match=r"missing\.txt"):
        collect_requirements(None, tmp_path, None)
    (tmp_path / "pyproject.toml").write_text("not [toml")
    with pytest.raises(SandboxError, match="pyproject"):
        collect_requirements(tmp_path / "pyproject.toml", None, None)


def test_pip_settings_come_from_files_and_variables_the_later_the_stronger(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "mirror" / "simple").mkdir(parents=True)
    (tmp_path / "ca.pem").write_text("certificate")
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(
        f"[global]\nindex_url = https://a.invalid\nextra-index-url =\n  file://{tmp_path}/mirror/simple\n  https://b.invalid\n"
        "cache-dir = /somewhere\n[install]\nretries = 9\n"
    )
    environment = {
        "PIP_INDEX_URL": "https://c.invalid",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "HTTPS_PROXY": "http://proxy.invalid:3128",
        "HOME": "/nowhere",
    }
    found = pip_settings(environment, tmp_path)
    assert found.options["index-url"] == "https://c.invalid"
    assert found.options["retries"] == "9"
    assert found.options["proxy"] == "http://proxy.invalid:3128"
    assert "cache-dir" not in found.options
    assert {tmp_path / "mirror", tmp_path / "wheels"} <= set(found.directories)
    written = found.configuration("/run/ca.pem")
    (tmp_path / "written.conf").write_text(written)
    again = pip_settings({"PIP_CONFIG_FILE": str(tmp_path / "written.conf")}, tmp_path / "none")
    assert again.options["extra-index-url"].split() == [f"file://{tmp_path}/mirror/simple", "https://b.invalid"]
    # A machine's own /etc/pip.conf may name certificates and win over the variable.
    assert found.certificates is not None and "cert = /run/ca.pem" in written


def test_pip_files_are_ignored_when_pip_is_told_so(tmp_path: Path) -> None:
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip" / "pip.conf").write_text("[global]\nindex-url = https://a.invalid\n")
    assert pip_settings({"PIP_CONFIG_FILE": "/dev/null"}, tmp_path).options == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\nRUN pip install x\n", f"FROM a\n{ARG}\nRUN {MOUNT} pip install x\n"),
        ("FROM a\nrun x && \\\n  RUN y\n", f"FROM a\n{ARG}\nrun {MOUNT} x && \\\n  RUN y\n"),
        ("FROM a\nRUN x \\\n# RUN no\n RUN y\n", f"FROM a\n{ARG}\nRUN {MOUNT} x \\\n# RUN no\n RUN y\n"),
        ("FROM a\nRUN <<EOF\nRUN not an instruction\nEOF\nRUN z\n", None),
        ('FROM a AS b\nRUN ["x"]\nFROM b\n', f'FROM a AS b\n{ARG}\nRUN {MOUNT} ["x"]\nFROM b\n{ARG}\n'),
        ("# escape=`\nFROM a\nRUN x `\n RUN y\n", f"# escape=`\nFROM a\n{ARG}\nRUN {MOUNT} x `\n RUN y\n"),
        ("FROM a\n# RUN no\nCMD RUN\n", f"FROM a\n{ARG}\n# RUN no\nCMD RUN\n"),
    ],
)
def test_every_run_instruction_and_nothing_else_sees_the_secrets(before: str, after: str | None) -> None:
    expected = after or f"FROM a\n{ARG}\nRUN {MOUNT} <<EOF\nRUN not an instruction\nEOF\nRUN {MOUNT} z\n"
    assert with_secrets(before, SECRETS) == expected
