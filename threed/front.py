"""The front view that the others are given: read from a file, or drawn as a picture first."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.sample import sample
from common.diffusion.samplers import build_scheduler
from common.embedded.concepts import KnownEmoji, KnownThing, load_concepts
from common.embedded.domain import parts, word_units
from common.embedded.frame_prior import FramePrior
from common.embedded.prior import EmbeddedPrior
from common.embedded.tokenizer import words
from common.errors import InputError
from common.media.images import read_picture
from common.media.pixels import from_picture
from common.seeding import generators_for, randn
from common.shapes import Images
from threed.candidates import Candidates, candidates_of, premultiplied
from threed.front_place import on_orbit
from threed.image_to_3d import ImageTo3D
from threed.lifted_views import LiftedViews
from threed.text_to_3d import TextTo3D

Known = KnownEmoji | KnownThing


@dataclass(frozen=True, eq=False)
class GivenFront:
    """The front that the other views see."""

    latents: Images
    """Clean, ``1 c h w``."""
    picture: Float[Tensor, "4 height width"]
    """Premultiplied, in [0, 1], as it was before it was put where the cameras see it."""
    candidates: Candidates | None = None
    """What it was chosen from."""


@torch.no_grad()
def given_front(
    method: LiftedViews, prior: FramePrior, prompt: str, seed: int
) -> GivenFront | None:
    """The front, or None if it is drawn with the other views."""
    candidates = None
    if isinstance(method, ImageTo3D):
        picture = read_front(method.input).to(prior.device)
    elif isinstance(method, TextTo3D) and from_picture_first(method, prompt):
        drawn = _drawn(method, prior.pictures, prompt, seed)
        candidates = candidates_of(prior.pictures, prompt, drawn)
        picture = (premultiplied(drawn)[candidates.best if candidates else 0] + 1) / 2
    else:
        return None
    latents = prior.pictures.encode(on_orbit(picture, method.size_px)[None] * 2 - 1)
    return GivenFront(latents, picture, candidates)


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


def _drawn(method: TextTo3D, prior: EmbeddedPrior, prompt: str, seed: int) -> Images:
    """Pictures that the image prior draws for the prompt, from no view in particular."""
    count = method.num_fronts
    noise = randn(
        prior.spec.latent_shape, generators_for(seed, range(count), "front"), device=prior.device
    )
    steps = sample(
        prior, build_scheduler(method.sampler, prior.spec.schedule, prior.spec.prediction),
        prior.embed([prompt] * count), prior.embed_negative([""] * count), method.guidance, noise,
        generators_for(seed, range(count), "front sampler"),
    )  # fmt: skip
    *_, last = steps
    return prior.decode(last.latents)
