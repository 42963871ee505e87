"""What the estimators weigh that pictures to follow are made by."""

from collections.abc import Sequence

from common.control.followed_config import FollowedConfig
from common.control.preprocess import Preprocessor
from common.zoo import geometry_estimator, pose_estimator
from common.zoo.models import ZOO
from common.zoo.storage import read_manifest

_MAKERS: dict[Preprocessor, str] = {
    "depth": geometry_estimator.KIND, "normals": geometry_estimator.KIND,
    "pose": pose_estimator.KIND,
}  # fmt: skip


def estimator_bytes(controls: Sequence[FollowedConfig]) -> int:
    """Stored size of the estimators that some of what is followed needs.

    Raises:
        InputError: one is missing.
    """
    wanted = {_MAKERS[one.preprocessor] for one in controls if one.preprocessor in _MAKERS}
    return sum(read_manifest(ZOO, kind).num_bytes for kind in sorted(wanted))
