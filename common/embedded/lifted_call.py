"""Calling the lifted U-Net: what its frames are told, and a first frame that is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from common.control.features import NO_FEATURES, Features
from common.diffusion.image_attention import attending
from common.diffusion.lifted_unet import LiftedUNet, Strength, UNetInputs
from common.embedded.prior import EmbeddedCond, with_direction
from common.shapes import Clips, Images


@dataclass(frozen=True, eq=False)
class ToldSteps:
    """How a student is told its number of steps: directions of each frame, or one for all."""

    unet: Float[Tensor, "_ k"]
    """Added to what the U-Net is told."""
    layers: Float[Tensor, "_ k"]
    """Added to what the frame layers are told."""


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
    steps: ToldSteps | None = None,
    layer_weights: Mapping[str, Tensor] | None = None,
) -> Clips:
    """Call a lifted U-Net: the frame layers hear of the prompt and the view what the U-Net does.

    ``layer_weights`` are taken in place of the layers' own, with their gradients; ``steps`` is for
    a student of few steps.
    """
    condition = rows.vector
    if steps is not None:
        rows, condition = with_direction(rows, steps.unet), condition + steps.layers
    seen = rows.seen
    vector = rows.vector if seen is None else seen.vector
    inputs = UNetInputs(rows.states, rows.mask, vector, None, added.down, added.middle)
    call: Any = lifted
    if layer_weights is not None:
        named = {f"layers.{name}": weight for name, weight in layer_weights.items()}
        call = partial(_with_weights, lifted, named)
    with attending(lifted.unet, () if seen is None else (seen.images,)):
        made = call(latents, timesteps, inputs, condition, frames, scale)
    return made.to(latents.dtype)


def _with_weights(lifted: LiftedUNet, weights: dict[str, Tensor], *given: Any) -> Tensor:
    made: Tensor = functional_call(lifted, weights, given)
    return made
