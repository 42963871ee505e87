"""The estimator of depth and normals: read from the zoo once."""

from functools import cache
from pathlib import Path

from common.embedded.geometry_estimator import GeometryArchitecture, GeometryEstimator
from common.zoo.models import ZOO
from common.zoo.standalone import load_standalone

KIND = "geometry_estimator"


@cache
def load_geometry_estimator(folder: Path = ZOO) -> GeometryEstimator:
    """The estimator in evaluation mode, on the CPU; it stands on no other model.

    Raises:
        InputError: it is missing or damaged.
    """
    return load_standalone(folder, KIND, GeometryArchitecture, GeometryEstimator)
