"""Distilling the guided image U-Net into 1, 2, 4 or 8 steps without guidance."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from pydantic import Field, model_validator
from torch import Tensor
from torch.func import functional_call

from common.config import Config
from common.diffusion.jump import jumped, levels_of, v_of_jump
from common.embedded.few_step import FewStep, FewStepArchitecture
from common.embedded.prior import EmbeddedPrior, predict_v, with_direction
from common.embedded.tokenizer import load_tokenizer
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import stream_seed
from common.shapes import Images, Picture
from common.training.image.teacher_paths import (
    Asked,
    Paths,
    PromptSource,
    Teacher,
    grid,
    open_prompts,
)
from common.training.initial_weights import initial_weights, on_device
from common.training.jump_shares import check_jump_shares
from common.training.loop_config import LearningRate, LoopConfig
from common.training.path_shelf import PathShelf, bent, places
from common.training.training import Package
from common.zoo.models import ZOO, Loaded, check_embedded_prior, load_prior_models

SIZE_PX = 128
_NUM_MEASURED = 32
_NUM_PREVIEWED = 12
_HELD_OUT = 10**6
"""Number of a chunk that no training comes to."""


class TrainFewStep(Config):
    """Few-step pictures: a low-rank change of the image U-Net, guidance folded in."""

    name: Literal["few_step"] = "few_step"
    architecture: FewStepArchitecture = FewStepArchitecture()
    """Sizes of the change, the numbers of steps, and the guidance that is folded in."""
    models_dir: Path | None = None
    """Folder of the image prior that is the teacher; null is the zoo."""
    shares: tuple[float, ...] = (0.08, 0.12, 0.6, 0.2)
    """How often each of ``architecture.num_steps`` is trained."""
    teacher_steps: int = Field(16, ge=1, le=500)
    """Of DPM-Solver++ 2M on the teacher's paths: a multiple of the largest number of steps."""
    chunk_size: int = Field(128, ge=1, le=4096)
    """Paths that are drawn together."""
    steps_per_chunk: int = Field(64, ge=1)
    """Training steps after which the next chunk is drawn."""
    chunks_kept: int = Field(10, ge=1, le=256)
    """The newest chunks, which batches are drawn from."""
    huber: float = Field(0.03, gt=0)
    """Root mean square of an error in ``v`` below which the loss is quadratic; above it is linear,
    so that what no few steps can reach does not count most."""
    kit_share: float = Field(0.45, ge=0, le=1)
    """Share of the prompts that ask for kit objects; the others ask for emoji."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the prompts that are Chinese."""
    moving_share: float = Field(0.06, ge=0, le=1)
    """Share of the prompts that also say a motion, which changes nothing in a still picture."""
    objects_per_category: int = Field(12, ge=1, le=64)
    """Kit objects whose facts are told in prompts."""
    loop: LoopConfig = LoopConfig(
        num_steps=1000, batch_size=32, ema_decay=0.995,
        learning_rate=LearningRate(peak=2e-3, warmup_steps=50),
    )  # fmt: skip
    """How long and in which steps to train."""

    @model_validator(mode="after")
    def _shares_fit(self) -> "TrainFewStep":
        check_jump_shares(self.shares, self.architecture.num_steps)
        return self


class Jumps(NamedTuple):
    """Samples on their way: from where to where, in how many steps the whole way would be gone."""

    asked: Asked
    latents: Images
    after: Images
    timesteps: Float[Tensor, " b"]
    timesteps_after: Float[Tensor, " b"]
    which: Int64[Tensor, " b"]
    """Counts in the numbers of steps."""


