"""How far open the mouth of a known kit face is in each frame of a clip.

The face is rendered with its mouth closed and with a ladder of openings, all through the
autoencoder. Of a frame the height is taken over which the middle of the mouth differs from the
closed one; the ladder says which opening has that height. So neither the exact place nor the colour
of what is drawn counts.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.embedded.frame_coding import decoded_frames, encoded_frames
from common.kit.face_pose import FacePose
from common.kit.kit_object import KitObject
from common.training.talking.face_shots import CLOSED, SIZE_PX, Mouth, shots_of

OPENINGS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
SHAPES = ((0.5, 0.0), (0.3, 0.6))
"""Width and rounding: as at rest, and rounder; heights are means over both."""
_MIDDLE, _ABOVE, _BELOW = 0.2, 0.45, 0.8
"""How far from its centre the mouth is looked at, sideways, up and down, in its widths."""
_SAME, _OTHER = 0.12, 0.35
"""Differences of a colour channel, of 1, that are none, and that are whole."""


@dataclass(frozen=True, eq=False)
class MouthMeasure:
    """What is known of one face."""

    closed: Float[Tensor, "3 h w"]
    """It with its mouth closed, colours over white from 0 to 1."""
    rows: slice
    """Where its mouth is looked at."""
    columns: slice
    heights: Float[np.ndarray, " o"]
    """Of `OPENINGS`, rising."""

    def openings(self, clip: Float[Tensor, "4 f h w"]) -> Float[np.ndarray, " f"]:
        """Of every frame of premultiplied RGBA in [-1, 1], from 0 to 1."""
        return np.interp(self._heights(over_white(clip)), self.heights, OPENINGS)

    def _heights(self, clip: Float[Tensor, "3 f h w"]) -> Float[np.ndarray, " f"]:
        return changed_heights(clip, self.closed, self.rows, self.columns)


@torch.inference_mode()
def mouth_measure(
    autoencoder: Autoencoder, one: KitObject, rest: FacePose, size_px: int = SIZE_PX
) -> MouthMeasure:
    """The measure of one face, seen from the front."""
    ladder: list[Mouth] = [(o, wide, round_) for (wide, round_), o in product(SHAPES, OPENINGS)]
    shots = shots_of(one, rest, [CLOSED, *ladder], size_px=size_px)
    clip = over_white(through(autoencoder, shots.clip))
    x, y, wide = (shots.place * size_px).tolist()
    columns = slice(round(x - _MIDDLE * wide), max(round(x + _MIDDLE * wide), 1 + int(x)))
    rows = slice(max(round(y - _ABOVE * wide), 0), round(y + _BELOW * wide))
    heights = changed_heights(clip[:, 1:], clip[:, 0], rows, columns)
    means = rearrange(heights, "(s o) -> s o", s=len(SHAPES)).mean(0)
    rising = np.maximum.accumulate(means) + 1e-6 * np.arange(len(means))
    return MouthMeasure(clip[:, 0], rows, columns, rising)


def changed_heights(
    clip: Float[Tensor, "3 f h w"], closed: Float[Tensor, "3 h w"], rows: slice, columns: slice
) -> Float[np.ndarray, " f"]:
    """Over how many pixels the middle columns of each frame differ from the closed mouth."""
    off = (clip - closed[:, None]).abs().amax(0)[:, rows, columns]
    changed = ((off - _SAME) / (_OTHER - _SAME)).clamp(0, 1)
    return changed.sum(1).mean(1).double().numpy()


def over_white(clip: Float[Tensor, "4 f h w"]) -> Float[Tensor, "3 f h w"]:
    """Premultiplied RGBA in [-1, 1] as colours over white from 0 to 1."""
    shown = (clip + 1) / 2
    return (shown[:3] + 1 - shown[3:]).clamp(0, 1)


@torch.inference_mode()
def through(autoencoder: Autoencoder, clip: Float[Tensor, "4 f h w"]) -> Float[Tensor, "4 f h w"]:
    """A clip as the autoencoder lets it through, which is the best that can be drawn."""
    return decoded_frames(autoencoder, encoded_frames(autoencoder, clip[None])).clamp(-1, 1)[0]
