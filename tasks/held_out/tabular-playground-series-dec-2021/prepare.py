"""Forest cover: terrain, soils noted with errors, and seven covers of very unequal frequency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables, read_table

Floats = npt.NDArray[np.float64]

TERRAIN = (
    "Elevation",
    "Aspect",
    "Slope",
    "Horizontal_Distance_To_Hydrology",
    "Vertical_Distance_To_Hydrology",
    "Horizontal_Distance_To_Roadways",
    "Hillshade_9am",
    "Hillshade_Noon",
    "Hillshade_3pm",
    "Horizontal_Distance_To_Fire_Points",
)
AREAS = tuple(f"Wilderness_Area{number}" for number in range(1, 5))
SOILS = tuple(f"Soil_Type{number}" for number in range(1, 41))
COLUMNS = ("Id", *TERRAIN, *AREAS, *SOILS, "Cover_Type")
COVERS = 7
# Like the competition's, the frequencies differ by orders; the rarest are raised so that each cover is in every part.
SHARES = np.array([0.33, 0.47, 0.085, 0.015, 0.014, 0.036, 0.05])
FAMILIES = 6
# In the competition's files these two are always 0.
NEVER = (6, 14)


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Patches whose cover hangs on elevation x area, soil family x slope, aspect and the way to water."""
    area = rng.choice(4, size, p=rng.dirichlet([6, 3, 6, 3]))
    height = rng.normal(0, 1, size) + rng.normal(0, 0.5, 4)[area]
    slope = rng.gamma(3.0, 5.0, size).clip(0, 52)
    aspect = rng.uniform(0, 360, size)
    across = rng.gamma(1.4, 190.0, size)
    above = across * rng.normal(0.15, 0.22, size)
    roads, fires = rng.gamma(1.8, 1100.0, (2, size))

    type_family = rng.integers(0, FAMILIES, len(SOILS))
    soil = _soil(height, area, rng)
    score = _affinity(height, area, rng)
    score += _soil_affinity(type_family[soil], slope, rng)
    north = np.cos(np.deg2rad(aspect - rng.uniform(0, 360))) * np.sqrt(slope / 15)
    score += np.outer(north, rng.normal(0, 0.9, COVERS))
    water = np.log1p(np.hypot(across, above)) - 5
    score += np.outer(water, rng.normal(0, 0.7, COVERS))
    score += np.outer((above > 30) * 1.0, rng.normal(0, 0.7, COVERS))
    score[:, :2] += np.outer(np.log1p(roads) - 7, rng.normal(0, 0.7, 2))
    score += rng.gumbel(0, 0.42 * noise, (size, COVERS))
    cover = (score + _balance(score)).argmax(axis=1) + 1

    elevation = 2800 + 260 * height + rng.normal(0, 25, size)
    terrain = (
        elevation,
        aspect + rng.normal(0, 8, size),
        (slope + rng.normal(0, 1.5, size)).clip(-2, 60),
        across + rng.normal(0, 12, size),
        above + rng.normal(0, 8, size),
        roads + rng.normal(0, 60, size),
        *_hillshades(aspect, slope, rng),
        fires + rng.normal(0, 60, size),
    )
    noted = _noted(soil, rng)
    areas = np.eye(4, dtype=np.int64)[area]
    whole = np.column_stack([np.rint(column).astype(np.int64) for column in terrain])
    columns = np.column_stack([np.arange(size), whole, areas, noted, cover])
    return TableExamples(pd.DataFrame(columns, columns=list(COLUMNS)), cover)


def _affinity(height: Floats, area: Index, rng: np.random.Generator) -> Floats:
    """How well each cover likes the height, which it does differently in each area. Shape (size, covers)."""
    suits = np.sort(rng.normal(0, 1.1, COVERS))[rng.permutation(COVERS)] + rng.normal(0, 0.55, (4, COVERS))
    width = rng.uniform(0.5, 0.9, COVERS)
    affinity = -0.5 * ((height[:, None] - suits[area]) / width) ** 2
    return np.maximum(affinity, -5.0)


def _soil(height: Floats, area: Index, rng: np.random.Generator) -> Index:
    """The type of soil: each occurs around a height, and more in some areas than in others."""
    place, liking = rng.normal(0, 1.2, len(SOILS)), rng.normal(0, 1.0, (4, len(SOILS)))
    liking[:, NEVER] = -np.inf
    odds = -0.5 * (height[:, None] - place) ** 2 + liking[area] + rng.gumbel(0, 1, (len(height), len(SOILS)))
    return odds.argmax(axis=1)


def _soil_affinity(family: Index, slope: Floats, rng: np.random.Generator) -> Floats:
    """What the families of soil do to the covers; the last two do it on steep ground only. Shape (size, covers)."""
    liking = rng.normal(0, 1.2, (FAMILIES, COVERS))
    counts = np.where(family >= FAMILIES - 2, 1.7 * (slope > 14), 1.0)
    return liking[family] * counts[:, None]


def _balance(score: Floats) -> Floats:
    """What is added to the score of each cover so that the covers have their shares. Shape (covers,)."""
    bias = np.zeros(COVERS)
    for _ in range(40):
        share = np.bincount((score + bias).argmax(axis=1), minlength=COVERS) / len(score)
        bias += 0.6 * np.log(SHARES / np.maximum(share, 0.002))
    return bias


def _hillshades(aspect: Floats, slope: Floats, rng: np.random.Generator) -> list[Floats]:
    """Brightness at 9, noon and 3 o'clock: a function of aspect and slope, and therefore redundant."""
    steep, shades = np.deg2rad(slope), []
    for azimuth, altitude in ((110.0, 45.0), (180.0, 65.0), (250.0, 45.0)):
        high = np.deg2rad(altitude)
        light = np.sin(high) * np.cos(steep) + np.cos(high) * np.sin(steep) * np.cos(np.deg2rad(azimuth - aspect))
        shades.append((255 * light + rng.normal(0, 4, len(aspect))).clip(0, 255))
    return shades


def _noted(soil: Index, rng: np.random.Generator) -> Index:
    """The soils as they were noted: now and then the type is left out, or another one is noted as well."""
    noted = np.eye(len(SOILS), dtype=np.int64)[soil]
    noted[rng.random(len(soil)) < 0.04] = 0
    wrong = rng.random(noted.shape) < 0.004
    wrong[:, NEVER] = False
    return noted | wrong


def real(raw: Path) -> TableExamples:
    """The competition's own patches."""
    frame = read_table(raw / "train.csv", COLUMNS)
    return TableExamples(frame, frame["Cover_Type"].to_numpy())


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The three files of the competition, with new numbers: the old ones are in the order of drawing."""
    frame = examples.frame.copy()
    frame.loc[frame.index[train], "Id"] = np.arange(len(train))
    frame.loc[frame.index[hidden], "Id"] = np.arange(len(train), len(train) + len(hidden))
    numbered = TableExamples(frame, examples.strata)
    return publish_tables(numbered, train, hidden, out, key="Id", targets=["Cover_Type"], blank=2)
