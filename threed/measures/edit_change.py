"""What an edit changed and what it left, in pictures from the same cameras."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from threed.measures.silhouettes import silhouette_iou

SAME = 0.1
"""Largest difference of a channel, of 0 to 1, at which a pixel counts as left as it was."""
_SOLID = 0.5


@dataclass(frozen=True)
class EditChange:
    """Means over all views."""

    outline_kept: float
    """Overlap of outlines before and after, 0 to 1."""
    pixels_kept: float
    """Share of the pixels that show the object, before or after, that look as before."""
    colour_change: float
    """Mean absolute difference of colour where both show the object, 0 to 1."""


def edit_change(before: Float[Tensor, "v h w 4"], after: Float[Tensor, "v h w 4"]) -> EditChange:
    """Compare premultiplied pictures in [0, 1].

    Raises:
        InputError: a view shows nothing before the edit.
    """
    iou = float(silhouette_iou(after[..., 3], before[..., 3]).mean())
    ours, theirs = after[..., 3] >= _SOLID, before[..., 3] >= _SOLID
    change = (after - before).abs()
    same = change.amax(-1) <= SAME
    either, both = ours | theirs, ours & theirs
    kept = float(same[either].double().mean())
    if not bool(both.any()):
        return EditChange(iou, kept, 1.0)
    return EditChange(iou, kept, float(change[..., :3][both].double().mean()))
