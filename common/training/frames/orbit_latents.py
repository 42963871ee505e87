"""The orbits of kit objects as latents: what the view layers learn from."""

from pathlib import Path

import numpy as np
from einops import rearrange

from common.training.kit.kit_orbits import load_orbits, orbit_digest
from common.training.kit.kit_parts import KitPart
from common.training.kit.orbit_parts import TRAIN_ORBITS
from common.training.pictures.latent_files import encoded_once, latent_path
from common.training.pictures.latent_sets import LatentSet
from common.training.pictures.subjects import KitSubject
from common.zoo.models import Loaded


def orbit_latents(
    autoencoder: Loaded, cache: Path, device: str, part: KitPart = TRAIN_ORBITS
) -> LatentSet:
    """All views of each object of a part, encoded unless the cache has them.

    The places of an object are its views; the first two of ``train`` are near the front.

    Raises:
        InputError: the orbits are not prepared.
    """
    sets = load_orbits(cache, part)
    path = latent_path(cache, autoencoder, f"kit_orbits-{part.name}", orbit_digest(part))
    latents = encoded_once(path, autoencoder, [one.pixels for one in sets], device)
    shots = [shot for one in sets for shot in one.shots]
    views = [[(view.azimuth_deg, view.elevation_deg) for view in shot.views] for shot in shots]
    return LatentSet(
        "kit_orbits",
        rearrange(latents, "(n v) z y x -> n v z y x", v=part.num_views),
        np.array(views, np.float32),
        tuple(KitSubject(shot.facts) for shot in shots),
        (1.0,) * len(shots),
    )
