"""A checkpoint as its files describe it: configs, headers and schedule; no weight is read."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from common.diffusion.prediction_type import PredictionType
from common.errors import InputError
from common.pretrained.component import Component, read_component
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.location import checkpoint_folder
from common.pretrained.model_index import Family, read_model_index
from common.pretrained.stored_schedule import read_schedule


@dataclass(frozen=True)
class Checkpoint:
    """What is known of a checkpoint without reading its weights."""

    folder: Path
    family: Family
    zero_empty_prompt: bool
    """Whether the empty prompt is zeros rather than its encoding."""
    unet: Component
    autoencoder: Component
    text_encoders: tuple[Component, ...]
    tokenizers: tuple[Path, ...]
    """Folders, one for each text encoder."""
    schedule: Any
    """A member of ``Schedule``."""
    prediction: PredictionType

    @property
    def components(self) -> tuple[Component, ...]:
        """All models."""
        return (self.unet, self.autoencoder, *self.text_encoders)

    @property
    def downsampling(self) -> int:
        """Pixels along a side of a latent cell."""
        blocks = self.autoencoder.config.get("block_out_channels")
        return int(2 ** (len(blocks) - 1)) if isinstance(blocks, list) else 1

    @property
    def trained_size_px(self) -> tuple[int, int] | None:
        """Height and width of the pictures it was trained on, if its config says so."""
        cells = self.unet.config.get("sample_size")
        sides = [cells] * 2 if isinstance(cells, int) else cells
        if not isinstance(sides, list) or len(sides) != 2 or not all(_is_count(s) for s in sides):
            return None
        return sides[0] * self.downsampling, sides[1] * self.downsampling


def read_checkpoint(config: PretrainedPriorConfig) -> Checkpoint:
    """Read everything but the weights.

    Raises:
        InputError: it is not there, incomplete, damaged, or of a kind that is not known.
    """
    folder = checkpoint_folder(config)
    index = read_model_index(folder)
    texts = [read_component(folder / "text_encoder", "CLIPTextModel", config.variant)]
    if index.family == "sdxl":
        texts.append(
            read_component(folder / "text_encoder_2", "CLIPTextModelWithProjection", config.variant)
        )
    schedule, prediction = read_schedule(folder / "scheduler" / "scheduler_config.json")
    return Checkpoint(
        folder=folder,
        family=index.family,
        zero_empty_prompt=index.zero_empty_prompt,
        unet=read_component(folder / "unet", "UNet2DConditionModel", config.variant),
        autoencoder=read_component(folder / "vae", "AutoencoderKL", config.variant),
        text_encoders=tuple(texts),
        tokenizers=tuple(folder / name for name in ("tokenizer", "tokenizer_2")[: len(texts)]),
        schedule=schedule,
        prediction=prediction,
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
    cell = checkpoint.downsampling
    if any(side % cell or side < cell for side in size):
        near = " x ".join(str(max(round(side / cell), 1) * cell) for side in size)
        raise InputError(
            f"{checkpoint.folder} draws pictures whose sides divide by {cell}, not "
            f"{size[0]} x {size[1]}; the nearest are {near}"
        )


def is_far_from_training(checkpoint: Checkpoint, size: tuple[int, ...]) -> bool:
    """Whether a picture has less than half, or more than twice, the pixels of training pictures."""
    trained = checkpoint.trained_size_px
    return trained is not None and not 0.5 <= prod(size) / prod(trained) <= 2


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
