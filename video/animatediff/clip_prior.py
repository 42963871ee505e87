"""The prior of clips that a Stable Diffusion checkpoint and a motion module make together."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int64
from torch import Tensor

from common.adapters.frame_loras import FrameLoras
from common.diffusion.frame_curves import FrameNumbers, PromptTravel
from common.diffusion.frame_windows import FrameWindows, Fusion, repeated_order
from common.diffusion.image_attention import attending
from common.diffusion.lifted_unet import LiftedUNet, Strength
from common.diffusion.masked_picture import MaskedPicture
from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import VPSchedule
from common.diffusion.shared_text import SharedText
from common.pretrained.prior import PretrainedCond, PretrainedPrior
from common.seeding import randn
from common.shapes import Clips, Timesteps
from video.animatediff.frame_norms import frames_normed_together
from video.animatediff.sparse_control import SparseControl, with_sparse_controls


@dataclass(frozen=True)
class ClipSettings:
    """How clips are drawn."""

    num_frames: int
    schedule: VPSchedule
    """Of the motion module's training, which is not that of the checkpoint."""
    scale: float = 1.0
    """Strength of the motion module."""
    joint_norms: bool = False
    """Whether the norms of residual blocks take their statistics over all frames that are seen
    together."""
    windows: FrameWindows | None = None
    """How clips are cut that are longer than what is seen together."""
    repeats_noise: bool = False
    """Whether all windows begin with the same noise (FreeNoise)."""
    scales: tuple[float, ...] | None = None
    """Strength of the motion module in each frame, in place of ``scale``."""

    @property
    def together(self) -> int:
        """Frames that are seen together."""
        return self.num_frames if self.windows is None else self.windows.length


