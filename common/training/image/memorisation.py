"""Whether samples are copies of training pictures: distances to the nearest one.

A prior that copies puts its samples closer to the training renders than other renders of the same
kind are (nearest-neighbour test of memorisation: Meehan et al. 2020, arXiv 2004.05675). Distances
are root mean squares of differences of the autoencoder's standardised latents, within a category.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32

from common.embedded.autoencoder import Autoencoder
from common.errors import InputError
from common.shapes import Images
from common.training.autoencoder.autoencoder_trainer import to_unit_range
from common.training.kit.kit_parts import INSTANCES, TRAIN
from common.training.kit.kit_pictures import load_kit

Codes = Float[torch.Tensor, "_ d"]
_NUM_FRONTS = 2
"""Views near the front that every training object has, first."""


@dataclass(frozen=True)
class NearestDistances:
    """Distances to the nearest training render of the category."""

    samples: Float32[np.ndarray, " n"]
    """Of every sample."""
    held_out: Float32[np.ndarray, " m"]
    """Of every held-out front render of the same categories."""

    @property
    def ratio(self) -> float:
        """Median distance of the samples over that of held-out renders; copies are far below 1."""
        return float(np.median(self.samples) / np.median(self.held_out))


def nearest_distances(
    autoencoder: Autoencoder, cache: Path, samples: Images, categories: Sequence[str], size_px: int
) -> NearestDistances:
    """Front samples and held-out fronts against the training objects' fronts.

    Args:
        autoencoder: in whose latents distances are taken.
        cache: where the kit is prepared.
        samples: premultiplied RGBA in [-1, 1].
        categories: of each sample.
        size_px: side of the pictures.

    Raises:
        InputError: the kit is not prepared, or a category is unknown.
    """
    trained = {one.category.name: one for one in load_kit(cache, TRAIN, size_px)}
    held_out = {one.category.name: one for one in load_kit(cache, INSTANCES, size_px)}
    unknown = sorted(set(categories) - set(trained))
    if unknown:
        raise InputError(f"the kit has no training pictures of {', '.join(unknown)}")
    of_samples, of_held_out = [], []
    for name in sorted(set(categories)):
        rows = [row for row, category in enumerate(categories) if category == name]
        one = trained[name]
        fronts = np.arange(len(one.pixels)) % one.num_views < _NUM_FRONTS
        known = _codes(autoencoder, _pictures(np.asarray(one.pixels[np.flatnonzero(fronts)])))
        other = np.array(held_out[name].pixels[:: held_out[name].num_views])
        of_samples.append(nearest(_codes(autoencoder, samples[rows]), known))
        of_held_out.append(nearest(_codes(autoencoder, _pictures(other)), known))
    return NearestDistances(np.concatenate(of_samples), np.concatenate(of_held_out))


def nearest(queries: Codes, known: Codes) -> Float32[np.ndarray, " n"]:
    """Root mean square difference of each query from the known row nearest to it."""
    distances = torch.cdist(queries, known).amin(1) / queries.shape[1] ** 0.5
    return distances.float().cpu().numpy()


def _pictures(pixels: np.ndarray) -> Images:
    return to_unit_range(pixels, "cpu") * 2 - 1


@torch.no_grad()
def _codes(autoencoder: Autoencoder, pictures: Images) -> Codes:
    device = autoencoder.latent_mean.device
    codes = [autoencoder.encode(some.to(device)).flatten(1) for some in pictures.split(64)]
    return torch.cat(codes)
