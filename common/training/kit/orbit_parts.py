"""Which kit objects the view layers see, and from where on their orbit.

The parts are those of the still pictures (`kit_parts`) with fewer objects and other views:
``train`` is seen from all round outside the held-out bands of azimuth, what is measured on from
eight directions an eighth of a turn apart.
"""

import numpy as np

from common.embedded.image_unet import View
from common.kit.kit_object import KitObject
from common.kit.real import Real
from common.kit.split import read_split
from common.seeding import stream_seed
from common.training.kit.kit_parts import KitPart

TRAIN_ORBITS = KitPart("train", 48, 12)
INSTANCE_ORBITS = KitPart("instances", 4, 8)
PAIR_ORBITS = KitPart("pairs", 1, 8)
ORBIT_PARTS = (TRAIN_ORBITS, INSTANCE_ORBITS, PAIR_ORBITS)
MIN_ELEVATION_DEG, MAX_ELEVATION_DEG = -10.0, 35.0
MEASURED_ELEVATION_DEG = 12.0
NUM_FRONTS = 2
"""Views near the front in ``train``: an image that is given to start from shows the front."""
FRONT_AZIMUTH_DEG = 10.0
FRONT_ELEVATIONS_DEG = (5.0, 20.0)


def orbit_views_of(part: KitPart, one: KitObject) -> tuple[View, ...]:
    """Where one object of a part is seen from.

    In ``train`` the first two views are near the front. The others go once round: azimuth is
    uniform over all that is trained on, with one view in every equal share of it, so that views
    about a quarter of a turn apart always occur; elevation is uniform and independent of it.
    In the measured parts azimuth is 0, 45, 90 ... degrees at the elevation of the front view.
    """
    if part.name != "train":
        turn = 360.0 / part.num_views
        return tuple(View(turn * i, MEASURED_ELEVATION_DEG) for i in range(part.num_views))
    rng = np.random.default_rng(stream_seed(one.seed, 0, f"kit orbit {one.category}"))
    num_round = part.num_views - NUM_FRONTS
    fronts = tuple(_near_front(rng) for _ in range(NUM_FRONTS))
    shares = [(i + float(rng.uniform())) / num_round for i in range(num_round)]
    return (*fronts, *(_seen_round(share, rng) for share in shares))


def trained_azimuth_deg(share: Real) -> float:
    """The azimuth below which this share, from 0 to 1, of all that is trained on lies."""
    left = share * (360.0 - sum(high - low for low, high in read_split().azimuth_bands_deg))
    start = 0.0
    for low, high in sorted(read_split().azimuth_bands_deg):
        if left < low - start:
            break
        left -= low - start
        start = high
    return float(start + left)


def _near_front(rng: np.random.Generator) -> View:
    azimuth = float(rng.uniform(-FRONT_AZIMUTH_DEG, FRONT_AZIMUTH_DEG)) % 360.0
    return View(azimuth, float(rng.uniform(*FRONT_ELEVATIONS_DEG)))


def _seen_round(share: float, rng: np.random.Generator) -> View:
    elevation = float(rng.uniform(MIN_ELEVATION_DEG, MAX_ELEVATION_DEG))
    return View(trained_azimuth_deg(share), elevation)
