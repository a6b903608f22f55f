"""Transparent conductors: mixtures of aluminium, gallium and indium oxides, their cells and the atoms in them."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.archives import find_table
from tasks.errors import TaskError
from tasks.source import Index, Published
from tasks.tables import read_table, write_sample

Floats = npt.NDArray[np.float64]

TARGETS = ("formation_energy_ev_natom", "bandgap_energy_ev")
SHARES = ("percent_atom_al", "percent_atom_ga", "percent_atom_in")
COLUMNS = (
    "id",
    "spacegroup",
    "number_of_total_atoms",
    *SHARES,
    "lattice_vector_1_ang",
    "lattice_vector_2_ang",
    "lattice_vector_3_ang",
    "lattice_angle_alpha_degree",
    "lattice_angle_beta_degree",
    "lattice_angle_gamma_degree",
    *TARGETS,
)
METALS = ("Al", "Ga", "In")
SPACEGROUPS = np.array([12, 33, 167, 194, 206, 227])
# Metal and oxygen atoms of the smallest cells that are drawn.
CELLS = ((4, 6), (8, 12), (12, 18))
RADIUS = np.array([0.535, 0.62, 0.80])
HEAD = (
    "#=======================================================\n#Created using the Atomic Simulation Environment (ASE)\n#====\n"
)


@dataclass(frozen=True)
class Crystals:
    """One row a crystal with the columns of train.csv, and the text of its geometry.xyz."""

    frame: pd.DataFrame
    geometries: list[str]

    @property
    def strata(self) -> npt.NDArray[np.generic]:
        return self.frame["spacegroup"].to_numpy()

    def __len__(self) -> int:
        return len(self.frame)


def mini(size: int, noise: float, rng: np.random.Generator) -> Crystals:
    """Crystals whose energies hang on the mixture, bent by the space group, on strain, and on how the metals are arranged."""
    groups = len(SPACEGROUPS)
    group = rng.choice(groups, size, p=rng.dirichlet(np.full(groups, 6.0)))
    kind = rng.choice(len(CELLS), size, p=[0.35, 0.45, 0.2])
    metals, oxygens = np.array(CELLS)[kind].T
    counts = _mixture(metals, rng)
    share = counts / metals[:, None]

    # The volume follows the mixture (Vegard's law) but for a strain that is an energy of its own.
    strain = rng.normal(0, 0.035, size)
    volume = (metals + oxygens) * (rng.uniform(9.0, 11.0, groups)[group]) * (1 + 1.6 * (share @ RADIUS - 0.6) + strain)
    aspect = np.exp(rng.normal(0, 0.12, (groups, 3))[group] + rng.normal(0, 0.015, (size, 3)))
    angles = 90.0 + rng.choice([0.0, 0.0, 13.0, 30.0], (groups, 3))[group] + rng.normal(0, 0.05, (size, 3))
    basis = _basis(aspect, angles)
    basis *= np.cbrt(volume / np.abs(np.linalg.det(basis)))[:, None, None]
    disorder = rng.uniform(0.01, 0.12, size)
    geometries, contact = _geometries(basis, counts, kind, disorder, rng)

    formation, gap = _energies(share, group, strain, disorder, contact, rng)
    formation = formation + rng.normal(0, 0.022 * noise, size)
    gap = gap + rng.normal(0, 0.13 * noise, size)
    frame = pd.DataFrame({"id": np.arange(1, size + 1), "spacegroup": SPACEGROUPS[group]})
    frame["number_of_total_atoms"] = metals + oxygens
    frame[list(SHARES)] = share.round(4)
    frame[list(COLUMNS[6:9])] = np.linalg.norm(basis, axis=2).round(4)
    frame[list(COLUMNS[9:12])] = angles.round(4)
    frame[TARGETS[0]] = np.clip(formation, 0.0, None).round(4)
    frame[TARGETS[1]] = np.clip(gap, 0.0001, None).round(4)
    return Crystals(frame[list(COLUMNS)], geometries)


def _mixture(metals: Floats, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Whole numbers of aluminium, gallium and indium atoms. Shape (crystals, 3)."""
    share = rng.dirichlet([0.8, 0.8, 0.8], len(metals))
    first = np.rint(share[:, 0] * metals)
    second = np.minimum(np.rint(share[:, 1] * metals), metals - first)
    return np.stack([first, second, metals - first - second], axis=1).astype(np.int64)


def _basis(lengths: Floats, angles: Floats) -> Floats:
    """Lattice vectors in rows. Shapes (n, 3), (n, 3) in degrees -> (n, 3, 3)."""
    alpha, beta, gamma = np.radians(angles).T
    basis = np.zeros((len(lengths), 3, 3))
    basis[:, 0, 0] = 1.0
    basis[:, 1, 0], basis[:, 1, 1] = np.cos(gamma), np.sin(gamma)
    basis[:, 2, 0] = np.cos(beta)
    basis[:, 2, 1] = (np.cos(alpha) - np.cos(beta) * np.cos(gamma)) / np.sin(gamma)
    basis[:, 2, 2] = np.sqrt(np.clip(1 - basis[:, 2, 0] ** 2 - basis[:, 2, 1] ** 2, 0.05, None))
    return basis * lengths[:, :, None]