class FewStepTraining:
    """The losses and figures of a student of few steps.

    State: the change in training, the frozen prior, its teacher, and the paths at hand.
    """

    def __init__(
        self,
        config: TrainFewStep,
        source: PromptSource,
        models: Mapping[str, Loaded],
        seed: int,
        device: str,
        size_px: int = SIZE_PX,
    ):
        self._config, self._source, self._models = config, source, models
        self._seed, self._device = seed, device
        self._counts = config.architecture.num_steps
        self._shares = np.array(config.shares) / sum(config.shares)
        self._unet = models["image_unet"].model
        self._base = dict(self._unet.named_parameters())
        self._prior = EmbeddedPrior(
            models["autoencoder"].model, models["text_encoder"].model, self._unet,
            load_tokenizer(), (size_px, size_px),
        )  # fmt: skip
        self._teacher = Teacher(
            self._prior, self._counts[-1], config.teacher_steps, config.architecture.guidance_scale
        )
        self._shelf = PathShelf(
            lambda number: self._teacher.chunk(source, seed, number, config.chunk_size),
            config.steps_per_chunk * config.loop.num_accumulated, config.chunks_kept,
        )  # fmt: skip
        self._measured: dict[int, Paths] = {}
        channels = models["text_encoder"].model.architecture.channels
        with initial_weights(seed, "few steps"):
            self._model = on_device(FewStep(config.architecture, self._unet, channels), device)

    @property
    def model(self) -> Any:
        """The change in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Pseudo-Huber loss of the ``v`` that leads to where the teacher's path is."""
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training jumps"))
        jumps = self._jumps(draw, rng)
        levels = levels_of(self._prior.spec.schedule, jumps.timesteps, jumps.timesteps_after)
        wanted = v_of_jump(jumps.latents, jumps.after, levels)
        directions = self._model.directions(jumps.which)
        made = self._v(forward(self._base), directions, jumps.asked, jumps.latents, jumps.timesteps)
        squares = ((made - wanted) ** 2).mean((1, 2, 3))
        return {"loss": bent(squares, self._config.huber), "plain": squares.mean()}

    def _v(
        self,
        weights: Mapping[str, Tensor],
        directions: Float[Tensor, "b k"],
        asked: Asked,
        latents: Images,
        timesteps: Float[Tensor, " b"],
    ) -> Images:
        """The student's ``v``."""
        cond = with_direction(self._prior.embed(asked.prompts, asked.views), directions)

        def unet(*given: Any, **named: Any) -> Any:
            return functional_call(self._unet, dict(weights), given, named)

        inputs = latents.contiguous(memory_format=torch.channels_last)
        return predict_v(unet, inputs, timesteps, cond).float()

    def _jumps(self, draw: int, rng: np.random.Generator) -> Jumps:
        """Steps of the paths at hand, at random."""
        count, most = self._config.loop.batch_size, self._counts[-1]
        at_hand = self._shelf.numbers(draw)
        numbers = rng.integers(at_hand.start, at_hand.stop, count)
        rows = rng.integers(self._config.chunk_size, size=count)
        which = rng.choice(len(self._counts), size=count, p=self._shares)
        prompts, views, latents, after, begins, ends = [], [], [], [], [], []
        for number, row, kind in zip(numbers.tolist(), rows.tolist(), which.tolist(), strict=True):
            paths = self._shelf.chunk(number)
            possible = places(self._counts[kind], most)
            begin = possible[int(rng.integers(len(possible)))]
            end = begin + most // self._counts[kind]
            prompts.append(paths.asked.prompts[row])
            views.append(paths.asked.views[row])
            latents.append(paths.states[row, begin])
            after.append(paths.states[row, end])
            begins.append(self._teacher.timesteps[begin])
            ends.append(self._teacher.timesteps[end])
        return Jumps(
            Asked(tuple(prompts), tuple(views)), torch.stack(latents), torch.stack(after),
            self._numbers(begins), self._numbers(ends),
            torch.from_numpy(which).long().to(self._device),
        )  # fmt: skip

    def _numbers(self, values: list[int]) -> Float[Tensor, " b"]:
        return torch.tensor(values, dtype=torch.float32, device=self._device)

    @torch.no_grad()
    def drawn(self, model: FewStep, paths: Paths, num_steps: int) -> Images:
        """What the student makes of the noise that paths begin with, in so many steps."""
        latents, times, weights = paths.states[:, 0], grid(num_steps), model(self._base)
        directions = model.direction(num_steps).expand(len(latents), -1)
        for begin, end in pairwise(times):
            here, there = self._numbers([begin] * len(latents)), self._numbers([end] * len(latents))
            v = self._v(weights, directions, paths.asked, latents, here)
            latents = jumped(latents, v, levels_of(self._prior.spec.schedule, here, there))
        return latents

    def _held_out(self, count: int) -> Paths:
        """Paths that no step of training has, drawn once."""
        if count not in self._measured:
            paths = self._teacher.chunk(self._source, self._seed, _HELD_OUT, count)
            self._measured[count] = paths
        return self._measured[count]

    def preview(self, model: Any) -> Picture:
        """The teacher's pictures, and below each the student's in every number of steps."""
        paths = self._held_out(_NUM_PREVIEWED)
        rows = [paths.states[:, -1], *(self.drawn(model, paths, n) for n in self._counts[::-1])]
        captions = ["teacher", *(f"{n} steps" for n in self._counts[::-1])]
        with torch.no_grad():
            pictures = [to_picture(one) for row in rows for one in self._prior.decode(row)]
        said = [text for text in captions for _ in range(_NUM_PREVIEWED)]
        return picture_sheet(pictures, captions=said, num_columns=_NUM_PREVIEWED)

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Root mean square distance of latents from where held-out paths end.

        For each number of steps, in deviations of the latents, and ``contrast``: the deviation of
        the student's latents over the teacher's. Below 1 pictures are smoother than they should be.
        """
        paths = self._held_out(_NUM_MEASURED)
        end = paths.states[:, -1]
        figures = {}
        for count in self._counts:
            made = self.drawn(model, paths, count)
            figures[f"distance/{count}"] = float(((made - end) ** 2).mean().sqrt())
            figures[f"contrast/{count}"] = float(made.std() / end.std())
        return figures

    def package(self, model: Any) -> Package:
        """The change and what it stands on."""
        requires = {kind: base.identity for kind, base in self._models.items()}
        return Package("few_step", model, self._config.architecture, requires)


def open_few_step_training(
    config: TrainFewStep, cache: Path, seed: int, device: str
) -> FewStepTraining:
    """Load the frozen prior and the prompts; no prepared data is needed.

    Raises:
        InputError: models are missing or damaged.
    """
    folder = config.models_dir or ZOO
    check_embedded_prior(folder)
    models = load_prior_models(folder, device)
    on_device(models["image_unet"].model, device)
    source = open_prompts(
        config.kit_share, config.chinese_share, config.moving_share, config.objects_per_category
    )
    return FewStepTraining(config, source, models, seed, device)
