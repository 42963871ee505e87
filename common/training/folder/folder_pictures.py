"""A user's pictures as training sees them: at one size, encoded once, in an order of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.generation.given_pixels import laid_out
from common.media.fitting import placement
from common.media.images import read_picture
from common.seeding import generator_for, stream_seed
from common.shapes import Images, Picture
from common.training.folder.captioned_folder import CaptionedPicture
from common.training.folder.folder_config import FolderTraining
from common.training.folder.taught_prior import Taught
from common.training.pictures.augmentation import Augmentation, augment

_SMALLEST = 2
"""Pictures may be enlarged by so much."""
_LONGEST = 4
"""Sides may differ by so much: of longer pictures too little would be seen."""
_BATCH = 8
_MOVED = Augmentation(
    affine=1.0, max_zoom=1.25, max_shift=0.08, max_turn_deg=12.0, flip=0.0, recolor=0.0, opaque=0.0
)


@dataclass(frozen=True, eq=False)
class LearntPictures:
    """Latents and what they show."""

    latents: Float[Tensor, "n z y x"]
    captions: tuple[str, ...]

    def rows(self, draw: int, count: int, seed: int) -> list[int]:
        """The pictures of batch number ``draw``: each once, in another order every time round."""
        total, found = len(self.captions), []
        for place in range(draw * count, (draw + 1) * count):
            turn, index = divmod(place, total)
            rng = np.random.default_rng(stream_seed(seed, turn, "order of pictures"))
            found.append(int(rng.permutation(total)[index]))
        return found


def read_pictures(config: FolderTraining, files: Sequence[CaptionedPicture]) -> list[Picture]:
    """The pixels of all files.

    Raises:
        InputError: one cannot be read, is too small for the size, or much longer than wide.
    """
    found = []
    for file in files:
        picture = read_picture(file.path)
        height, width = picture.shape[:2]
        least = min(config.size) // _SMALLEST
        if min(height, width) < least:
            raise InputError(
                f"{file.path} is {height} x {width} pixels; to be learnt at {config.height} x "
                f"{config.width} its sides must be at least {least}: leave it out, or set "
                "method.height and method.width lower"
            )
        if max(height, width) > _LONGEST * min(height, width):
            raise InputError(
                f"{file.path} is {height} x {width} pixels: one side is more than {_LONGEST} times "
                "the other; cut it to what is to be learnt"
            )
        found.append(picture)
    return found


@torch.no_grad()
def learnt_pictures(
    config: FolderTraining,
    files: Sequence[CaptionedPicture],
    pictures: Sequence[Picture],
    prior: Taught,
    seed: int,
) -> LearntPictures:
    """The pictures as latents, mirror images after them if they are wanted, then moved copies."""
    size, channels = config.size, prior.spec.image_channels
    rows = []
    for picture in pictures:
        place = placement(picture.shape[:2], size, config.fit)
        rows.append(laid_out(picture, place, size, channels, config.background))
    images = torch.stack(rows)
    captions = tuple(file.caption for file in files)
    if config.mirrored:
        images, captions = torch.cat([images, images.flip(-1)]), captions * 2
    if config.copies > 1:
        images, captions = _with_copies(config, images, seed), captions * config.copies
    parts = [prior.encode(some.to(prior.device)) for some in images.split(_BATCH)]
    return LearntPictures(torch.cat(parts).float(), captions)


def _with_copies(config: FolderTraining, images: Images, seed: int) -> Images:
    """The pictures, then each so often again, moved: premultiplied, nothing comes in."""
    generator = generator_for(seed, 0, "moved copies")
    parts = [images]
    for _ in range(config.copies - 1):
        parts.append(augment((images + 1) / 2, _MOVED, generator) * 2 - 1)
    return torch.cat(parts)
