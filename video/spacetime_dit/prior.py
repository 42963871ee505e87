"""The prior of the spacetime DiT: autoencoder, text encoder and transformer behind the one seam."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from common.diffusion.computing import AS_IT_IS, Computing
from common.diffusion.noise_schedule import NoiseSchedule, build_noise_schedule, per_sample
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import FlowSchedule
from common.embedded.autoencoder import DOWNSAMPLING, IMAGE_CHANNELS, Autoencoder
from common.embedded.clip_coding import ClipCoding
from common.embedded.frame_coding import FrameCoding
from common.embedded.prior import check_size
from common.embedded.text_encoder import TextEncoder, token_batch
from common.embedded.tokenizer import Tokenizer
from common.errors import InputError
from common.shapes import Clips, Timesteps
from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.model import Known, SpacetimeDiT, Text


class SpacetimeDiTPrior:
    """A prior of clips that predicts the velocity of a rectified flow.

    State: the three models, on one device, the size of the clips, what is known of them, how the
    transformer computes, and what codes clips (None: the autoencoder, frame by frame).
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        text_encoder: TextEncoder,
        dit: SpacetimeDiT,
        tokenizer: Tokenizer,
        size: tuple[int, int, int],
        known: Known | None = None,
        compute: Computing = AS_IT_IS,
        coding: ClipCoding | None = None,
    ):
        check_clip_size(size, dit.architecture)
        self.autoencoder, self.text_encoder, self.dit = autoencoder, text_encoder, dit
        self._tokenizer, self._size, self.known = tokenizer, size, known
        self._compute = compute
        self.coding: ClipCoding = coding or FrameCoding(autoencoder)
        frames, height, width = size
        cells = (height // DOWNSAMPLING, width // DOWNSAMPLING)
        channels = autoencoder.architecture.latent_channels
        schedule = flow_schedule(dit.architecture)
        shape = (channels, self.coding.num_latent_frames(frames), *cells)
        self._spec = PriorSpec(shape, IMAGE_CHANNELS, schedule, "velocity")

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def num_frames(self) -> int:
        """Frames of a clip."""
        return self._size[0]

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
        known = Known(latents[None], (drawn <= 0).to(latents)[None])
        return SpacetimeDiTPrior(
            self.autoencoder, self.text_encoder, self.dit, self._tokenizer, self._size, known,
            self._compute, self.coding,
        )  # fmt: skip

    @torch.no_grad()
    def embed(self, prompts: Sequence[str]) -> Text:
        """Conditioning for prompts in English or Chinese."""
        return embedded_text(self.text_encoder, self._tokenizer, prompts, self.device)

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
