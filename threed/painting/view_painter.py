"""The priors that paint: what draws a group of views of a mesh, told what they are views of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from common.control.followed import Followed
from common.embedded.control_net import UnionControlNet
from common.embedded.controls import EmbeddedControl
from common.embedded.frame_prior import FramePrior
from common.pretrained.controlnet import Control
from common.pretrained.prior import PretrainedPrior
from common.shapes import Images
from threed.distillation.picture_views import PictureViews
from threed.painting.paint_options import PaintControl
from threed.painting.sides import Sides


@dataclass(frozen=True)
class ToldPrior:
    """A prior of views and what it is told of one group of them."""

    prior: Any
    cond: Any
    uncond: Any


@runtime_checkable
class ViewPainter(Protocol):
    """Draws groups of views."""

    @property
    def sees_front(self) -> bool:
        """Whether views of a later group are drawn beside the front."""
        ...

    @property
    def is_lit(self) -> bool:
        """Whether its views are in the light of `common.embedded.studio_light`."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        ...

    def told(self, prompt: str, sides: Sides, front: Float[Tensor, "4 h w"] | None) -> ToldPrior:
        """The prior of these views.

        Args:
            prompt: what they show.
            sides: the mesh seen from them.
            front: the first of them if it is painted already, premultiplied in [0, 1].
        """
        ...


class EmbeddedPainter:
    """The embedded prior: views see each other through the view layers.

    State: a prior of views, its ControlNet, what is followed.
    """

    sees_front = is_lit = True

    def __init__(
        self, prior: FramePrior, net: UnionControlNet | None, controls: Sequence[PaintControl]
    ):
        self._prior, self._net, self._controls = prior, net, tuple(controls)

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self._prior.device

    def told(self, prompt: str, sides: Sides, front: Float[Tensor, "4 h w"] | None) -> ToldPrior:
        """The lifted U-Net, following the mesh."""
        count, base = len(sides.views), self._prior
        controls = []
        if self._net is not None:
            controls = [EmbeddedControl(self._net, one.kind, followed(one, sides).on(self.device))
                        for one in self._controls]  # fmt: skip
        prior = FramePrior(base.pictures, base.lifted, count, controls=controls)
        first: Images | None = None
        if front is not None:
            with torch.no_grad():
                first = prior.pictures.encode(front[None].to(self.device) * 2 - 1)
        return ToldPrior(
            prior, prior.embed([prompt], [sides.views], first),
            prior.embed([""], first=first, hidden=True),
        )  # fmt: skip


class PicturePainter:
    """A prior of single pictures: each view by itself, told in words where it is seen from.

    State: the prior, and each ControlNet with what it follows.
    """

    sees_front = is_lit = False

    def __init__(
        self, prior: PretrainedPrior, nets: Sequence[tuple[PaintControl, Any]], dtype: torch.dtype
    ):
        self._prior, self._nets, self._dtype = prior, tuple(nets), dtype

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self._prior.device

    def told(self, prompt: str, sides: Sides, front: Float[Tensor, "4 h w"] | None) -> ToldPrior:
        """The prior of these views; a front is of no use to it."""
        controls = [
            Control(net, followed(one, sides).on(self.device, self._dtype))
            for one, net in self._nets
        ]
        views = PictureViews(self._prior.following(controls), len(sides.views))
        return ToldPrior(views, views.embed([prompt], [sides.views]), views.embed([""]))


def followed(control: PaintControl, sides: Sides) -> Followed:
    """What a ControlNet follows of these views."""
    weights = torch.full((len(sides.views),), control.weight)
    return Followed(sides.control(control.kind), weights, control.interval)
