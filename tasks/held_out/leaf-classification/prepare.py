"""Leaf classification: 99 species, three groups of 64 measurements a leaf, and its silhouette."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.archives import find_table, open_folder
from tasks.errors import TaskError
from tasks.pictures import PictureExamples, check_picture, equally_long, jpeg, write_pictures
from tasks.source import Index, Published
from tasks.tables import read_table

Floats = npt.NDArray[np.float64]

GROUPS = ("margin", "shape", "texture")
BINS = 64
FEATURES = [f"{group}{number}" for group in GROUPS for number in range(1, BINS + 1)]
COLUMNS = ["id", "species", *FEATURES]
IDS = 1584
EDGE = 28
WAVES = 8
LEAF, MARGIN, TEXTURE, WAVE, PHASE, AGE = 0.85, 0.6, 0.6, 0.9, 1.1, 0.15
# The competition's 99 species, in the order of its sample submission.
SPECIES = (
    "Acer_Capillipes Acer_Circinatum Acer_Mono Acer_Opalus Acer_Palmatum Acer_Pictum Acer_Platanoids Acer_Rubrum "
    "Acer_Rufinerve Acer_Saccharinum Alnus_Cordata Alnus_Maximowiczii Alnus_Rubra Alnus_Sieboldiana Alnus_Viridis "
    "Arundinaria_Simonii Betula_Austrosinensis Betula_Pendula Callicarpa_Bodinieri Castanea_Sativa "
    "Celtis_Koraiensis Cercis_Siliquastrum Cornus_Chinensis Cornus_Controversa Cornus_Macrophylla Cotinus_Coggygria "
    "Crataegus_Monogyna Cytisus_Battandieri Eucalyptus_Glaucescens Eucalyptus_Neglecta Eucalyptus_Urnigera "
    "Fagus_Sylvatica Ginkgo_Biloba Ilex_Aquifolium Ilex_Cornuta Liquidambar_Styraciflua Liriodendron_Tulipifera "
    "Lithocarpus_Cleistocarpus Lithocarpus_Edulis Magnolia_Heptapeta Magnolia_Salicifolia Morus_Nigra Olea_Europaea "
    "Phildelphus Populus_Adenopoda Populus_Grandidentata Populus_Nigra Prunus_Avium Prunus_X_Shmittii "
    "Pterocarya_Stenoptera Quercus_Afares Quercus_Agrifolia Quercus_Alnifolia Quercus_Brantii Quercus_Canariensis "
    "Quercus_Castaneifolia Quercus_Cerris Quercus_Chrysolepis Quercus_Coccifera Quercus_Coccinea "
    "Quercus_Crassifolia Quercus_Crassipes Quercus_Dolicholepis Quercus_Ellipsoidalis Quercus_Greggii "
    "Quercus_Hartwissiana Quercus_Ilex Quercus_Imbricaria Quercus_Infectoria_sub Quercus_Kewensis Quercus_Nigra "
    "Quercus_Palustris Quercus_Phellos Quercus_Phillyraeoides Quercus_Pontica Quercus_Pubescens Quercus_Pyrenaica "
    "Quercus_Rhysophylla Quercus_Rubra Quercus_Semecarpifolia Quercus_Shumardii Quercus_Suber Quercus_Texana "
    "Quercus_Trojana Quercus_Variabilis Quercus_Vulcanica Quercus_x_Hispanica Quercus_x_Turneri "
    "Rhododendron_x_Russellianum Salix_Fragilis Salix_Intergra Sorbus_Aria Tilia_Oliveri Tilia_Platyphyllos "
    "Tilia_Tomentosa Ulmus_Bergmanniana Viburnum_Tinus Viburnum_x_Rhytidophylloides Zelkova_Serrata"
).split()


def mini(size: int, noise: float, rng: np.random.Generator) -> PictureExamples:
    """Species that resemble each other within a genus; what varies between leaves of one species is correlated."""
    species = rng.permutation(np.arange(size) % len(SPECIES))
    genus = np.unique([name.split("_")[0] for name in SPECIES], return_inverse=True)[1]
    noise = noise**0.5
    age = rng.normal(0, 1, (size, 6)) * noise

    margin = _histogram(species, genus, age, noise, 512, MARGIN * rng.uniform(0.8, 1.2), rng)
    texture = _histogram(species, genus, age, noise, 1024, TEXTURE * rng.uniform(0.8, 1.2), rng)
    waves, phases = _outlines(species, genus, noise, rng)
    shape = _distances(waves, phases, noise, rng)

    frame = pd.DataFrame(np.hstack([margin, shape, texture]).round(6), columns=pd.Index(FEATURES))
    frame.insert(0, "species", np.asarray(SPECIES, object)[species])
    frame.insert(0, "id", rng.permutation(IDS)[:size] + 1)
    return PictureExamples(frame, _silhouettes(waves, phases, rng).__getitem__, frame["species"].to_numpy(str))


def _histogram(
    species: Index, genus: Index, age: Floats, noise: float, total: int, spread: float, rng: np.random.Generator
) -> Floats:
    """Shares of `total` counts in 64 bins: the species' profile, and what differs from leaf to leaf."""
    common = rng.normal(0, 1.3, BINS)
    profile = 0.6 * rng.normal(0, spread, (genus.max() + 1, BINS))[genus] + rng.normal(0, spread, (len(genus), BINS))
    # Light and age change all species alike, along a few directions that are stronger than most species differ.
    changed = age @ rng.normal(0, AGE, (age.shape[1], BINS)) + rng.normal(0, LEAF * noise, (len(species), BINS))
    weight = np.exp(common + profile[species] + changed)
    # Some bins are filled by dust and holes now and then, whatever the species.
    dusty = rng.permutation(BINS)[:6]
    weight[:, dusty] += rng.gamma(0.3, 8.0, (len(species), 6)) * np.exp(common).mean()
    counts = rng.poisson(total * weight / weight.sum(axis=1, keepdims=True))
    return counts / total


