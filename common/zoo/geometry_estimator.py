"""The estimator of depth and normals: read from the zoo once."""

from functools import cache
from pathlib import Path

from common.embedded.geometry_estimator import GeometryArchitecture, GeometryEstimator
from common.zoo.models import ZOO, architecture_of, ready
from common.zoo.storage import load_model

KIND = "geometry_estimator"


@cache
def load_geometry_estimator(folder: Path = ZOO) -> GeometryEstimator:
    """The estimator in evaluation mode, on the CPU; it stands on no other model.

    Raises:
        InputError: it is missing or damaged.
    """
    stored = load_model(folder, KIND, KIND)
    sizes = architecture_of(GeometryArchitecture, stored.manifest.architecture)
    model: GeometryEstimator = ready(GeometryEstimator(sizes), stored, "cpu").model
    return model
