"""Drawing small things as large as the picture: controls enlarged, what is drawn laid back.

The image prior draws one thing that fills its picture. Asked to follow something small beside the
middle, it fills the rest with a second one. So it follows the part of its pictures in which there
is something, enlarged, and what it draws is scaled back to where that part was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from common.embedded.controls import EmbeddedControl
from common.media.fitting import Placement, placed
from common.media.mask_box import mask_box
from common.shapes import Images

_FILLED = 0.8
"""Share of the shorter side that things fill where the prior draws them."""


@dataclass(frozen=True)
class CloseUp:
    """The square part of a picture that is drawn: its centre and side, pixels."""

    right: float
    down: float
    side: float

    def shown(self, picture: Float[Tensor, "c h w"], empty: float) -> Float[Tensor, "c h w"]:
        """The part, as large as the picture; beyond the picture's edges it is ``empty``."""
        height, width = picture.shape[1:]
        scale = min(height, width) / self.side
        return _scaled(
            picture, scale, width / 2 - self.right * scale, height / 2 - self.down * scale, empty
        )

    def laid_back(self, drawn: Images) -> Images:
        """What was drawn for the part, premultiplied RGBA in [-1, 1], where the part is."""
        height, width = drawn.shape[2:]
        scale = self.side / min(height, width)
        left, top = self.right - width / 2 * scale, self.down - height / 2 * scale
        return torch.stack([_scaled(one, scale, left, top, -1.0) for one in drawn])


def close_up(controls: Sequence[EmbeddedControl]) -> CloseUp | None:
    """Where there is anything in the first pictures that are followed.

    None: nowhere, or in so much of the picture that it is drawn as it is.
    """
    acting = [one.followed for one in controls if bool(one.followed.weights[0] != 0)]
    if not acting:
        return None
    lit: Bool[Tensor, "h w"] = torch.stack([one.first().lit()[0] for one in acting]).any(0)
    if not bool(lit.any()):
        return None
    rows, columns = mask_box(lit)
    side = max(rows.stop - rows.start, columns.stop - columns.start) / _FILLED
    if side >= min(lit.shape):
        return None
    return CloseUp((columns.start + columns.stop) / 2, (rows.start + rows.stop) / 2, side)


def enlarged(controls: Sequence[EmbeddedControl], part: CloseUp) -> list[EmbeddedControl]:
    """The controls of first frames, following the part."""
    return [
        replace(one, followed=replace(one.followed, pictures=torch.stack([
            part.shown(picture, 0.0) for picture in one.followed.pictures
        ])))
        for one in controls
    ]  # fmt: skip


def _scaled(
    picture: Float[Tensor, "c h w"], scale: float, left: float, top: float, empty: float
) -> Float[Tensor, "c h w"]:
    height, width = picture.shape[1:]
    place = Placement(
        max(round(height * scale), 1), max(round(width * scale), 1), round(top), round(left)
    )
    return placed(picture, place, torch.full_like(picture, empty))
