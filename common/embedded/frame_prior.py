"""The embedded prior of several pictures that belong together: a clip, or views of one object.

The image prior with frame layers put in. Each sample has a frame axis, ``b c f h w``, and one noise
level; every frame may have its own view. The first frame may be given as a picture: it is then seen
by the others without noise, and is what sampling ends in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.diffusion.image_attention import attending
from common.diffusion.lifted_unet import LiftedUNet, UNetInputs
from common.diffusion.noise_schedule import per_sample
from common.diffusion.prior import PriorSpec
from common.embedded.clip_plan import NOTHING_KNOWN, ClipPlan
from common.embedded.image_prompt import seen_by_frames
from common.embedded.image_unet import View, view_features
from common.embedded.prior import EmbeddedCond, EmbeddedPrior
from common.errors import InputError
from common.seeding import randn
from common.shapes import Clips, Images, Timesteps

_AT_ONCE = 16
"""Frames that are encoded or decoded together: it bounds memory."""


@dataclass(frozen=True)
class FramesCond:
    """What the lifted U-Net is told."""

    rows: EmbeddedCond
    """Of each frame, the frames of a sample one after the other."""
    first: Images | None = None
    """Clean latents of the first frames, if they are given."""
    hidden: bool = False
    """Whether the other frames do not see it: what guidance on the first frame moves away from."""

    def without_pictures(self) -> "FramesCond":
        """The same without the pictures of an image prompt."""
        return replace(self, rows=replace(self.rows, seen=None))


class FramePrior:
    """A prior of clips, or of views.

    State: the image prior, the lifted U-Net, the number of frames it draws, and what it knows of a
    clip before it is drawn.
    """

    def __init__(
        self,
        pictures: EmbeddedPrior,
        lifted: LiftedUNet,
        num_frames: int,
        plan: ClipPlan = NOTHING_KNOWN,
    ):
        longest = lifted.layers.sizes.max_frames
        if not 1 <= num_frames <= longest:
            raise InputError(
                f"these layers were trained on up to {longest} frames; num_frames is {num_frames}"
            )
        self.pictures, self.lifted, self.plan = pictures, lifted, plan
        channels, height, width = pictures.spec.latent_shape
        self._spec = replace(pictures.spec, latent_shape=(channels, num_frames, height, width))

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def num_frames(self) -> int:
        """Frames, or views, of a sample."""
        return self._spec.latent_shape[1]

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self.pictures.device

    @property
    def first_alone(self) -> bool:
        """Whether the first frame is drawn by itself, before the others."""
        return self.lifted.layers.sizes.first_alone and self.num_frames > 1

    def of_first_frames(self) -> "FramePrior":
        """The prior of clips of one frame."""
        return FramePrior(self.pictures, self.lifted, 1)

    def moving(self, tracks: Float[Tensor, "1 f 5"]) -> "FramePrior":
        """The prior of clips whose things move so, whatever the prompt tells."""
        plan = replace(self.plan, tracks=tracks)
        return FramePrior(self.pictures, self.lifted, self.num_frames, plan)

    def noise(self, generators: Sequence[torch.Generator]) -> Clips:
        """What samples begin with, one a generator: normal, and partly shared among frames."""
        channels, count, height, width = self.spec.latent_shape
        drawn = randn((channels, count + 1, height, width), generators, device=self.device)
        return mixed_noise(drawn, self.lifted.layers.sizes.shared_noise)

    @torch.no_grad()
    def embed(
        self,
        prompts: Sequence[str],
        views: Sequence[Sequence[View] | None] | None = None,
        first: Images | None = None,
        hidden: bool = False,
    ) -> FramesCond:
        """Conditioning for prompts in English or Chinese.

        Args:
            prompts: One a sample.
            views: Of each sample, a view for every frame, or None; left out, none has any.
            first: Clean latents of each sample's first frame, if they are given.
            hidden: Whether the other frames do not see them, nor pictures that go with the prompt.

        Raises:
            InputError: numbers of views, or of given frames, that do not fit.
        """
        seen = views or [None] * len(prompts)
        self._check(prompts, seen, first)
        told = self.pictures.embed_negative if hidden else self.pictures.embed
        one = told(prompts)
        states, mask, vector = (
            repeat(tensor, "b ... -> (b f) ...", f=self.num_frames)
            for tensor in (one.states, one.mask, one.vector)
        )
        none: list[View | None] = [None] * self.num_frames
        features = view_features([view for row in seen for view in (row or none)]).to(vector)
        vector = torch.cat([vector[:, : -features.shape[1]], features], 1)
        shown = seen_by_frames(one.seen, self.num_frames, features)
        return FramesCond(EmbeddedCond(states, mask, vector, shown), first, hidden)

    def embed_negative(self, prompts: Sequence[str]) -> FramesCond:
        """Conditioning that guidance moves away from: of the prompts alone, without pictures."""
        return self.embed(prompts, hidden=True)

    def predict(self, latents: Clips, timesteps: Timesteps, cond: FramesCond) -> Clips:
        """The lifted U-Net's ``v`` at each sample's timestep.

        For a given first frame ``x`` it is exact: ``v = (alpha z - x) / sigma``.
        """
        times = repeat(timesteps, "b -> b f", f=latents.shape[2])
        if cond.first is None:
            return predict_v_of_frames(self.lifted, latents, times, cond.rows)
        alpha, sigma = self.spec.schedule.alpha_sigma(timesteps)
        at_first = latents[:, :, 0]
        exact = per_sample(alpha, at_first) * at_first - cond.first.to(latents)
        seen = latents
        if not cond.hidden:
            seen, times = with_first(latents, times, cond.first)
        made = predict_v_of_frames(self.lifted, seen, times, cond.rows)
        exact = rearrange(exact / per_sample(sigma, at_first), "b c h w -> b c 1 h w")
        return torch.cat([exact, made[:, :, 1:]], 2)

    def encode(self, pictures: Clips) -> Float[Tensor, "b z f y x"]:
        """Premultiplied RGBA frames in [-1, 1] to latents."""
        flat = rearrange(pictures, "b c f h w -> (b f) c h w")
        parts = [self.pictures.encode(part) for part in flat.split(_AT_ONCE)]
        return rearrange(torch.cat(parts), "(b f) c h w -> b c f h w", b=len(pictures))

    def decode(self, latents: Float[Tensor, "b z f y x"]) -> Clips:
        """Latents to premultiplied RGBA frames, not clamped."""
        flat = rearrange(latents, "b c f h w -> (b f) c h w")
        parts = [self.pictures.decode(part) for part in flat.split(_AT_ONCE)]
        return rearrange(torch.cat(parts), "(b f) c h w -> b c f h w", b=len(latents))

    def _check(
        self,
        prompts: Sequence[str],
        views: Sequence[Sequence[View] | None],
        first: Tensor | None,
    ) -> None:
        if len(views) != len(prompts):
            raise InputError(f"{len(prompts)} prompts and views of {len(views)}: give each its own")
        wrong = [len(row) for row in views if row is not None and len(row) != self.num_frames]
        if wrong:
            raise InputError(
                f"a sample has {self.num_frames} frames, and {wrong[0]} views are given"
            )
        if first is not None and len(first) != len(prompts):
            raise InputError(f"{len(prompts)} prompts and {len(first)} first frames")


def mixed_noise(drawn: Float[Tensor, "b c g h w"], share: float) -> Clips:
    """Noise of one frame fewer than is drawn, whose frames have the last one in common.

    ``sqrt(share) n_last + sqrt(1 - share) n_f``: standard normal, with covariance ``share`` between
    frames (Ge et al. 2023, arXiv 2305.10474, equation 4).
    """
    own, shared = drawn[:, :, :-1], drawn[:, :, -1:]
    return math.sqrt(share) * shared + math.sqrt(1 - share) * own


def with_first(
    latents: Clips, timesteps: Float[Tensor, "b f"], first: Images
) -> tuple[Clips, Float[Tensor, "b f"]]:
    """Latents whose first frame is the given one, and timesteps that call it clean."""
    clean = rearrange(first.to(latents), "b c h w -> b c 1 h w")
    times = torch.cat([torch.zeros_like(timesteps[:, :1]), timesteps[:, 1:]], 1)
    return torch.cat([clean, latents[:, :, 1:]], 2), times


def predict_v_of_frames(
    lifted: LiftedUNet,
    latents: Clips,
    timesteps: Float[Tensor, "b f"],
    rows: EmbeddedCond,
    frames: Float[Tensor, "b f"] | None = None,
    scale: float = 1.0,
) -> Clips:
    """Call a lifted U-Net: the frame layers hear of the prompt and the view what the U-Net does."""
    seen = rows.seen
    inputs = UNetInputs(rows.states, rows.mask, rows.vector if seen is None else seen.vector)
    with attending(lifted.unet, () if seen is None else (seen.images,)):
        made = lifted(latents, timesteps, inputs, rows.vector, frames, scale)
    return made.to(latents.dtype)
