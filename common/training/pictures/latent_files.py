"""Pictures encoded once by a frozen autoencoder into a file that belongs to it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from einops import rearrange
from jaxtyping import Float16, UInt8

from common.embedded.autoencoder import DOWNSAMPLING
from common.training.pictures.array_files import fill_array
from common.training.pictures.latent_sets import encode_pixels
from common.zoo.models import Loaded

_BLOCK = 1024
"""Pictures whose latents are in memory at a time."""

Pixels = UInt8[np.ndarray, "_ _ _ 4"]
"""Square premultiplied pictures, any number and size."""


def latent_path(cache: Path, autoencoder: Loaded, name: str, digest: str) -> Path:
    """The file of latents of data with this digest, in the folder of the autoencoder."""
    return cache / "latents" / autoencoder.identity[:16] / f"{name}-{digest[:8]}.npy"


def encoded_once(
    path: Path, autoencoder: Loaded, sources: Sequence[Pixels], device: str, halve: bool = False
) -> Float16[np.ndarray, "n z y x"]:
    """The mapped latents of all pictures, source after source; encoded unless ``path`` is there.

    With ``halve`` these are the latents of the pictures at half of their side. Memory is bounded by
    a block, and the file appears when it is complete.
    """
    if not path.is_file():
        side = sources[0].shape[1] // DOWNSAMPLING // (2 if halve else 1)
        channels = autoencoder.model.architecture.latent_channels
        shape = (sum(map(len, sources)), channels, side, side)
        fill_array(path, shape, np.float16, _encoded(autoencoder, sources, device, halve))
    return np.load(path, mmap_mode="r")


def _encoded(
    autoencoder: Loaded, sources: Sequence[Pixels], device: str, halve: bool
) -> Iterator[Float16[np.ndarray, "n z y x"]]:
    for pixels in sources:
        for start in range(0, len(pixels), _BLOCK):
            block = pixels[start : start + _BLOCK]
            yield encode_pixels(autoencoder, halved(block) if halve else block, device)


def halved(pixels: UInt8[np.ndarray, "n h w 4"]) -> UInt8[np.ndarray, "n y x 4"]:
    """Premultiplied pictures at half of their side: the rounded mean of every four pixels."""
    fours = rearrange(pixels, "n (y two) (x too) c -> (two too) n y x c", two=2, too=2)
    return ((fours.astype(np.uint16).sum(0) + 2) // 4).astype(np.uint8)
