"""Motion modules of a checkpoint, put to use: frame layers for a U-Net, checked name by name."""

from typing import Any

import torch

from common.diffusion.frame_attention import FrameTransformerSizes, NormOver
from common.diffusion.lifted_unet import FrameLayers, FrameLayersArchitecture
from common.errors import InputError
from video.animatediff.motion_file import MotionCheckpoint

_NUM_NAMED = 3


def frame_layers_of(
    checkpoint: MotionCheckpoint, unet: Any, norm_over: NormOver = "per_frame"
) -> FrameLayers:
    """The layers that lift ``unet`` as the checkpoint says, without gradients.

    Args:
        checkpoint: its weights become the layers'.
        unet: only its shape is looked at.
        norm_over: statistics of the modules' entry norms; diffusers has ``joint``.

    Raises:
        InputError: the checkpoint is for another U-Net: names or shapes that are missing, left over
            or different are named.
    """
    sides = {key.split(".motion_modules.")[0] for key in checkpoint.weights}
    sizes = FrameLayersArchitecture(
        transformer=FrameTransformerSizes(norm_over=norm_over),
        in_middle="mid_block" in sides,
        max_frames=checkpoint.family.max_frames,
    )
    _check_levels(sides, unet)
    with torch.device("meta"):
        layers = FrameLayers(sizes, unet)
    wanted = {key: tuple(value.shape) for key, value in layers.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in checkpoint.weights.items()}
    check_same(wanted, found, checkpoint.family.title)
    layers.load_state_dict(checkpoint.weights, assign=True)
    return layers.eval().requires_grad_(False)


def _check_levels(sides: set[str], unet: Any) -> None:
    levels = sum(side.startswith("down_blocks.") for side in sides)
    if levels != len(unet.down_blocks):
        raise InputError(
            f"these motion modules are for a U-Net of {levels} levels, this one has "
            f"{len(unet.down_blocks)}: Stable Diffusion 1.5 has 4, SDXL 3"
        )


def check_same(
    wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]], title: str
) -> None:
    """Refuse weights that are not a network's.

    Raises:
        InputError: the first names or shapes that are missing, left over or different.
    """
    missing = sorted(wanted.keys() - found.keys())
    extra = sorted(found.keys() - wanted.keys())
    different = [key for key in sorted(wanted.keys() & found.keys()) if wanted[key] != found[key]]
    problems = [
        f"{len(keys)} {what} ({', '.join(keys[:_NUM_NAMED])}{', ...' if len(keys) > 3 else ''})"
        for what, keys in (("missing", missing), ("left over", extra)) if keys
    ]  # fmt: skip
    problems += [
        f"{key} is {found[key]}, this U-Net needs {wanted[key]}" for key in different[:_NUM_NAMED]
    ]
    if problems:
        raise InputError(f"the motion modules ({title}) do not fit: {'; '.join(problems)}")
