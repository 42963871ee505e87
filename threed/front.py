"""The front view that the others are given: read from a file, or drawn as a picture first."""

from collections.abc import Iterable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.sample import sample
from common.diffusion.samplers import build_scheduler
from common.embedded.concepts import KnownEmoji, KnownThing, load_concepts
from common.embedded.domain import parts, word_units
from common.embedded.frame_prior import FramePrior
from common.embedded.tokenizer import words
from common.errors import InputError
from common.media.images import read_picture
from common.media.pixels import from_picture
from common.seeding import generators_for, randn
from common.shapes import Images
from threed.front_place import on_orbit
from threed.image_to_3d import ImageTo3D
from threed.lifted_views import LiftedViews
from threed.text_to_3d import TextTo3D

Known = KnownEmoji | KnownThing


@torch.no_grad()
def given_front(method: LiftedViews, prior: FramePrior, prompt: str, seed: int) -> Images | None:
    """Clean latents of the front, ``1 c h w``; None if it is drawn with the other views."""
    if isinstance(method, ImageTo3D):
        picture = read_front(method.input).to(prior.device)
    elif isinstance(method, TextTo3D) and from_picture_first(method, prompt):
        picture = _drawn(method, prior, prompt, seed)
    else:
        return None
    return prior.pictures.encode(on_orbit(picture, method.size_px)[None] * 2 - 1)


def from_picture_first(method: TextTo3D, prompt: str) -> bool:
    """Whether the front is drawn as a picture: as asked for, or of what is no kit thing."""
    if method.front != "auto":
        return method.front == "picture"
    return not names_a_thing(prompt)


def names_a_thing(prompt: str) -> bool:
    """Whether the longest known name in a prompt, colours apart, is that of a kit thing."""
    known = load_concepts()
    colours = {unit for colour in known.colours for unit in word_units(colour.english)}
    said, runs = set(words(prompt)) | set(word_units(prompt)), parts(prompt)

    def longest(names: Iterable[Known]) -> tuple[int, int]:
        """Words, and Chinese characters, of the longest name that the prompt holds."""
        english = (len(units) for one in names for units in map(_units, one.english)
                   if units and units <= said)  # fmt: skip
        chinese = (len(name) for one in names for name in one.chinese
                   if any(name in run for run in runs))  # fmt: skip
        return max(english, default=0), max(chinese, default=0)

    def _units(name: str) -> set[str]:
        return (set(word_units(name)) or set(words(name))) - colours

    things, emoji = longest(known.things), longest(known.emoji)
    return things > (0, 0) and all(a >= b for a, b in zip(things, emoji, strict=True))


def read_front(path: Path) -> Float[Tensor, "4 h w"]:
    """A cut-out picture, premultiplied in [0, 1].

    Raises:
        InputError: unreadable, without transparency, or empty.
    """
    pixels = read_picture(path)
    if pixels.shape[-1] != 4 or pixels[..., 3].min() > 127:
        raise InputError(
            f"{path} has nothing transparent: cut the object out first, so that what is around it "
            "is transparent, and save it as PNG or WebP"
        )
    if pixels[..., 3].max() <= 127:
        raise InputError(f"{path} is transparent everywhere: there is nothing to make")
    return (from_picture(pixels) + 1) / 2


def _drawn(method: TextTo3D, prior: FramePrior, prompt: str, seed: int) -> Float[Tensor, "4 h w"]:
    """The picture that the image prior draws for the prompt, from no view in particular."""
    pictures = prior.pictures
    noise = randn(
        pictures.spec.latent_shape, generators_for(seed, [0], "front"), device=prior.device
    )
    steps = sample(
        pictures, build_scheduler(method.sampler, prior.spec.schedule, prior.spec.prediction),
        pictures.embed([prompt]), pictures.embed_negative([""]), method.guidance, noise,
        generators_for(seed, [0], "front sampler"),
    )  # fmt: skip
    *_, last = steps
    picture = (pictures.decode(last.latents)[0].clamp(-1, 1) + 1) / 2
    return torch.cat([torch.minimum(picture[:3], picture[3:]), picture[3:]])
