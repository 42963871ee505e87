"""ControlNets of a checkpoint: a picture that the U-Net follows (Zhang et al. 2023, 2302.05543).

A ControlNet is a copy of the U-Net's way down that sees the latent and a picture; what it makes of
them is added to the U-Net's skip connections and to its middle. Several add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from common.control.features import NO_FEATURES, Features, with_more
from common.control.followed import Followed
from common.diffusion.frame_curves import FrameNumbers
from common.errors import InputError
from common.pretrained.checkpoint import Checkpoint
from common.pretrained.component import Component, read_component
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
    followed: Followed

    def of_frames(self, frames: FrameNumbers) -> "Control":
        """The same for some frames."""
        return replace(self, followed=self.followed.of_frames(frames))

    def weighted(self, weights: Float[Tensor, " f"]) -> "Control":
        """The same with a weight for each frame."""
        return replace(self, followed=self.followed.weighted(weights))


def read_control(path: Path, variant: str | None, checkpoint: Checkpoint) -> tuple[Component, Any]:
    """A ControlNet's files and its model without weights.

    Args:
        path: its folder in diffusers' format.
        variant: which weights of the folder.
        checkpoint: whose U-Net it is for.

    Raises:
        InputError: files are missing, wrong, or of a ControlNet for another U-Net.
    """
    if not path.is_dir():
        raise InputError(
            f"{path} is no folder; prior.controls takes folders of ControlNets in "
            "diffusers' format, with config.json"
        )
    component = read_component(path, "ControlNetModel", variant)
    model: Any = build_skeleton(component)
    unet = dict(checkpoint.denoiser.config)
    if checkpoint.takes_mask:  # which a ControlNet is not told
        unet["in_channels"] = unet["out_channels"]
    for key in _SHARED_KEYS:
        own, other = model.config[key], unet.get(key, model.config[key])
        if _plain(own) != _plain(other):
            raise InputError(
                f"{component.config_file}: {key} is {own}, and that of {checkpoint.path.name}'s "
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
    total = NO_FEATURES
    for control in controls:
        shares = control.followed.shares(times).to(latents.dtype)
        if not bool(shares.any()):
            continue
        down, middle = control.model(
            latents, timesteps, encoder_hidden_states=states,
            controlnet_cond=control.followed.rows(len(latents)),
            added_cond_kwargs=told, return_dict=False,
        )  # fmt: skip
        total = with_more(total, Features(tuple(down), middle), shares)
    return total


def _plain(value: Any) -> Any:
    """Lists of JSON and tuples of configs alike; one number for all levels stays one."""
    return list(value) if isinstance(value, list | tuple) else value
