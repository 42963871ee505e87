"""The estimator of depth and normals: read from the zoo once."""

import json
from functools import cache
from pathlib import Path

from common.embedded.geometry_estimator import GeometryArchitecture, GeometryEstimator
from common.zoo.storage import fill, load_model

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
