"""Samples of frames that belong together, as the trainers of frame layers take them."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from common.embedded.image_unet import View
from common.errors import InputError
from common.seeding import generator_for


@dataclass(frozen=True)
class FrameBatch:
    """Clips, or views of objects."""

    latents: Float32[np.ndarray, "b c f h w"]
    prompts: tuple[str, ...]
    views: tuple[tuple[View, ...] | None, ...]
    """Of each sample, the view of each frame; None leaves them open."""
    times: Float32[np.ndarray, "b f"]
    """When each frame is, counted in frames."""


def some_frames(batch: FrameBatch, count: int, rng: np.random.Generator) -> FrameBatch:
    """The first frame and ``count - 1`` others at random, in their order, the same for all.

    Frames keep their times, so that layers learn near and far frames from fewer of them, and the
    first, which others may be given, is always there.
    """
    available = batch.latents.shape[2]
    if not 2 <= count <= available:
        raise InputError(f"2 to {available} frames can be taken of {available}, not {count}")
    others = rng.choice(np.arange(1, available), count - 1, replace=False)
    at = [0, *sorted(others.tolist())]
    views = tuple(None if one is None else tuple(one[place] for place in at) for one in batch.views)
    return FrameBatch(
        np.ascontiguousarray(batch.latents[:, :, at]), batch.prompts, views, batch.times[:, at]
    )


def first_frame(batch: FrameBatch) -> FrameBatch:
    """The first frame of every sample, by itself."""
    views = tuple(None if one is None else one[:1] for one in batch.views)
    latents = np.ascontiguousarray(batch.latents[:, :, :1])
    return FrameBatch(latents, batch.prompts, views, batch.times[:, :1])


def all_moved(count: int) -> Int64[Tensor, " f"]:
    """An order in which no frame is in its place."""
    generator = generator_for(0, 0, "shuffled frames")
    while True:
        order = torch.randperm(count, generator=generator)
        if not bool((order == torch.arange(count)).any()):
            return order


@runtime_checkable
class FrameSource(Protocol):
    """Where samples come from."""

    def draw(self, count: int, rng: np.random.Generator) -> FrameBatch:
        """Samples at random, with captions in either language."""
        ...

    def held_out(self) -> FrameBatch:
        """Samples that are never trained on, always the same ones, with plain English captions."""
        ...
