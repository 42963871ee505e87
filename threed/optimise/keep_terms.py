"""What holds an edited scene to what it was, as weighted terms by name."""

from torch import Tensor

from threed.edit_3d import Kept
from threed.rendering.rendered import Rendered

_ROUND = 0.01
"""Below this, the absolute value is rounded off, so that small changes do not jitter."""


def keep_terms(seen: Rendered, before: Rendered, weights: Kept) -> dict[str, Tensor]:
    """Terms to lower; those of weight 0 are not computed.

    ``mean (o - o_0)^2`` of opacity, and ``mean sqrt((c - c_0)^2 + e^2) - e`` of premultiplied
    colour: its pull does not grow with the change, so a strong wish of the prior passes and many
    weak ones do not.

    Args:
        seen: the scene's renders.
        before: renders before the edit, from the same cameras.
        weights: of the terms.
    """
    terms: dict[str, Tensor] = {}
    if weights.outline:
        terms["keep_outline"] = weights.outline * (seen.opacity - before.opacity).square().mean()
    if weights.colour:
        change = ((seen.rgb - before.rgb).square() + _ROUND**2).sqrt() - _ROUND
        terms["keep_colour"] = weights.colour * change.mean()
    return terms
