"""A checkpoint as its files describe it: configs, headers and schedule; no weight is read."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from common.diffusion.prediction_type import PredictionType
from common.errors import InputError
from common.pretrained.component import Component, read_component
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.dynamic_shift import DynamicShift
from common.pretrained.families import FAMILIES, Family, TokenizerKind
from common.pretrained.location import checkpoint_folder, is_single_file
from common.pretrained.model_index import read_model_index
from common.pretrained.single_file.read import (
    SingleFile,
    as_file_says,
    check_family,
    read_single_file,
)
from common.pretrained.stored_schedule import read_schedule
from common.pretrained.weight_names import ModelClass

TRANSFORMER_PATCH = 2
"""Latent cells along a side of a transformer's token, in all families that are read."""
_LATENT_CHANNELS = 4
"""Of an autoencoder whose config does not say."""


@dataclass(frozen=True)
class Checkpoint:
    """What is known of a checkpoint without reading its weights."""

    path: Path
    """Its folder, or its single file."""
    family: Family
    zero_empty_prompt: bool
    """Whether the empty prompt is zeros rather than its encoding."""
    denoiser: Component
    """The U-Net or transformer."""
    autoencoder: Component
    text_encoders: tuple[Component, ...]
    tokenizers: tuple[tuple[Path, TokenizerKind], ...]
    """Folders and kinds, one for each text encoder."""
    t5_tokens: int
    """That a T5 reads; 0 where the family has none."""
    schedule: Any
    """A member of ``Schedule``, or a ``DynamicShift``."""
    prediction: PredictionType
    single_file: SingleFile | None = None
    """That holds the weights; None where they are a folder's."""

    @property
    def components(self) -> tuple[Component, ...]:
        """All models."""
        return (self.denoiser, self.autoencoder, *self.text_encoders)

    @property
    def is_unet(self) -> bool:
        """Whether the denoiser is a U-Net rather than a transformer."""
        return self.denoiser.model_class == "UNet2DConditionModel"

    @property
    def takes_mask(self) -> bool:
        """Whether the U-Net is for inpainting: it sees a mask and masked latents too."""
        latents = self.autoencoder.config.get("latent_channels", _LATENT_CHANNELS)
        return self.is_unet and self.denoiser.config.get("in_channels") == 2 * latents + 1

    @property
    def cell_px(self) -> int:
        """What the sides of pictures divide by: transformers take squares of 2 x 2 cells."""
        return self.downsampling * (1 if self.is_unet else TRANSFORMER_PATCH)

    def schedule_at(self, size: tuple[int, ...]) -> Any:
        """The noise schedule for pictures of ``(height, width)``, a member of ``Schedule``."""
        if isinstance(self.schedule, DynamicShift):
            return self.schedule.at(prod(size) // self.cell_px**2)
        return self.schedule

    @property
    def downsampling(self) -> int:
        """Pixels along a side of a latent cell."""
        blocks = self.autoencoder.config.get("block_out_channels")
        return int(2 ** (len(blocks) - 1)) if isinstance(blocks, list) else 1

    @property
    def trained_size_px(self) -> tuple[int, int] | None:
        """Height and width of the pictures it was trained on, if its config says so."""
        cells = self.denoiser.config.get("sample_size")
        sides = [cells] * 2 if isinstance(cells, int) else cells
        if not isinstance(sides, list) or len(sides) != 2 or not all(_is_count(s) for s in sides):
            return None
        return sides[0] * self.downsampling, sides[1] * self.downsampling


def read_checkpoint(config: PretrainedPriorConfig) -> Checkpoint:
    """Read everything but the weights.

    Raises:
        InputError: it is not there, incomplete, damaged, or of a kind that is not known.
    """
    file = None
    if is_single_file(config):
        file = read_single_file(Path(config.path), config.components, config.variant)
    folder = checkpoint_folder(config) if file is None else file.components
    index = read_model_index(folder)
    if file is not None:
        check_family(file, index.family)

    def part(name: str, model_class: ModelClass, also: tuple[str, ...] = ()) -> Component:
        if file is not None:
            return file.component(name, model_class, also)
        return read_component(folder / name, model_class, config.variant, also)

    parts = FAMILIES[index.family]
    texts = [part(text.folder, text.model_class) for text in index.texts]
    schedule, prediction = read_schedule(folder / "scheduler" / "scheduler_config.json")
    if file is not None:
        schedule, prediction = as_file_says(file, schedule, prediction)
    denoiser = part(parts.denoiser, parts.denoiser_class, parts.stated_classes)
    # FLUX.1 schnell, which is told no guidance, was trained on half as many tokens.
    halved = index.family == "flux" and not denoiser.config.get("guidance_embeds")
    return Checkpoint(
        path=folder if file is None else file.path,
        family=index.family,
        zero_empty_prompt=index.zero_empty_prompt,
        denoiser=denoiser,
        autoencoder=part("vae", "AutoencoderKL"),
        text_encoders=tuple(texts),
        tokenizers=tuple((folder / text.tokenizer, text.kind) for text in index.texts),
        t5_tokens=index.t5_tokens // (2 if halved else 1),
        schedule=schedule,
        prediction=prediction,
        single_file=file,
    )


def check_mask(checkpoint: Checkpoint, inpaints: bool) -> None:
    """Refuse U-Nets for inpainting where there is no mask.

    Raises:
        InputError: naming the config, and what such a U-Net is for.
    """
    if checkpoint.takes_mask and not inpaints:
        raise InputError(
            f"{checkpoint.denoiser.config_file}: in_channels is "
            f"{checkpoint.denoiser.config['in_channels']}: this U-Net is for inpainting, and sees "
            "a mask and a masked picture too: use it with image/inpaint, image/outpaint or "
            "video/video_inpaint"
        )


def check_size(checkpoint: Checkpoint, size: tuple[int, ...]) -> None:
    """Refuse clips, and pictures whose sides the autoencoder does not divide.

    Raises:
        InputError: with the nearest size that works.
    """
    if len(size) != 2:
        raise InputError(
            "the pretrained prior draws pictures, not clips: use prior.name=embedded for clips"
        )
    cell = checkpoint.cell_px
    if any(side % cell or side < cell for side in size):
        near = " x ".join(str(max(round(side / cell), 1) * cell) for side in size)
        raise InputError(
            f"{checkpoint.path} draws pictures whose sides divide by {cell}, not "
            f"{size[0]} x {size[1]}; the nearest are {near}"
        )
    most = checkpoint.denoiser.config.get("pos_embed_max_size")
    if isinstance(most, int) and max(size) > most * cell:
        raise InputError(
            f"{checkpoint.path} draws pictures of up to {most * cell} px a side (it knows "
            f"{most} places), not {size[0]} x {size[1]}"
        )


def is_far_from_training(checkpoint: Checkpoint, size: tuple[int, ...]) -> bool:
    """Whether a picture has less than half, or more than twice, the pixels of training pictures."""
    trained = checkpoint.trained_size_px
    return trained is not None and not 0.5 <= prod(size) / prod(trained) <= 2


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
