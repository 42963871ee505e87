"""Pictures encoded once by a frozen autoencoder into a file that belongs to it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float16, UInt8

from common.embedded.autoencoder import DOWNSAMPLING
from common.training.array_files import fill_array
from common.training.latent_sets import encode_pixels
from common.zoo.models import Loaded

_BLOCK = 1024
"""Pictures whose latents are in memory at a time."""

Pixels = UInt8[np.ndarray, "_ _ _ 4"]
"""Square premultiplied pictures, any number and size."""


def latent_path(cache: Path, autoencoder: Loaded, name: str, digest: str) -> Path:
    """The file of latents of data with this digest, in the folder of the autoencoder."""
    return cache / "latents" / autoencoder.identity[:16] / f"{name}-{digest[:8]}.npy"


def encoded_once(
    path: Path, autoencoder: Loaded, sources: Sequence[Pixels], device: str
) -> Float16[np.ndarray, "n z y x"]:
    """The mapped latents of all pictures, source after source; encoded unless ``path`` is there.

    Memory is bounded by a block, and the file appears when it is complete.
    """
    if not path.is_file():
        side = sources[0].shape[1] // DOWNSAMPLING
        channels = autoencoder.model.architecture.latent_channels
        shape = (sum(map(len, sources)), channels, side, side)
        fill_array(path, shape, np.float16, _encoded(autoencoder, sources, device))
    return np.load(path, mmap_mode="r")


def _encoded(
    autoencoder: Loaded, sources: Sequence[Pixels], device: str
) -> Iterator[Float16[np.ndarray, "n z y x"]]:
    for pixels in sources:
        for start in range(0, len(pixels), _BLOCK):
            yield encode_pixels(autoencoder, pixels[start : start + _BLOCK], device)
