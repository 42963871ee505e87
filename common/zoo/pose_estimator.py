"""The estimator of poses: read from the zoo once."""

from functools import cache
from pathlib import Path

from common.embedded.pose_estimator import PoseArchitecture, PoseEstimator
from common.zoo.models import ZOO, architecture_of, ready
from common.zoo.storage import load_model

KIND = "pose_estimator"


@cache
def load_pose_estimator(folder: Path = ZOO) -> PoseEstimator:
    """The estimator in evaluation mode, on the CPU; it stands on no other model.

    Raises:
        InputError: it is missing or damaged.
    """
    stored = load_model(folder, KIND, KIND)
    sizes = architecture_of(PoseArchitecture, stored.manifest.architecture)
    model: PoseEstimator = ready(PoseEstimator(sizes), stored, "cpu").model
    return model
