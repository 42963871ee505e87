"""The prior of the spacetime DiT: autoencoder, text encoder and transformer behind the one seam."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from common.diffusion.computing import AS_IT_IS, Computing
from common.diffusion.frame_windows import FrameWindows
from common.diffusion.noise_schedule import NoiseSchedule, build_noise_schedule, per_sample
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import FlowSchedule
from common.embedded.autoencoder import DOWNSAMPLING, IMAGE_CHANNELS, Autoencoder
from common.embedded.clip_coding import ClipCoding
from common.embedded.clip_plan import NOTHING_KNOWN, ClipPart, ClipPlan
from common.embedded.frame_coding import FrameCoding
from common.embedded.image_unet import view_features
from common.embedded.prior import check_size
from common.embedded.shared_noise import mixed_noise, one_more
from common.embedded.text_encoder import TextEncoder, token_batch
from common.embedded.tokenizer import Tokenizer
from common.errors import InputError
from common.seeding import randn
from common.shapes import Clips, Timesteps
from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.model import Known, SpacetimeDiT, Text


class SpacetimeDiTPrior:
    """A prior of clips that predicts the velocity of a rectified flow.

    State: the three models, on one device, the size of the clips, what is known of them, their
    plan, how the transformer computes, and what codes clips (None: the autoencoder, frame by
    frame).
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        text_encoder: TextEncoder,
        dit: SpacetimeDiT,
        tokenizer: Tokenizer,
        size: tuple[int, int, int],
        compute: Computing = AS_IT_IS,
        plan: ClipPlan = NOTHING_KNOWN,
        coding: ClipCoding | None = None,
    ):
        self.autoencoder, self.text_encoder, self.dit = autoencoder, text_encoder, dit
        self._tokenizer, self._compute, self.plan = tokenizer, compute, plan
        self.known: Known | None = None
        self.windows: FrameWindows | None = None
        self.coding: ClipCoding = coding or FrameCoding(autoencoder)
        self._num_frames = size[0]
        self._spec = clip_spec(autoencoder, dit, size, self.coding)

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def num_frames(self) -> int:
        """Frames of a clip."""
        return self._num_frames

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self.autoencoder.latent_mean.device

    def knowing(
        self, latents: Float[Tensor, "c f h w"], drawn: Float[Tensor, "1 f h w"]
    ) -> "SpacetimeDiTPrior":
        """The prior of clips that have these latents where ``drawn`` is 0.

        The model sees them without noise, and samples end in them.

        Raises:
            InputError: of another size than the clips.
        """
        if tuple(latents.shape) != self._spec.latent_shape:
            raise InputError(
                f"given latents are of {tuple(latents.shape)}, and clips of "
                f"{self._spec.latent_shape}"
            )
        same = copy(self)
        same.known = Known(latents[None], (drawn <= 0).to(latents)[None])
        return same

    def of_first_frames(self) -> "SpacetimeDiTPrior":
        """The prior of clips of one frame: pictures, of which nothing is known."""
        same = copy(self)
        channels, _, height, width = self._spec.latent_shape
        same.known, same.plan, same._num_frames = None, NOTHING_KNOWN, 1
        same._spec = replace(self._spec, latent_shape=(channels, 1, height, width))
        return same

    def of_part(self, part: ClipPart) -> "SpacetimeDiTPrior":
        """The prior of clips that go on with a longer one, as its prompt tells."""
        same = copy(self)
        same.plan = replace(self.plan, part=part)
        return same

    def noise(self, generators: Sequence[torch.Generator]) -> Clips:
        """What clips begin with, one a generator: related among frames as in training."""
        drawn = randn(one_more(self._spec.latent_shape), generators, device=self.device)
        return mixed_noise(drawn, self.dit.architecture.shared_noise)

    @torch.no_grad()
    def embed(self, prompts: Sequence[str]) -> Text:
        """Conditioning for prompts in English or Chinese."""
        return embedded_text(self.text_encoder, self._tokenizer, prompts, self.device)

    def told_by(self, prompts: Sequence[str]) -> Float[Tensor, "b d"]:
        """What the plan is told from: pooled text, and features of no view."""
        pooled = self.embed(prompts).pooled
        return torch.cat([pooled, view_features([None] * len(prompts)).to(pooled)], 1)

    def predict(self, latents: Clips, timesteps: Timesteps, cond: Text) -> Clips:
        """The velocity at each sample's timestep.

        Where a clip is known as ``x`` it is exact: ``eps - x = (z - x) / sigma``.
        """
        known = None
        if self.known is not None:
            known = Known(
                *(part.to(latents).expand(len(latents), -1, -1, -1, -1) for part in self.known)
            )
        with self._compute.evaluating(cond, latents, timesteps):
            made = self.dit(latents, timesteps, cond, known)
        if known is None:
            return made
        sigma = per_sample(self._spec.schedule.sigma(timesteps), latents)
        return torch.where(known.mask > 0, (latents - known.latents) / sigma, made)

    def encode(self, pictures: Clips) -> Float[Tensor, "b z g y x"]:
        """Premultiplied RGBA frames in [-1, 1] to latents."""
        return self.coding.encode(pictures)

    def decode(self, latents: Float[Tensor, "b z g y x"]) -> Clips:
        """Latents to premultiplied RGBA frames, not clamped; of whole clips, or of parts."""
        whole = latents.shape[2] == self._spec.latent_shape[1]
        return self.coding.decode(latents, self.num_frames if whole else None)


def embedded_text(
    text_encoder: TextEncoder, tokenizer: Tokenizer, prompts: Sequence[str], device: torch.device
) -> Text:
    """What the model is told of prompts: token states, and the direction of the pooled state."""
    text = text_encoder(*token_batch(tokenizer, prompts, device))
    pooled = F.normalize(text.pooled, dim=1) * text.pooled.shape[1] ** 0.5
    return Text(text.states, text.mask, pooled)


def clip_spec(
    autoencoder: Autoencoder,
    dit: SpacetimeDiT,
    size: tuple[int, int, int],
    coding: ClipCoding,
) -> PriorSpec:
    """Of clips of this size.

    Raises:
        InputError: a size that is not drawn.
    """
    check_clip_size(size, dit.architecture)
    frames, height, width = size
    shape = (
        autoencoder.architecture.latent_channels, coding.num_latent_frames(frames),
        height // DOWNSAMPLING, width // DOWNSAMPLING,
    )  # fmt: skip
    return PriorSpec(shape, IMAGE_CHANNELS, flow_schedule(dit.architecture), "velocity")


def flow_schedule(architecture: SpacetimeDiTArchitecture) -> NoiseSchedule:
    """The flow that a model is trained on and sampled with."""
    return build_noise_schedule(FlowSchedule(shift=architecture.shift))


def check_clip_size(size: tuple[int, int, int], architecture: SpacetimeDiTArchitecture) -> None:
    """Refuse clips that a model does not draw.

    Raises:
        InputError: more frames than it was trained on, or sides that are not drawn.
    """
    frames, *sides = size
    if not 1 <= frames <= architecture.max_frames:
        raise InputError(
            f"num_frames is {frames}; this spacetime DiT was trained on clips of 1 to "
            f"{architecture.max_frames} frames"
        )
    check_size((sides[0], sides[1]))
