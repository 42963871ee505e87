"""Pictures encoded once by the frozen autoencoder, with their captions and views.

Encoding costs as much as a training step of the U-Net, so it is done before. Each picture is kept
in a few slightly different places and sizes. The cache folder ``latents/<identity>/`` belongs to
the one autoencoder of that identity.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16

from common.atomic import atomic_path
from common.embedded.image_unet import FRONT, View
from common.seeding import generator_for
from common.training.augmentation import Augmentation, augment
from common.training.autoencoder_trainer import to_unit_range
from common.training.emoji_concepts import load_concepts
from common.training.emoji_phrases import Phrase, phrases
from common.training.emoji_stills import EmojiStills, load_stills
from common.zoo.models import Loaded

PLACES = Augmentation(
    affine=1.0, max_zoom=1.12, max_shift=0.04, max_turn_deg=4.0, flip=0.0, recolor=0.0, opaque=0.0
)
NUM_PLACES = 4
"""The picture as it is, and three times moved a little."""
LOOKALIKE_WEIGHT = 0.15
"""How often a look-alike is drawn, relative to a distinct emoji: flags, keycaps and variants are a
third of the set, and would take that share of the model."""


@dataclass(frozen=True)
class LatentSet:
    """Latents of pictures, with what is said of each."""

    latents: Float16[np.ndarray, "n places z y x"]
    english: tuple[tuple[Phrase, ...], ...]
    """Captions of each picture in English."""
    chinese: tuple[tuple[Phrase, ...], ...]
    views: tuple[View | None, ...]
    weights: tuple[float, ...]
    """How often each is drawn."""
    keys: tuple[str, ...]
    """Names of the pictures, for splits."""


def emoji_latents(autoencoder: Loaded, cache: Path, size_px: int, device: str) -> LatentSet:
    """The latents of all emoji stills, encoded unless the cache has them."""
    stills = load_stills(cache, size_px)
    path = cache / "latents" / autoencoder.identity[:16] / f"emoji-{size_px}.npy"
    if not path.is_file():
        encoded = encode_places(autoencoder, stills, device)
        with atomic_path(path) as partial:
            np.save(partial, encoded)
    concepts = load_concepts()
    described = [concepts[key] for key in stills.keys]
    return LatentSet(
        np.load(path, mmap_mode="r"),
        tuple(phrases(concept, "en") for concept in described),
        tuple(phrases(concept, "zh") for concept in described),
        (FRONT,) * len(described),
        tuple(LOOKALIKE_WEIGHT if c.lookalike else 1.0 for c in described),
        stills.keys,
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