def _outlines(species: Index, genus: Index, noise: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Amplitude and phase of the waves of each leaf's outline around its middle; shape (leaves, waves)."""
    falling = 0.34 / np.arange(1, WAVES + 1) ** 0.8
    kind = rng.gamma(1.5, 0.6, (genus.max() + 1, WAVES))[genus] * 0.5 + rng.gamma(1.5, 0.6, (len(genus), WAVES)) * 0.5
    waves = falling * kind[species] * np.exp(rng.normal(0, WAVE * noise, (len(species), WAVES)))
    phases = rng.uniform(-np.pi, np.pi, (len(genus), WAVES))[species] + rng.normal(0, PHASE * noise, (len(species), WAVES))
    return waves, phases


def _radii(waves: Floats, phases: Floats, turn: Floats, points: int) -> Floats:
    """Distance of the outline from the middle at `points` angles, the first at `turn`; shape (leaves, points)."""
    angles = turn[:, None] + np.linspace(0, 2 * np.pi, points, endpoint=False)
    radii = np.ones_like(angles)
    for number in range(waves.shape[1]):
        radii += waves[:, number, None] * np.cos((number + 1) * angles + phases[:, number, None])
    return np.clip(radii, 0.15, 2.5)


def _distances(waves: Floats, phases: Floats, noise: float, rng: np.random.Generator) -> Floats:
    """The `shape` columns: the outline as it was scanned, at any size and from an uncertain first point."""
    leaves = len(waves)
    scale = 0.0007 * np.exp(rng.normal(0, 0.3, (leaves, 1)))
    radii = _radii(waves, phases, rng.normal(0, 0.5, leaves), BINS)
    return scale * (radii + rng.normal(0, 0.08 * noise, radii.shape)).clip(0.05)


def _silhouettes(waves: Floats, phases: Floats, rng: np.random.Generator) -> list[bytes]:
    """A white leaf on black, turned and scaled at random."""
    leaves, points = len(waves), 256
    radii = _radii(waves, phases, rng.uniform(-np.pi, np.pi, leaves), points)
    radii *= rng.uniform(0.75, 0.98, (leaves, 1)) * (EDGE / 2) / radii.max(axis=1, keepdims=True)
    axis = np.arange(EDGE) - (EDGE - 1) / 2
    down, across = np.meshgrid(axis, axis, indexing="ij")
    place = ((np.arctan2(down, across) / (2 * np.pi)) % 1.0 * points).astype(int) % points
    inside = np.hypot(down, across).astype(np.float32)[None] < radii.astype(np.float32)[:, place]
    return equally_long([jpeg(picture, 40) for picture in inside.astype(np.uint8) * 255])


def real(raw: Path) -> PictureExamples:
    """The competition's labelled leaves with their pictures. The species must be the 99 of the submission."""
    table = find_table(raw, "train.csv")
    frame = read_table(table, COLUMNS)
    unknown = frame.loc[~frame["species"].isin(SPECIES), "species"]
    if len(unknown):
        what = f"row {unknown.index[0] + 2}: {unknown.iloc[0]!r} is not one of the 99 species"
        raise TaskError(what, where=str(table), how="use the file as it was downloaded")
    folder = open_folder(raw, "images")
    names = [f"{number}.jpg" for number in frame["id"]]
    for name in names:
        check_picture(folder.read(name), folder.where(name))
    return PictureExamples(frame, lambda position: folder.read(names[position]), frame["species"].to_numpy(str))


def publish(examples: PictureExamples, train: Index, hidden: Index, out: Path) -> Published:
    """train.csv, test.csv, the pictures of both, and a sample submission with a column for each species."""
    rows = examples.labels.iloc[train].reset_index(drop=True)
    kept = examples.labels.iloc[hidden].reset_index(drop=True)
    _write(rows, out / "train.csv")
    _write(kept.drop(columns="species"), out / "test.csv")
    sample = pd.DataFrame("0.010101", index=kept.index, columns=pd.Index(SPECIES))
    sample.insert(0, "id", kept["id"])
    _write(sample, out / "sample_submission.csv")
    positions = np.concatenate([train, hidden])
    paths = [out / "images" / f"{number}.jpg" for number in examples.labels["id"].to_numpy()[positions]]
    write_pictures(examples, positions, paths)
    return Published(_one_hot(rows), _one_hot(kept).assign(example=np.arange(len(kept))))


def _write(frame: pd.DataFrame, path: Path) -> None:
    """As `to_csv` without an index, which takes seconds for so many columns on a slow machine."""
    lines = [",".join(map(str, frame.columns))]
    columns = [frame[name].tolist() for name in frame.columns]
    lines += [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _one_hot(frame: pd.DataFrame) -> pd.DataFrame:
    """The labels in the submission's columns: 1 for the leaf's species, 0 for the 98 others."""
    given = frame["species"].to_numpy(str)[:, None] == np.asarray(SPECIES)[None]
    labels = pd.DataFrame(given.astype(np.float64), columns=pd.Index(SPECIES))
    labels.insert(0, "id", frame["id"].to_numpy())
    return labels
