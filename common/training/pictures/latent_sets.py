"""Pictures encoded once by the frozen autoencoder, with what they show and from where.

Encoding costs as much as a training step of the U-Net, so it is done before. An emoji is kept in a
few slightly different places and sizes, a kit object in all its views. The cache folder
``latents/<identity>/`` belongs to the one autoencoder of that identity.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16, Float32, UInt8

from common.atomic import atomic_path
from common.embedded.image_unet import FRONT
from common.seeding import generator_for
from common.training.autoencoder.autoencoder_trainer import to_unit_range
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_phrases import phrases
from common.training.emoji.emoji_stills import EmojiStills, load_stills
from common.training.kit.kit_parts import TRAIN
from common.training.kit.kit_pictures import KitCategorySet, kit_digest, load_kit
from common.training.pictures.augmentation import Augmentation, augment
from common.training.pictures.subjects import EmojiSubject, KitSubject, Subject
from common.zoo.models import Loaded

PLACES = Augmentation(
    affine=1.0, max_zoom=1.12, max_shift=0.04, max_turn_deg=4.0, flip=0.0, recolor=0.0, opaque=0.0
)
NUM_PLACES = 4
"""The picture as it is, and three times moved a little."""
LOOKALIKE_WEIGHT = 0.15
"""How often a look-alike is drawn, relative to a distinct emoji: flags, keycaps and variants are a
third of the set, and would take that share of the model."""
_BATCH = 64


@dataclass(frozen=True)
class LatentSet:
    """Latents of pictures: some of each subject, which are drawn alike."""

    name: str
    latents: Float16[np.ndarray, "n places z y x"]
    views: Float32[np.ndarray, "n places 2"]
    """Azimuth and elevation of each picture, degrees."""
    subjects: tuple[Subject, ...]
    weights: tuple[float, ...]
    """How often each subject is drawn."""


def emoji_latents(autoencoder: Loaded, cache: Path, size_px: int, device: str) -> LatentSet:
    """The latents of all emoji stills, encoded unless the cache has them."""
    stills = load_stills(cache, size_px)
    path = _folder(cache, autoencoder) / f"emoji-{size_px}.npy"
    if not path.is_file():
        _save(path, encode_places(autoencoder, stills, device))
    concepts = load_concepts()
    described = [concepts[key] for key in stills.keys]
    latents = np.load(path, mmap_mode="r")
    front = np.array([FRONT.azimuth_deg, FRONT.elevation_deg], np.float32)
    return LatentSet(
        "emoji",
        latents,
        np.broadcast_to(front, (*latents.shape[:2], 2)),
        tuple(EmojiSubject(c.key, phrases(c, "en"), phrases(c, "zh")) for c in described),
        tuple(LOOKALIKE_WEIGHT if c.lookalike else 1.0 for c in described),
    )


def kit_latents(autoencoder: Loaded, cache: Path, size_px: int, device: str) -> LatentSet:
    """The latents of all views of the kit's training objects, encoded unless the cache has them."""
    sets = load_kit(cache, TRAIN, size_px)
    path = _folder(cache, autoencoder) / f"kit-{size_px}-{kit_digest()[:8]}.npy"
    if not path.is_file():
        rows = [_encode_objects(autoencoder, one, device) for one in sets]
        _save(path, np.concatenate(rows))
    shots = [shot for one in sets for shot in one.shots]
    views = [[(view.azimuth_deg, view.elevation_deg) for view in shot.views] for shot in shots]
    return LatentSet(
        "kit",
        np.load(path, mmap_mode="r"),
        np.array(views, np.float32),
        tuple(KitSubject(shot.facts) for shot in shots),
        (1.0,) * len(shots),
    )


@torch.no_grad()
def encode_places(
    autoencoder: Loaded, stills: EmojiStills, device: str
) -> Float16[np.ndarray, "n places z y x"]:
    """Standardised latents of each still, as it is and moved."""
    rows = []
    for row in range(len(stills.keys)):
        plain = to_unit_range(np.asarray(stills.pixels[row : row + 1]), device)
        generator = generator_for(0, row, "latent places")
        moved = augment(plain.cpu().repeat(NUM_PLACES - 1, 1, 1, 1), PLACES, generator)
        pictures = torch.cat([plain, moved.to(device)]) * 2 - 1
        rows.append(autoencoder.model.encode(pictures).half().cpu().numpy())
    return np.stack(rows)


def _encode_objects(
    autoencoder: Loaded, one: KitCategorySet, device: str
) -> Float16[np.ndarray, "n places z y x"]:
    codes = encode_pixels(autoencoder, one.pixels, device)
    return codes.reshape(len(one.shots), one.num_views, *codes.shape[1:])


@torch.no_grad()
def encode_pixels(
    autoencoder: Loaded, pixels: UInt8[np.ndarray, "n h w 4"], device: str
) -> Float16[np.ndarray, "n z y x"]:
    """Standardised latents of premultiplied 8-bit pictures."""
    parts = []
    for start in range(0, len(pixels), _BATCH):
        pictures = to_unit_range(np.asarray(pixels[start : start + _BATCH]), device) * 2 - 1
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        parts.append(autoencoder.model.encode(pictures).half().cpu().numpy())
    return np.concatenate(parts)


def _folder(cache: Path, autoencoder: Loaded) -> Path:
    return cache / "latents" / autoencoder.identity[:16]


def _save(path: Path, latents: Float16[np.ndarray, "..."]) -> None:
    with atomic_path(path) as partial:
        np.save(partial, latents)
