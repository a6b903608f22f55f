"""Training inputs made more varied: images flipped or shifted at random, noise. Only the training step does it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.torch_batches import Batch, batch, takes_images, takes_numbers
from mlagent_app.editors.catalogue.torch_script import torch_script

_FAMILY = "augmentation"
# What varies images already; and labels that say where in the image something is.
_VARIED = re.compile(r"Random(Horizontal|Vertical|Crop|Resized|Affine|Rotation)|albumentations|[Aa]ugment|\.flip\(|\.roll\(")
_PLACES = re.compile(r"\b(b?box(es)?|masks?|keypoints?|landmarks?)\b", re.IGNORECASE)
_NOISE = (0.1,)


def image_augmentation(source: Source) -> Iterator[Offer]:
    """`flip the training images` and `shift the training images`: at random, on the way into the network."""
    if not source.imported("torch") or _PLACES.search(source.text) or not takes_images(source):
        return
    found = batch(source)
    if found is None or not _may_vary(source, found) or _is_used_again(source, found):
        return
    torch, given = source.local_name("torch"), found.text(source)
    coins = f"{torch}.rand(len(flipped), 1, 1, 1, device=flipped.device) < 0.5"
    flips = (f"flipped = {given}", f"flipped = {torch}.where({coins}, flipped.flip(-1), flipped)")
    shifts = (f"shifted = {given}.roll({torch}.randint(-2, 3, (2,)).tolist(), (-2, -1))",)
    for name, lines, form in (("flipped", flips, "flip"), ("shifted", shifts, "shift")):
        yield from _offer(source, found, name, lines, Phrase(form))


def _may_vary(source: Source, found: Batch) -> bool:
    return not (found.is_in_loss() and found.is_shown(torch_script(source)))


def _is_used_again(source: Source, found: Batch) -> bool:
    """Whether the step compares the network's answer with the very inputs, which then would have to change with them."""
    script = torch_script(source)
    start, end = source.span(found.statement)[0], source.span(found.step.backward)[1]
    return len(re.findall(rf"(?<![\w.]){re.escape(script.source.segment(found.inputs))}(?!\w)", source.text[start:end])) != 1


def _offer(source: Source, found: Batch, name: str, lines: tuple[str, ...], phrase: Phrase) -> Iterator[Offer]:
    script = torch_script(source)
    if script.free(name):
        anchor = source.span(found.statement)[0]
        yield Change(phrase, _FAMILY, found.replaced(script, name, *lines), anchor, "training images")


def input_noise(source: Source) -> Iterator[Offer]:
    """`add noise of 0.1 to the training inputs`: Gaussian, as a share of the deviation of the batch."""
    if not source.imported("torch") or not takes_numbers(source) or "randn_like" in source.text:
        return
    found = batch(source)
    if found is None or not _may_vary(source, found):
        return
    torch, given = source.local_name("torch"), found.text(source)
    for share in _NOISE:
        lines = (f"noisy = {given}", f"noisy = noisy + {share} * noisy.std() * {torch}.randn_like(noisy)")
        yield from _offer(source, found, "noisy", lines, Phrase("noise", (str(share),)))
