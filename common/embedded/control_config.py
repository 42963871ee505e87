"""Settings of the embedded prior's ControlNet."""

from pydantic import model_validator

from common.control.followed_config import FollowedConfig
from common.control.kinds import ControlKind
from common.control.preprocess import Preprocessor

_MADE: dict[Preprocessor, ControlKind] = {
    "canny": "canny", "soft_edge": "soft_edge", "silhouette": "segmentation",
    "depth": "depth", "normals": "normals", "pose": "pose",
}  # fmt: skip


class EmbeddedControlConfig(FollowedConfig):
    """What the embedded ControlNet follows."""

    kind: ControlKind
    """What the picture shows: canny has white lines on black, soft_edge lines as strong as the
    edge, segmentation flat colours on black, depth is bright where it is near and black where it is
    empty, normals have red to the right, green up and blue towards the viewer, pose has a thing's
    skeleton as preprocessor pose draws it."""

    @model_validator(mode="after")
    def _preprocessor_makes_the_kind(self) -> "EmbeddedControlConfig":
        if self.preprocessor == "pose" and self.image.suffix.lower() == ".json":
            raise ValueError(
                "the embedded ControlNet follows poses of things in pictures; keypoints of people "
                "in JSON are for ControlNets of checkpoints (prior.name=pretrained)"
            )
        made = _MADE.get(self.preprocessor, self.kind)
        if made != self.kind:
            raise ValueError(
                f"preprocessor {self.preprocessor} makes pictures of kind {made}, not {self.kind}; "
                f"set kind: {made}, or preprocessor: none if the picture shows {self.kind} already"
            )
        return self
