"""One call of a U-Net that frame layers lift, and a first frame that it sees without noise."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.control.features import NO_FEATURES, Features
from common.diffusion.image_attention import attending
from common.diffusion.lifted_unet import LiftedUNet, Strength, UNetInputs
from common.embedded.prior import EmbeddedCond
from common.shapes import Clips, Images


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
    scale: Strength = 1.0,
    added: Features = NO_FEATURES,
) -> Clips:
    """Call a lifted U-Net: the frame layers hear of the prompt and the view what the U-Net does."""
    seen = rows.seen
    vector = rows.vector if seen is None else seen.vector
    inputs = UNetInputs(rows.states, rows.mask, vector, None, added.down, added.middle)
    with attending(lifted.unet, () if seen is None else (seen.images,)):
        made = lifted(latents, timesteps, inputs, rows.vector, frames, scale)
    return made.to(latents.dtype)