def _geometries(
    basis: Floats, counts: npt.NDArray[np.int64], kind: npt.NDArray[np.int64], disorder: Floats, rng: np.random.Generator
) -> tuple[list[str], Floats]:
    """The text of each geometry.xyz, and the share of unlike neighbours along the chain of metals.

    The atoms stand on a grid; `disorder` moves them by that share of the cell's edge. In 40 % of the crystals the metals lie in
    layers of one kind.
    """
    texts = [""] * len(basis)
    contact = np.zeros(len(basis))
    symbols = np.array(METALS)
    for cell, (metals, oxygens) in enumerate(CELLS):
        rows = np.flatnonzero(kind == cell)
        whole = metals + oxygens
        species = (np.arange(metals)[None, :, None] >= np.cumsum(counts[rows], axis=1)[:, None, :]).sum(axis=2)
        mixed = rng.random(len(rows)) < 0.6
        species[mixed] = rng.permuted(species[mixed], axis=1)
        contact[rows] = np.mean(species != np.roll(species, 1, axis=1), axis=1)
        place = (np.arange(whole) + 0.5) / whole
        ideal = np.stack([place, (place * whole / 2) % 1.0, (place * whole * 0.3) % 1.0], axis=1)
        moved = (ideal + rng.normal(0, 1, (len(rows), whole, 3)) * disorder[rows, None, None] / 2.5) % 1.0
        pattern = (
            "lattice_vector %.6f %.6f %.6f\n" * 3 + "atom %.4f %.4f %.4f {}\n" * metals + "atom %.4f %.4f %.4f O\n" * oxygens
        )
        numbers = np.concatenate([basis[rows].reshape(len(rows), 9), (moved @ basis[rows]).reshape(len(rows), -1)], axis=1)
        for row, names, values in zip(rows.tolist(), symbols[species].tolist(), numbers.tolist(), strict=True):
            texts[row] = HEAD + pattern.format(*names) % tuple(values)
    return texts, contact


def _energies(
    share: Floats, group: npt.NDArray[np.int64], strain: Floats, disorder: Floats, contact: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Formation energy and band gap without noise, in eV."""
    groups = len(SPACEGROUPS)
    al, ga, indium = share.T
    mixing = rng.uniform(0.5, 1.2, (groups, 3))[group]
    formation = 0.03 + rng.uniform(0.0, 0.16, groups)[group] + rng.normal(0, 0.05, (groups, 3))[group, share.argmax(axis=1)]
    formation += 0.32 * (mixing * np.stack([al * ga, al * indium * 2.0, ga * indium], axis=1)).sum(axis=1)
    formation += (
        28.0 * strain**2 + 0.9 * disorder * rng.uniform(0.6, 1.4, groups)[group] + 0.16 * contact * al * rng.uniform(0.4, 1.6)
    )
    bow = rng.uniform(0.5, 3.0, groups)[group]
    gap = 5.6 * al + 3.1 * ga + 1.0 * indium - bow * indium * (1 - indium) - 0.8 * al * ga
    gap += (
        rng.normal(0, 0.35, groups)[group] - 9.0 * strain * (1 + indium) - 5.0 * disorder * (0.3 + al) - 0.5 * contact * indium
    )
    return formation, gap


def real(raw: Path) -> Crystals:
    """The competition's own crystals: `train.csv` and `train/<id>/geometry.xyz`, or both still in their zip files."""
    frame = read_table(find_table(raw, "train.csv"), COLUMNS)
    names = [f"{name}/geometry.xyz" for name in frame["id"]]
    folder = raw / "train" / "train" if (raw / "train" / "train").is_dir() else raw / "train"
    if folder.is_dir():
        return Crystals(frame, [_text(folder / name) for name in names])
    archive = raw / "train.zip"
    if not archive.is_file():
        how = "point at the directory of the unpacked download"
        raise TaskError("there is neither a folder train nor train.zip", where=str(raw), how=how)
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = {"/".join(path.split("/")[-2:]): path for path in opened.namelist()}
            return Crystals(frame, [opened.read(inside[name]).decode() for name in names])
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise TaskError(f"a geometry cannot be read: {error}", where=str(archive), how="download it again") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise TaskError("the geometry cannot be read", where=str(path), how="unpack the download completely") from None


def publish(examples: Crystals, train: Index, hidden: Index, out: Path) -> Published:
    """`train.csv`, `test.csv` and a folder with `<id>/geometry.xyz` for each; ids count from 1 in both."""
    kept: dict[str, pd.DataFrame] = {}
    for name, chosen in (("train", train), ("test", hidden)):
        frame = examples.frame.iloc[chosen].reset_index(drop=True)
        frame["id"] = np.arange(1, len(frame) + 1)
        os.mkdir(out / name)
        # Plain strings: a thousand small folders take long as paths.
        for number, position in enumerate(chosen.tolist(), 1):
            folder = f"{out}/{name}/{number}"
            os.mkdir(folder)
            with open(f"{folder}/geometry.xyz", "w", encoding="utf-8") as file:
                file.write(examples.geometries[position])
        kept[name] = frame
    kept["train"].to_csv(out / "train.csv", index=False)
    kept["test"].drop(columns=list(TARGETS)).to_csv(out / "test.csv", index=False)
    write_sample(kept["test"]["id"], TARGETS, 1.0, out)
    wanted = ["id", *TARGETS]
    return Published(kept["train"][wanted], kept["test"][wanted].assign(example=np.arange(len(hidden))))
