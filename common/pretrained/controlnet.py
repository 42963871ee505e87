"""ControlNets of a checkpoint: a picture that the U-Net follows (Zhang et al. 2023, 2302.05543).

A ControlNet is a copy of the U-Net's way down that sees the latent and a picture; what it makes of
them is added to the U-Net's skip connections and to its middle. Several add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.media.fitting import placed, placement
from common.media.images import read_picture
from common.media.pixels import composite, from_picture
from common.pretrained.checkpoint import Checkpoint
from common.pretrained.component import Component, read_component
from common.pretrained.control_config import ControlConfig
from common.pretrained.skeleton import build_skeleton

_SHARED_KEYS = (
    "in_channels", "block_out_channels", "layers_per_block", "cross_attention_dim",
    "addition_embed_type", "transformer_layers_per_block",
)  # fmt: skip
"""What a ControlNet has in common with its U-Net, so that their features fit."""


@dataclass(frozen=True, eq=False)
class Control:
    """A ControlNet at work."""

    model: Any
    image: Float[Tensor, "1 3 h w"]
    """What it follows, in [0, 1]."""
    weight: float
    interval: tuple[float, float]
    """Diffusion times at which it acts."""


class Features(NamedTuple):
    """What is added to the U-Net's features."""

    down: tuple[Tensor, ...] | None
    """To the skip connections, the finest first."""
    middle: Tensor | None


def read_control(config: ControlConfig, checkpoint: Checkpoint) -> tuple[Component, Any]:
    """A ControlNet's files and its model without weights.

    Raises:
        InputError: files are missing, wrong, or of a ControlNet for another U-Net.
    """
    if not config.path.is_dir():
        raise InputError(
            f"{config.path} is no folder; prior.controls takes folders of ControlNets in "
            "diffusers' format, with config.json"
        )
    component = read_component(config.path, "ControlNetModel", config.variant)
    model: Any = build_skeleton(component)
    unet = checkpoint.unet.config
    for key in _SHARED_KEYS:
        own, other = model.config[key], unet.get(key, model.config[key])
        if _plain(own) != _plain(other):
            raise InputError(
                f"{component.config_file}: {key} is {own}, and that of {checkpoint.folder.name}'s "
                f"U-Net is {other}: this ControlNet is for another one"
            )
    if model.config["global_pool_conditions"]:
        raise InputError(
            f"{component.config_file}: global_pool_conditions is true (a shuffle ControlNet), "
            "which the pretrained prior does not do"
        )
    if model.config["conditioning_channels"] != 3:
        raise InputError(
            f"{component.config_file}: conditioning_channels is "
            f"{model.config['conditioning_channels']}; pictures have 3"
        )
    return component, model


def control_image(config: ControlConfig, size: tuple[int, int]) -> Float[Tensor, "1 3 h w"]:
    """The picture to follow at the size that is drawn, in [0, 1]; transparency is black.

    Raises:
        InputError: it cannot be read.
    """
    picture = read_picture(config.image)
    if picture.shape[2] == 4:
        picture = composite(picture, "#000000")
    place = placement(picture.shape[:2], size, config.fit)
    image = (placed(from_picture(picture), place, torch.full((3, *size), -1.0)) + 1) / 2
    return rearrange(image, "c h w -> 1 c h w")


def control_features(
    controls: Sequence[Control],
    latents: Float[Tensor, "b c h w"],
    timesteps: Float[Tensor, " b"],
    times: Float[Tensor, " b"],
    states: Float[Tensor, "b l d"],
    told: dict[str, Tensor] | None,
) -> Features:
    """The sum of what the ControlNets add, for each sample those that act at its time.

    Args:
        controls: may be empty.
        latents: noised, in the type of the models.
        timesteps: of the samples.
        times: the same as diffusion times in [0, 1].
        states: token states.
        told: what SDXL is told beside them.
    """
    total = Features(None, None)
    for control in controls:
        low, high = control.interval
        acting = ((times >= low) & (times <= high)).to(latents.dtype) * control.weight
        if not bool(acting.any()):
            continue
        shares = rearrange(acting, "b -> b 1 1 1")
        down, middle = control.model(
            latents, timesteps, encoder_hidden_states=states,
            controlnet_cond=repeat(control.image, "1 c h w -> b c h w", b=len(latents)),
            added_cond_kwargs=told, return_dict=False,
        )  # fmt: skip
        down = tuple(shares * one for one in down)
        middle = shares * middle
        if total.down is not None and total.middle is not None:
            down = tuple(a + b for a, b in zip(total.down, down, strict=True))
            middle = total.middle + middle
        total = Features(down, middle)
    return total


def _plain(value: Any) -> Any:
    """Lists of JSON and tuples of configs alike; one number for all levels stays one."""
    return list(value) if isinstance(value, list | tuple) else value
