"""The files of a real download, in folders or still in the zip files that the competition ships inside its own."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from tasks.errors import TaskError


@dataclass(frozen=True)
class Folder:
    """The files of one folder of the download by their bare names, whether it is unpacked or a zip file.

    `place` is the directory or the zip file; `members` maps a file's name to its path in there.
    """

    place: Path
    members: dict[str, str]

    @property
    def names(self) -> list[str]:
        """The names of the files, sorted."""
        return sorted(self.members)

    def where(self, name: str) -> str:
        """The file as an error message names it."""
        return str(self.place / self.members.get(name, name))

    def read(self, name: str) -> bytes:
        """The content of a file. Raises `TaskError` when it is missing or damaged."""
        if name not in self.members:
            raise TaskError("the file is missing", where=self.where(name), how="unpack the download completely")
        try:
            if self.place.is_dir():
                return (self.place / self.members[name]).read_bytes()
            return self._archive.read(self.members[name])
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as error:
            raise TaskError(f"the file cannot be read: {error}", where=self.where(name), how="download it again") from None

    @cached_property
    def _archive(self) -> zipfile.ZipFile:
        """Opened once: its list of files may be long."""
        return zipfile.ZipFile(self.place)


def open_folder(raw: Path, name: str) -> Folder:
    """The folder `name` of the download: `raw/name/`, `raw/name/name/` or `raw/name.zip`. Raises `TaskError`."""
    directory, archive = raw / name, raw / f"{name}.zip"
    if (directory / name).is_dir():
        directory = directory / name
    if directory.is_dir():
        return Folder(directory, {path.name: path.name for path in directory.iterdir() if not path.name.startswith(".")})
    if not archive.is_file():
        packed = next((path.name for path in sorted(raw.glob(f"{name}.*"))), "")
        how = f"unpack {packed} there" if packed else "point at the directory of the unpacked download"
        raise TaskError(f"there is neither a folder {name} nor {name}.zip", where=str(raw), how=how)
    try:
        with zipfile.ZipFile(archive) as opened:
            paths = [item.filename for item in opened.infolist() if not item.is_dir() and "__MACOSX" not in item.filename]
    except (OSError, zipfile.BadZipFile) as error:
        raise TaskError(f"the archive cannot be read: {error}", where=str(archive), how="download it again") from None
    return Folder(archive, {PurePosixPath(path).name: path for path in paths})


def find_table(raw: Path, name: str) -> Path:
    """The file `raw/name`, or `raw/name.zip`, which `read_table` reads as well. Raises `TaskError`."""
    for path in (raw / name, raw / f"{name}.zip"):
        if path.is_file():
            return path
    raise TaskError(f"{name} is missing", where=str(raw), how="point at the directory of the unpacked download")
