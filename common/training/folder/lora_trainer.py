"""Teaching a U-Net a user's pictures: low-rank changes of it (LoRA), or all of its weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import model_validator
from torch import Tensor, nn

from common.adapters.lora_write import LoraLayout, lora_content
from common.adapters.low_rank import LowRank, LowRankConfig
from common.config import BY_NAME, Config
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.pretrained.config import PretrainedPriorConfig
from common.seeding import generator_for, stream_seed
from common.shapes import Picture
from common.training.denoising import Noised, noised_at_random, noised_evenly, squared_errors
from common.training.folder.captioned_folder import read_folder
from common.training.folder.folder_config import FolderTraining
from common.training.folder.folder_pictures import LearntPictures, learnt_pictures, read_pictures
from common.training.folder.preservation import PreservationConfig, class_pictures
from common.training.folder.taught_prior import Taught, changed, drawn, open_taught
from common.training.gradient_checkpointing import keep_beginnings
from common.training.noise_times import prediction_weights
from common.training.training import AdapterPackage, UNetPackage

_PREVIEW_STEPS = 20
_NUM_PREVIEWED = 8
_NUM_MEASURED = 32


class FullConfig(Config):
    """All weights of the U-Net; what is stored is a whole checkpoint's folder."""

    name: Literal["full"] = "full"


Change = Annotated[LowRankConfig | FullConfig, BY_NAME]
"""What is learnt, chosen by its ``name``."""


class TrainLora(FolderTraining):
    """A LoRA from a folder of captioned pictures: a style, or things."""

    name: Literal["lora"] = "lora"
    change: LowRankConfig = LowRankConfig()
    """Sizes of the change."""
    layout: LoraLayout = "kohya"
    """How the file names its layers; prior.loras, diffusers, AUTOMATIC1111 and ComfyUI read
    kohya's, the first two and ComfyUI PEFT's."""


class TrainDreambooth(FolderTraining):
    """One thing under a word of its own, beside pictures of its class (DreamBooth)."""

    name: Literal["dreambooth"] = "dreambooth"
    change: Change = LowRankConfig(rank=16, targets=("attention", "feed_forward"))
    """Low-rank changes, or for checkpoints all weights (full)."""
    layout: LoraLayout = "kohya"
    """How a LoRA's file names its layers."""
    preservation: PreservationConfig | None = None
    """What the class looks like, to be kept; null learns the user's pictures alone."""

    @model_validator(mode="after")
    def _all_weights_of_checkpoints_only(self) -> "TrainDreambooth":
        if isinstance(self.change, FullConfig):
            if not isinstance(self.prior, PretrainedPriorConfig):
                raise ValueError(
                    "change full is for checkpoints (prior.name pretrained); the embedded U-Net "
                    "stays as it is: use change.name low_rank"
                )
            if self.prior.compute.dtype != "float32":
                raise ValueError("change full needs prior.compute.dtype float32")
            if "layout" in self.model_fields_set:
                raise ValueError("layout has no effect: change full writes no LoRA")
        return self


@dataclass(frozen=True, eq=False)
class Lessons:
    """What is learnt, and of what."""

    prior: Taught
    pictures: LearntPictures
    classes: LearntPictures | None = None
    """Pictures of the class, where it is to be kept."""


