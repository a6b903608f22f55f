"""Windows of vibration in five states that differ in frequency, harmonics, sweep, envelope, lag and colour of the noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import write_sample

Floats = npt.NDArray[np.float64]
States = npt.NDArray[np.int64]
COUNT = 5
TARGETS = tuple(f"state_{number + 1}" for number in range(COUNT))


@dataclass(frozen=True)
class WindowExamples:
    """`windows` has the shape (examples, sensors, samples)."""

    ids: npt.NDArray[np.int64]
    windows: npt.NDArray[np.float32]
    states: States

    @property
    def strata(self) -> States:
        return self.states

    def __len__(self) -> int:
        return len(self.ids)


def mini(size: int, noise: float, rng: np.random.Generator) -> WindowExamples:
    """Windows of all five states, none rarer than a tenth."""
    sensors, samples = int(rng.integers(2, 4)), 8 * int(rng.integers(6, 11))
    shares = 0.1 + 0.5 * rng.dirichlet([3.0] * COUNT)
    states = rng.permutation(np.searchsorted(np.cumsum(shares), (np.arange(size) + 0.5) / size)).clip(0, COUNT - 1)
    # Some windows show another state than the one that was noted.
    shown = np.where(rng.random(size) < 0.05 * noise, rng.integers(0, COUNT, size), states)
    kinds = _prototypes(rng, sensors)
    time = np.arange(samples) / samples
    frequency = kinds["frequency"][shown] * np.exp(rng.normal(0, 0.09, size))
    sweep = kinds["sweep"][shown] + rng.normal(0, 0.9, size)
    angle = 2 * np.pi * (np.outer(frequency, time) + np.outer(sweep, (time - 0.5) ** 2))
    angle = angle[:, None, :] + rng.uniform(0, 2 * np.pi, (size, 1, 1)) + kinds["lag"][shown][:, :, None]
    angle += rng.normal(0, 0.5, (size, sensors, 1))
    wave = np.cos(angle)
    for order in (2, 3):
        tone = rng.uniform(0, 2 * np.pi, (size, 1, 1))
        wave += kinds[f"harmonic_{order}"][shown][:, None, None] * np.cos(order * angle + tone)
    wave *= _envelopes(kinds["envelope"][shown].astype(np.int64), time, rng)[:, None, :]
    gain = kinds["gain"][shown] * np.exp(rng.normal(0, 0.2, (size, sensors)))
    wave *= gain[:, :, None] / np.sqrt((wave**2).mean(axis=(1, 2), keepdims=True))
    wave += _coloured(kinds["colour"][shown], wave.shape, rng) * 1.25 * noise
    spikes = rng.random(wave.shape) < 0.006
    wave += spikes * rng.normal(0, 5, wave.shape)
    wave *= np.exp(rng.normal(0, 0.35, (size, 1, 1)))
    wave += rng.normal(0, 1.0, (size, sensors, 1)) + rng.normal(0, 1.0, (size, sensors, 1)) * (time - 0.5)
    ids = rng.permutation(8 * size)[:size] + 1
    return WindowExamples(ids, wave.round(3).astype(np.float32), states)


def _prototypes(rng: np.random.Generator, sensors: int) -> dict[str, Floats]:
    """What each state looks like: a common state, from which each differs in two to four respects."""
    base = float(rng.uniform(4, 8))
    common = {"frequency": base, "harmonic_2": 0.3, "harmonic_3": 0.2, "sweep": 0.0, "envelope": 0.0, "colour": 0.3}
    respects = sorted(common)
    kinds = {name: np.full(COUNT, value) for name, value in common.items()}
    kinds["lag"] = np.tile(rng.uniform(0, 2 * np.pi, sensors), (COUNT, 1))
    kinds["gain"] = np.exp(rng.normal(0, 0.12, (COUNT, sensors)))
    choices = {
        "frequency": base * np.exp(np.linspace(-0.26, 0.26, COUNT)),
        "harmonic_2": np.linspace(0.0, 1.0, COUNT),
        "harmonic_3": np.linspace(0.0, 0.9, COUNT),
        "sweep": np.linspace(-3, 3, COUNT),
        "envelope": np.array([0.0, 1.0, 2.0, 3.0, 2.0]),
        "colour": np.linspace(-0.1, 0.75, COUNT),
    }
    for name in respects:
        values = rng.permutation(choices[name])
        differs = rng.random(COUNT) < rng.uniform(0.3, 0.6)
        kinds[name] = np.where(differs, values, kinds[name])
    turned = rng.random(COUNT) < 0.5
    kinds["lag"] = kinds["lag"] + turned[:, None] * rng.normal(0, 0.9, (COUNT, sensors))
    return kinds


def _envelopes(kind: States, time: Floats, rng: np.random.Generator) -> Floats:
    """How the strength goes over the window: flat, dying away, one burst, beating. Shape (windows, samples)."""
    size = len(kind)
    place, beat = rng.uniform(0.2, 0.8, (size, 1)), rng.uniform(2.0, 3.0, (size, 1))
    forms = np.stack(
        [
            np.ones((size, len(time))),
            np.exp(-2.2 * time) * np.ones((size, 1)),
            0.25 + np.exp(-(((time - place) / 0.16) ** 2)),
            1 + 0.75 * np.cos(2 * np.pi * (beat * time + place * 5)),
        ]
    )
    return forms[kind, np.arange(size)]


def _coloured(colour: Floats, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Noise of unit variance whose neighbouring samples are correlated by `colour`."""
    drawn = rng.normal(0, 1, shape)
    rest = np.sqrt(1 - colour**2)[:, None]
    for sample in range(1, shape[2]):
        drawn[:, :, sample] = colour[:, None] * drawn[:, :, sample - 1] + rest * drawn[:, :, sample]
    return drawn


def publish(examples: WindowExamples, train: Index, hidden: Index, out: Path) -> Published:
    """train_windows.npy, train.csv, test_windows.npy, test.csv and sample_submission.csv."""
    np.save(out / "train_windows.npy", examples.windows[train])
    np.save(out / "test_windows.npy", examples.windows[hidden])
    known = pd.DataFrame({"window_id": examples.ids[train], "state": examples.states[train] + 1})
    known.to_csv(out / "train.csv", index=False)
    asked = pd.DataFrame({"window_id": examples.ids[hidden]})
    asked.to_csv(out / "test.csv", index=False)
    write_sample(asked["window_id"], TARGETS, 1 / COUNT, out)
    return Published(_labels(examples, train), _labels(examples, hidden).assign(example=np.arange(len(hidden))))


def _labels(examples: WindowExamples, index: Index) -> pd.DataFrame:
    chosen = np.eye(COUNT)[examples.states[index]]
    frame = pd.DataFrame(chosen, columns=list(TARGETS))
    frame.insert(0, "window_id", examples.ids[index])
    return frame
