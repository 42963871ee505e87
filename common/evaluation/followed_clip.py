"""A prior that follows the edges and the regions of a clip that is drawn again."""

from collections.abc import Sequence

import torch

from common.control.followed import Followed
from common.control.kinds import ReadKind
from common.control.preprocess import Preprocessor, preprocessed
from common.embedded.control_net import UnionControlNet
from common.embedded.controls import EmbeddedControl
from common.embedded.frame_prior import FramePrior
from common.embedded.seen_moves import plan_following
from common.shapes import Clips

_MADE_BY: dict[ReadKind, Preprocessor] = {
    "canny": "canny", "soft_edge": "soft_edge", "segmentation": "silhouette",
}  # fmt: skip


def following_clip(
    prior: FramePrior, net: UnionControlNet, clip: Clips, kinds: Sequence[ReadKind]
) -> FramePrior:
    """The prior of clips whose frames follow those of a given one.

    Args:
        prior: of clips.
        net: the ControlNet of its image U-Net.
        clip: premultiplied RGBA in [-1, 1], with a batch axis of 1.
        kinds: what of it is followed; none leaves the prior as it is.
    """
    frames = ((clip[0] + 1) / 2).clamp(0, 1).unbind(1)
    controls = []
    for kind in kinds:
        pictures = torch.stack([preprocessed(frame, _MADE_BY[kind]) for frame in frames])
        followed = Followed(pictures, torch.ones(len(frames)), (0.0, 1.0))
        controls.append(EmbeddedControl(net, kind, followed.on(clip.device)))
    pictures_alone = prior.pictures.following([control.first() for control in controls])
    plan = plan_following(prior.plan, controls)
    return FramePrior(pictures_alone, prior.lifted, prior.num_frames, plan, controls)
