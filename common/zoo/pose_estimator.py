"""The estimator of poses: read from the zoo once."""

from functools import cache
from pathlib import Path

from common.embedded.pose_estimator import PoseArchitecture, PoseEstimator
from common.zoo.models import ZOO
from common.zoo.standalone import load_standalone

KIND = "pose_estimator"


@cache
def load_pose_estimator(folder: Path = ZOO) -> PoseEstimator:
    """The estimator in evaluation mode, on the CPU; it stands on no other model.

    Raises:
        InputError: it is missing or damaged.
    """
    return load_standalone(folder, KIND, PoseArchitecture, PoseEstimator)