class LoraTraining:
    """The losses and figures of a changed U-Net. State: the change, the frozen prior, latents."""

    def __init__(self, config: TrainLora | TrainDreambooth, lessons: Lessons, seed: int):
        self._config, self._lessons, self._seed = config, lessons, seed
        unet = lessons.prior.unet
        if isinstance(config.change, LowRankConfig):
            generator = generator_for(seed, 0, "low-rank change weights")
            self._model: nn.Module = LowRank(unet, config.change, generator)
        else:
            self._model = unet.requires_grad_(True)
        if config.gradient_checkpointing:
            keep_beginnings(unet, self._model)

    @property
    def model(self) -> Any:
        """What is trained: the change, or the U-Net."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Weighted squared error in the prior's own kind of prediction; the class's beside it."""
        pictures, classes = self._lessons.pictures, self._lessons.classes
        weighted, errors = self._errors(pictures, draw, "")
        if classes is None:
            return {"loss": weighted, "plain": errors}
        assert isinstance(self._config, TrainDreambooth)
        assert self._config.preservation is not None
        kept, plain = self._errors(classes, draw, "/class")
        loss = weighted + self._config.preservation.weight * kept
        return {"loss": loss, "plain": errors, "plain_class": plain}

    def _errors(self, pictures: LearntPictures, draw: int, stream: str) -> tuple[Tensor, Tensor]:
        """Mean error of a batch, weighted and plain."""
        config, prior = self._config, self._lessons.prior
        count = config.loop.batch_size
        rows = pictures.rows(draw, count, self._seed)
        rng = np.random.default_rng(stream_seed(self._seed, draw, f"captions{stream}"))
        bare = rng.random(count) < config.text_dropout
        said = ["" if one else pictures.captions[row] for one, row in zip(bare, rows, strict=True)]
        noised = noised_at_random(
            pictures.latents[rows], config.times, prior.spec.schedule,
            stream_seed(self._seed, draw, f"diffusion noise{stream}"),
        )  # fmt: skip
        with changed(prior, self._model) as taught:
            errors = squared_errors(taught, noised, prior.embed(said))
        spec = prior.spec
        weights = prediction_weights(config.times, noised.timesteps, spec.schedule, spec.prediction)
        return (weights * errors).mean(), errors.mean()

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Samples for the preview prompts, or else the first captions."""
        config = self._config
        captions = dict.fromkeys(self._lessons.pictures.captions)
        prompts = config.preview_prompts or tuple(captions)[:_NUM_PREVIEWED]
        with changed(self._lessons.prior, model) as taught:
            latents = drawn(taught, prompts, config.guidance, _PREVIEW_STEPS, self._seed)
            pictures = [to_picture(taught.decode(one[None])[0]) for one in latents]
        return picture_sheet(pictures, captions=list(prompts), num_columns=4)

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Mean error on the pictures with their captions, and how much worse it was before.

        Fixed noise and evenly spread timesteps. Of the class: how much worse it became.
        """
        figures = {}
        sets = {"pictures": self._lessons.pictures, "class": self._lessons.classes}
        for name, pictures in sets.items():
            if pictures is None:
                continue
            noised, said = _measured(self._lessons.prior, pictures)
            with changed(self._lessons.prior, model) as taught:
                after = squared_errors(taught, noised, taught.embed(said)).mean()
            figures[f"error/{name}"] = float(after)
            if isinstance(model, LowRank):
                prior = self._lessons.prior
                before = squared_errors(prior, noised, prior.embed(said)).mean()
                figures[f"error/{name}_gain"] = float(before - after)
        return figures

    def package(self, model: Any) -> AdapterPackage | UNetPackage:
        """A LoRA's file, or a checkpoint's folder."""
        config = self._config
        if isinstance(model, LowRank):
            content = lora_content(model, config.layout)
            return AdapterPackage("lora", model, content.tensors, content.metadata)
        assert isinstance(config.prior, PretrainedPriorConfig)
        return UNetPackage(model, config.prior)


def _measured(prior: Taught, pictures: LearntPictures) -> tuple[Noised, list[str]]:
    """So many samples of the pictures, in turn."""
    rows = [place % len(pictures.captions) for place in range(_NUM_MEASURED)]
    noised = noised_evenly(pictures.latents[rows], prior.spec.schedule)
    return noised, [pictures.captions[row] for row in rows]


def open_lora_training(
    config: TrainLora | TrainDreambooth, cache: Path, seed: int, device: str
) -> LoraTraining:
    """Read the pictures, load the prior, encode, and draw the class.

    Raises:
        InputError: the folder or a picture is wrong, or the prior's models are.
    """
    files = read_folder(config.folder, config.caption)
    pixels = read_pictures(config, files)
    prior = open_taught(config, device)
    pictures = learnt_pictures(config, files, pixels, prior, seed)
    classes = None
    if isinstance(config, TrainDreambooth) and config.preservation is not None:
        classes = class_pictures(config, config.preservation, prior, seed)
    return LoraTraining(config, Lessons(prior, pictures, classes), seed)
