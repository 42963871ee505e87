"""Kit objects as the pictures that fits start from: true, lit, from the view layers' cameras."""

from functools import cache

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.render import KitPictures, render
from common.kit.textured import textured_mesh

AROUND_4 = tuple((azimuth, 12.0) for azimuth in (0.0, 90.0, 180.0, 270.0))
AROUND_8 = tuple((45.0 * i, 12.0) for i in range(8))
HELD_OUT = ((20.0, 0.0), (110.0, 25.0), (200.0, 5.0), (290.0, 30.0))


@cache
def kit_views(name: str, angles: tuple[tuple[float, float], ...], size: int) -> KitPictures:
    """One object from azimuths and elevations in degrees."""
    cameras = cameras_on_orbit([View(*one) for one in angles], size)
    return render(textured_mesh(instance(category_named(name), 3).parts), cameras)
