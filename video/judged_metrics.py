"""Figures of clips by the judge: whether things and grounds stay the same, and fit the prompt.

The judge has seen renders of the object kit and emoji, and reads English and Chinese. It looks at
single frames at its own size, those that are not square padded with nothing to squares. What can be
seen through is laid on plain grounds; of opaque clips the ground is part of what is seen. Both
consistencies are formulas of VBench (Huang et al. 2024, arXiv 2311.17982) on other features, and
the background is told apart otherwise: figures are not comparable with VBench's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from common.diffusion.frame_curves import PromptTravel
from common.embedded.judge import Judge
from common.errors import InputError
from common.judging.clip_steadiness import mean_likeness
from common.judging.judging import BACKGROUNDS, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.media.pixels import from_frames
from common.shapes import Frames
from common.zoo.models import ZOO, load_judge
from video.metrics import LEAST_FRAMES, JudgedMetric

EDGE = 8
"""Along the edges of frames an eighth of each side counts as ground: 44 % of their area."""
_TOGETHER = 64
"""Frames that are held as numbers."""
_NOTHING = -1.0


@dataclass(frozen=True, eq=False)
class ClipJudge:
    """The judge, and the texts that it has read."""

    judge: Judge
    texts: ReadTexts


def load_clip_judge(device: str = "cpu") -> ClipJudge:
    """The judge that comes with Extrude: with another one figures would not be comparable."""
    judge = load_judge(ZOO, device).model
    return ClipJudge(judge, ReadTexts(judge, load_names()))


def judged_metrics(
    names: Sequence[JudgedMetric], judge: ClipJudge, frames: Frames, told: PromptTravel | None
) -> dict[str, float]:
    """The named figures of a clip.

    Args:
        names: which.
        judge: who looks.
        frames: RGB or straight RGBA.
        told: the prompts and how much each counts in each frame; None: nothing is known of them.

    Raises:
        InputError: too few frames, a background of frames that can be seen through, or no prompts.
    """
    for name in names:
        if len(frames) < LEAST_FRAMES[name]:
            raise InputError(
                f"{name} is of {LEAST_FRAMES[name]} frames or more; the clip has {len(frames)}"
            )
    return {name: _figure(name, judge, frames, told) for name in names}


def _figure(
    name: JudgedMetric, judge: ClipJudge, frames: Frames, told: PromptTravel | None
) -> float:
    match name:
        case "judge_subject_consistency":
            return mean_likeness(frame_features(judge, frames))
        case "judge_background_consistency":
            return background_consistency(judge, frames)
        case "judge_text_alignment":
            return text_alignment(judge, frames, told)
        case _:
            assert_never(name)


def background_consistency(judge: ClipJudge, frames: Frames) -> float:
    """Mean cosine of the edges of frames with those of the first and of the previous frame.

    The edges are the outer eighth of each side; the middle, where subjects are, is not seen. 1 is a
    ground that stands still; one that moves by has a little less, another one much less. What
    leaves the middle lowers it too.

    Raises:
        InputError: frames that can be seen through: what is behind them is not in the clip.
    """
    if can_be_seen_through(frames):
        raise InputError(
            "the clip can be seen through, so it has no background whose consistency could be "
            "measured: leave judge_background_consistency out"
        )
    return mean_likeness(edge_features(judge, frames))


def text_alignment(judge: ClipJudge, frames: Frames, told: PromptTravel | None) -> float:
    """Mean over frames of the cosine of their features with those of their prompts, in [-1, 1].

    ``1/f sum_t sum_k s_tk cos(f_t, g_k)``: where prompts change along the clip, each counts in a
    frame by its share ``s_tk``.

    Raises:
        InputError: no prompts, or shares of another number of frames.
    """
    if told is None:
        raise InputError("text alignment is of a clip and its prompt; the prompt is not known")
    if len(told.shares) != len(frames):
        raise InputError(f"{len(frames)} frames, and prompts of {len(told.shares)}")
    cosines = frame_features(judge, frames) @ judge.texts.features(told.prompts).T
    return float((told.shares * cosines).sum(1).mean())


def frame_features(judge: ClipJudge, frames: Frames) -> Float[Tensor, "f d"]:
    """The judge's unit features of each frame, RGB or straight RGBA."""
    parts = [
        look(judge.judge, _squared(_pictures(frames[at : at + _TOGETHER]))).features
        for at in range(0, len(frames), _TOGETHER)
    ]
    return torch.cat(parts)


@torch.no_grad()
def edge_features(judge: ClipJudge, frames: Frames) -> Float[Tensor, "f d"]:
    """The mean of the judge's last feature map over the cells along the edges of opaque frames.

    Not its joint features: these are of things, and the same before almost any ground. Frames are
    resampled to the judge's square, and their middle is filled with one of its own plain grounds.
    """
    side = judge.judge.architecture.size_px
    device = judge.judge.log_scale.device
    inside = slice(side // EDGE, side - side // EDGE)
    ground = torch.tensor(BACKGROUNDS[0])[:, None, None] * 2 - 1
    found = []
    for at in range(0, len(frames), _TOGETHER):
        pictures = F.interpolate(
            _pictures(frames[at : at + _TOGETHER])[:, :3], size=(side, side), mode="area"
        )
        pictures[:, :, inside, inside] = ground
        cells = judge.judge.look(pictures.to(device)).cpu()
        found.append(cells[:, :, _on_edges(cells.shape[-1])].mean(2))
    return torch.cat(found)


def _on_edges(side: int) -> Bool[Tensor, "y x"]:
    """Which cells of a feature map lie along its edges."""
    depth = max(side // EDGE, 1)
    edges = torch.ones(side, side, dtype=torch.bool)
    edges[depth : side - depth, depth : side - depth] = False
    return edges


def can_be_seen_through(frames: Frames) -> bool:
    """Whether any pixel is not opaque."""
    return frames.shape[-1] == 4 and bool((frames[..., 3] < 255).any())


def _pictures(frames: Frames) -> Float[Tensor, "f 4 h w"]:
    """Premultiplied RGBA in [-1, 1]."""
    pictures = rearrange(from_frames(frames), "c f h w -> f c h w")
    if pictures.shape[1] == 4:
        return pictures
    return torch.cat([pictures, torch.ones_like(pictures[:, :1])], 1)


def _squared(pictures: Float[Tensor, "f 4 h w"]) -> Float[Tensor, "f 4 side side"]:
    """Padded with nothing to squares, the same on both sides to a pixel."""
    height, width = pictures.shape[2:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    around = (left, side - width - left, top, side - height - top)
    return F.pad(pictures, around, value=_NOTHING)