class AnimateDiffPrior:
    """A prior of clips.

    State: the prior of pictures, its U-Net with the motion module, the settings, what its
    cross-attention shares, and SparseCtrl encoders with their pictures.
    """

    def __init__(
        self,
        pictures: PretrainedPrior,
        lifted: LiftedUNet,
        settings: ClipSettings,
        text: SharedText,
        sparse: Sequence[SparseControl] = (),
        loras: FrameLoras | None = None,
    ):
        self.pictures, self.lifted, self._settings, self._text = pictures, lifted, settings, text
        self._sparse, self._loras = sparse, loras
        channels, height, width = pictures.spec.latent_shape
        self._spec = replace(
            pictures.spec,
            latent_shape=(channels, settings.num_frames, height, width),
            schedule=build_noise_schedule(settings.schedule),
        )

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self.pictures.device

    def noise(self, generators: Sequence[torch.Generator]) -> Clips:
        """What samples begin with: standard normal, the same in every window if it repeats."""
        drawn = randn(self.spec.latent_shape, generators, device=self.device)
        windows = self._settings.windows
        if windows is not None and self._settings.repeats_noise:
            for own, generator in zip(drawn, generators, strict=True):
                own[:] = own[:, repeated_order(windows, generator).to(own.device)]
        return drawn

    @torch.no_grad()
    def embed(self, prompts: Sequence[str]) -> PretrainedCond:
        """Conditioning of clips, the same in all frames."""
        return self.pictures.embed(prompts)

    @torch.no_grad()
    def embed_negative(self, prompts: Sequence[str]) -> PretrainedCond:
        """Conditioning that guidance moves away from: image prompts that show nothing."""
        return self.pictures.embed_negative(prompts)

    @torch.no_grad()
    def embed_travel(self, travel: PromptTravel, count: int) -> PretrainedCond:
        """Conditioning of all frames of ``count`` clips, mixed between prompts."""
        one = self.pictures.embed(travel.prompts)
        mask = None if one.mask is None else travel.of_any(one.mask)
        pooled, ids = (
            None if rows is None else travel.mixed(rows) for rows in (one.pooled, one.time_ids)
        )
        images = tuple(replace(i, tokens=travel.mixed(i.tokens)) for i in one.images)
        mixed = PretrainedCond(travel.mixed(one.states), mask, pooled, ids, images)
        return each_row(mixed, lambda rows: repeat(rows, "f ... -> (b f) ...", b=count))

    def changing(
        self,
        scales: Sequence[float] | None,
        weights: Sequence[Float[Tensor, " f"] | None] = (),
        loras: FrameLoras | None = None,
    ) -> "AnimateDiffPrior":
        """The prior of clips in whose frames the models act more or less.

        Args:
            scales: of the motion module in each frame; None leaves what it has.
            weights: of each ControlNet in each frame; None leaves what it has.
            loras: that are not merged into the U-Net.
        """
        settings = self._settings
        if scales is not None:
            settings = replace(settings, scales=tuple(scales))
        controls = [
            one if weight is None else one.weighted(weight)
            for one, weight in zip(
                self.pictures.controls, weights or [None] * len(self.pictures.controls), strict=True
            )
        ]
        pictures = self.pictures.following(controls)
        return AnimateDiffPrior(pictures, self.lifted, settings, self._text, self._sparse, loras)

    def of_frames(self, frames: FrameNumbers) -> "AnimateDiffPrior":
        """The prior of some frames of its clip, drawn as one of their own."""
        settings = replace(self._settings, num_frames=len(frames))
        if settings.scales is not None:
            scales = settings.scales
            settings = replace(settings, scales=tuple(scales[frame] for frame in frames.tolist()))
        pictures = self.pictures.of_frames(frames)
        sparse = [one.of_frames(frames) for one in self._sparse]
        loras = None if self._loras is None else self._loras.of_frames(frames)
        return AnimateDiffPrior(pictures, self.lifted, settings, self._text, sparse, loras)

    @property
    def takes_mask(self) -> bool:
        """Whether the U-Net is for inpainting."""
        return self.pictures.takes_mask

    def inpainting(self, shown: MaskedPicture) -> "AnimateDiffPrior":
        """The same prior, told a mask and what stays in each frame."""
        pictures = self.pictures.inpainting(shown)
        return AnimateDiffPrior(
            pictures, self.lifted, self._settings, self._text, self._sparse, self._loras
        )

    def predict(self, latents: Clips, timesteps: Timesteps, cond: PretrainedCond) -> Clips:
        """The lifted U-Net's prediction at each clip's timestep, fused from windows.

        Windows lie as they did in the last whole evaluation, whose features they may use again.
        """
        windows, compute = self._settings.windows, self.pictures.compute
        with compute.evaluating(cond, latents, timesteps) as whole_at:
            if windows is None:
                return self._seen_together(latents, timesteps, cond, torch.arange(latents.shape[2]))
            fusion = Fusion(windows, latents)
            for number, window in enumerate(windows.at(whole_at)):
                own = latents[:, :, window.to(latents.device)]
                with compute.reuse.part(number):
                    fusion.add(window, self._seen_together(own, timesteps, cond, window))
            return fusion.mean()

    def _seen_together(
        self,
        latents: Clips,
        timesteps: Timesteps,
        cond: PretrainedCond,
        frames: Int64[Tensor, " f"],
    ) -> Clips:
        """The lifted U-Net's prediction of some frames of the clip."""
        settings, own = self._settings, latents.to(cond.states.dtype)
        alike = settings.together if len(cond.states) == len(latents) else 1
        cond = self._seen_rows(cond, len(latents), frames)
        flat_times = self._for_frames(timesteps)
        flat = rearrange(own, "b c f h w -> (b f) c h w")
        inputs = self.pictures.inputs(
            flat, flat_times,
            self.spec.schedule.fraction(flat_times), cond, frames,
        )  # fmt: skip
        fractions = self.spec.schedule.fraction(flat_times)
        inputs = with_sparse_controls(self._sparse, inputs, own, flat_times, fractions, frames)
        seen = rearrange(self.pictures.seen(flat, frames), "(b f) c h w -> b c f h w", b=len(own))
        times = rearrange(flat_times, "(b f) -> b f", b=len(latents))
        together = settings.together if settings.joint_norms else 1
        loras = None if self._loras is None else self._loras.of_frames(frames)
        with (
            nullcontext() if loras is None else loras.acting(len(latents)),
            self._text.alike(alike),
            frames_normed_together(self.lifted.unet, together),
            attending(self.lifted.unet, cond.images),
        ):
            made = self.lifted(seen, times, inputs, scale=self._strength(len(latents), frames))
        return made.to(latents.dtype)

    def _seen_rows(
        self, cond: PretrainedCond, count: int, frames: Int64[Tensor, " f"]
    ) -> PretrainedCond:
        """A row for each of these frames: the clip's, or where all its frames have one, theirs."""
        if len(cond.states) == count:
            return each_row(cond, self._for_frames)

        def picked(rows: Tensor) -> Tensor:
            clips = rearrange(rows, "(b g) ... -> b g ...", b=count)
            return rearrange(clips[:, frames.to(rows.device)], "b f ... -> (b f) ...")

        return each_row(cond, picked)

    def _strength(self, count: int, frames: Int64[Tensor, " f"]) -> Strength:
        scales = self._settings.scales
        if scales is None:
            return self._settings.scale
        return repeat(torch.tensor(scales)[frames], "f -> (b f)", b=count).to(self.device)

    def encode(self, pictures: Clips) -> Float[Tensor, "b z f y x"]:
        """RGB frames in [-1, 1] to latents."""
        flat = self.pictures.encode(rearrange(pictures, "b c f h w -> (b f) c h w"))
        return rearrange(flat, "(b f) c h w -> b c f h w", b=len(pictures))

    def decode(self, latents: Float[Tensor, "b z f y x"]) -> Clips:
        """Latents to RGB frames, not clamped."""
        flat = self.pictures.decode(rearrange(latents, "b c f h w -> (b f) c h w"))
        return rearrange(flat, "(b f) c h w -> b c f h w", b=len(latents))

    def _for_frames(self, rows: Tensor) -> Tensor:
        return repeat(rows, "b ... -> (b f) ...", f=self._settings.together)


def each_row(cond: PretrainedCond, change: Callable[[Tensor], Tensor]) -> PretrainedCond:
    """A condition whose rows are repeated or picked."""
    mask, pooled, ids = (
        None if rows is None else change(rows) for rows in (cond.mask, cond.pooled, cond.time_ids)
    )
    images = tuple(replace(one, tokens=change(one.tokens)) for one in cond.images)
    return PretrainedCond(change(cond.states), mask, pooled, ids, images)
