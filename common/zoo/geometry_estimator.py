"""The estimator of depth and normals: read from the zoo once."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from common.control.followed_config import FollowedConfig
from common.control.kinds import ESTIMATED_KINDS
from common.embedded.geometry_estimator import GeometryArchitecture, GeometryEstimator
from common.zoo.storage import fill, load_model, read_manifest

KIND = "geometry_estimator"
_ZOO = Path(__file__).parent / "weights"


@cache
def load_geometry_estimator(folder: Path = _ZOO) -> GeometryEstimator:
    """The estimator in evaluation mode, on the CPU; it stands on no other model.

    Raises:
        InputError: it is missing or damaged.
    """
    stored = load_model(folder, KIND, KIND)
    # JSON has lists where configs have tuples.
    values = json.dumps(dict(stored.manifest.architecture))
    network = GeometryEstimator(GeometryArchitecture.model_validate_json(values))
    fill(network, stored)
    return network.eval().requires_grad_(False)


def estimator_bytes(controls: Sequence[FollowedConfig]) -> int:
    """Stored size of the estimator if some of what is followed needs it.

    Raises:
        InputError: it is missing.
    """
    if any(one.preprocessor in ESTIMATED_KINDS for one in controls):
        return read_manifest(_ZOO, KIND).num_bytes
    return 0
