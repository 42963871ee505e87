"""Which AnimateDiff a motion checkpoint is, and what follows from that.

Told by the shape of the file, as its users do, since no file says it: a middle block is version 2;
three levels instead of four are SDXL, with sinusoids of 24 frames HotshotXL; sinusoids of 24 frames
are version 1, of 32 version 3; none at all is AnimateLCM.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from common.diffusion.frame_attention import NormOver
from common.diffusion.schedule_config import LinearSchedule, ScaledLinearSchedule, VPSchedule
from common.errors import InputError
from video.animatediff.motion_keys import is_position_table

FamilyName = Literal["v1", "v2", "v3", "sdxl_beta", "animatelcm", "hotshot_xl"]


@dataclass(frozen=True)
class MotionFamily:
    """What a family of checkpoints was trained with."""

    name: FamilyName
    title: str
    max_frames: int
    """Frames that it was trained on, which is as far as its sinusoid means anything."""
    in_middle: bool
    """Whether the middle block has a motion module."""
    resnet_norm_over: NormOver
    """Over what the norms of the U-Net's residual blocks took their statistics in training: the
    first version had them over all frames, diffusers always has them per frame."""
    schedule: VPSchedule
    """The noise schedule of its training, which is not that of Stable Diffusion."""
    table_frames: int | None = None
    """Frames of the sinusoids that its files store, if they are not ``max_frames``."""

    @property
    def stores_tables(self) -> bool:
        """Whether files of its own layout store sinusoids."""
        return self.name != "animatelcm"

    @property
    def num_stored(self) -> int:
        """Frames of the sinusoids that its files store."""
        return self.max_frames if self.table_frames is None else self.table_frames


_LINEAR = LinearSchedule(beta_start=0.00085, beta_end=0.012)
FAMILIES: dict[FamilyName, MotionFamily] = {
    one.name: one
    for one in (
        MotionFamily("v1", "AnimateDiff v1", 24, False, "joint", _LINEAR),
        MotionFamily("v2", "AnimateDiff v2", 32, True, "per_frame", _LINEAR),
        MotionFamily("v3", "AnimateDiff v3", 32, False, "per_frame", _LINEAR),
        MotionFamily(
            "sdxl_beta", "AnimateDiff SDXL beta", 32, False, "per_frame",
            ScaledLinearSchedule(beta_start=0.00085, beta_end=0.020),
        ),
        MotionFamily("animatelcm", "AnimateLCM", 32, True, "per_frame", _LINEAR),
        MotionFamily(
            "hotshot_xl", "HotshotXL", 8, False, "per_frame",
            ScaledLinearSchedule(beta_start=0.00085, beta_end=0.012), table_frames=24,
        ),
    )
}  # fmt: skip
"""What is known of each."""

_FOREIGN = (
    (re.compile(r"controlnet_cond_embedding\."), "a SparseCtrl encoder"),
    (re.compile(r"\.pos_embed\b.*motion|motion.*\.pos_embed\.(?!pe$)"), "a HelloMeme module"),
    (re.compile(r"_lora\.(down|up)\.weight$|\.lora_[AB]\."), "a LoRA, no motion module"),
)


def schedule_text(schedule: Any) -> str:
    """A noise schedule with betas in a few words."""
    return f"{schedule.name} {schedule.beta_start:g} to {schedule.beta_end:g}"


def family_of(weights: Mapping[str, Tensor], stated: str | None = None) -> MotionFamily:
    """The family of motion modules in the original's layout.

    Args:
        weights: of a file; only names and shapes are looked at.
        stated: what the file says of itself; it counts where shapes leave it open.

    Raises:
        InputError: there are none, or they are of another kind, which is said.
    """
    for pattern, kind in _FOREIGN:
        if any(pattern.search(key) for key in weights):
            raise InputError(f"these weights are {kind}; motion modules of AnimateDiff are wanted")
    if not any(".motion_modules." in key for key in weights):
        example = next(iter(weights), "nothing")
        raise InputError(
            f"no motion module among {len(weights)} weights (the first is '{example}'); they have "
            "'.motion_modules.' in their names"
        )
    lengths = {value.shape[1] for key, value in weights.items() if is_position_table(key)}
    levels = {int(key.split(".")[1]) for key in weights if key.startswith("down_blocks.")}
    if levels == {0, 1, 2}:
        return FAMILIES["hotshot_xl" if lengths == {24} else "sdxl_beta"]
    if not lengths:
        return FAMILIES["animatelcm"]
    if any(key.startswith("mid_block.") for key in weights):
        # diffusers' adapters store sinusoids, of AnimateLCM too.
        return FAMILIES["animatelcm" if stated == "animatelcm" else "v2"]
    match sorted(lengths):
        case [24]:
            return FAMILIES["v1"]
        case [32]:
            return FAMILIES["v3"]
        case _:
            raise InputError(
                f"sinusoids of {sorted(lengths)} frames are of no known AnimateDiff: v1 has 24, v2 "
                "and v3 have 32"
            )
