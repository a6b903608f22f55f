"""Counts and sizes in words, the same on every surface."""


def size(count: float) -> str:
    """Bytes for people: `48 kB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def tokens(read: int, written: int, cost: float | None) -> str:
    """What an answer took, for example `1,204 read, 310 written, $0.0021`; without the cost where it is not known."""
    price = "" if cost is None else f", ${cost:.4f}"
    return f"{read:,} read, {written:,} written{price}"


def plural(count: int, noun: str) -> str:
    """`1 step`, `3 steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
