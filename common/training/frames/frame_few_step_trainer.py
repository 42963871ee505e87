"""Distilling guided views, and guided clips, into 1, 2, 4 or 8 steps without guidance."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple, assert_never

import numpy as np
import torch
from einops import repeat
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from common.diffusion.jump import jumped, levels_of, v_of_jump
from common.embedded.few_step_frames import FewStepFrames
from common.embedded.frame_prior import FramePrior
from common.embedded.lifted_call import ToldSteps, predict_v_of_frames, with_first
from common.embedded.prior_config import EmbeddedComputeConfig, EmbeddedPriorConfig
from common.errors import InputError
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import stream_seed
from common.shapes import Clips, Images, Picture
from common.training.frames.few_step_frames_config import TrainFewStepMotion, TrainFewStepViews
from common.training.frames.frame_paths import (
    FIRST_STEPS,
    ClipPaths,
    FramePaths,
    Pair,
    PathSource,
    ViewPaths,
    Views,
)
from common.training.image.teacher_paths import PromptSource, Solver, grid, open_prompts
from common.training.initial_weights import initial_weights, on_device
from common.training.path_shelf import PathShelf, bent, places
from common.training.training import Package
from common.zoo.few_step import KIND, check_few_step_models, merged_student
from common.zoo.models import ZOO, FrameKind, check_embedded_prior, load_frame_prior
from common.zoo.storage import read_manifest

SIZE_PX = 128
_HELD_OUT = 10**6
"""Number of a chunk that no training comes to."""
_NUM_MEASURED = 8
_NUM_SHOWN = 3
_FRAMES_SHOWN = 4


class Jumps(NamedTuple):
    """Samples on their way: from where to where, in how many steps the whole way would be gone."""

    prompts: list[str]
    views: list[Views | None]
    latents: Clips
    after: Clips
    firsts: Images
    given: Bool[Tensor, " b"]
    timesteps: Float[Tensor, " b"]
    timesteps_after: Float[Tensor, " b"]
    which: Int64[Tensor, " b"]
    """Counts in the numbers of steps."""


class FrameFewStepTraining:
    """The losses and figures of a student of few-step views or clips.

    State: the change in training, the prior that it changes, and the paths at hand.
    """

    def __init__(
        self,
        config: TrainFewStepViews | TrainFewStepMotion,
        source: PathSource,
        begun: FramePrior,
        told: Float[Tensor, "n k"],
        requires: Mapping[str, str],
        seed: int,
    ):
        self._config, self._source, self._begun = config, source, begun
        self._requires, self._seed = dict(requires), seed
        self._counts = config.architecture.num_steps
        self._shares = np.array(config.shares) / sum(config.shares)
        self._timesteps = grid(self._counts[-1])
        self._base = dict(begun.lifted.layers.named_parameters())
        self._shelf = PathShelf(
            lambda number: self._paths(number, config.chunk_size),
            config.steps_per_chunk * config.loop.num_accumulated, config.chunks_kept,
        )  # fmt: skip
        self._measured: dict[tuple[int, int], FramePaths] = {}
        with initial_weights(seed, config.name):
            student = FewStepFrames(config.architecture, begun.lifted.layers, told)
        self._model = on_device(student, str(begun.device))

    @property
    def model(self) -> Any:
        """The change in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Pseudo-Huber loss of the ``v`` that leads to where the teacher's path is.

        First frames that are given do not count.
        """
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training jumps"))
        jumps = self._jumps(draw, rng)
        frames = self._some_frames(jumps.latents.shape[2], rng)
        levels = levels_of(self._begun.spec.schedule, jumps.timesteps, jumps.timesteps_after)
        wanted = v_of_jump(jumps.latents, jumps.after, levels)[:, :, frames]
        told = self._model.told(jumps.which)
        made = self._v(forward(self._base), told, jumps, frames)
        errors = ((made - wanted) ** 2).mean((1, 3, 4))
        counted = torch.ones_like(errors)
        counted[:, 0] = (~jumps.given).to(errors)
        squares = (errors * counted).sum(1) / counted.sum(1)
        return {"loss": bent(squares, self._config.huber), "plain": squares.mean()}

    def _some_frames(self, available: int, rng: np.random.Generator) -> Int64[Tensor, " f"]:
        """The first frame and others at random, the same of all samples."""
        count = min(self._config.frames_at_once, available)
        others = rng.choice(np.arange(1, available), count - 1, replace=False)
        return torch.tensor([0, *sorted(others.tolist())])

    def _v(
        self,
        weights: Mapping[str, Tensor],
        told: ToldSteps,
        jumps: Jumps,
        frames: Int64[Tensor, " f"],
    ) -> Clips:
        """The student's ``v`` of some frames."""
        begun, count, picked = self._begun, len(frames), frames.tolist()
        prior = FramePrior(begun.pictures, begun.lifted, count)
        views = [None if one is None else tuple(one[at] for at in picked) for one in jumps.views]
        rows = prior.embed(jumps.prompts, views).rows
        latents, times = jumps.latents[:, :, frames], repeat(jumps.timesteps, "b -> b f", f=count)
        known, known_times = with_first(latents, times, jumps.firsts)
        latents = torch.where(jumps.given[:, None, None, None, None], known, latents)
        times = torch.where(jumps.given[:, None], known_times, times)
        steps = ToldSteps(
            repeat(told.unet, "b k -> (b f) k", f=count),
            repeat(told.layers, "b k -> (b f) k", f=count),
        )
        when = frames.to(latents).expand(len(latents), -1)
        made = predict_v_of_frames(
            begun.lifted, latents, times, rows, when, steps=steps, layer_weights=weights
        )
        return made.float()

    def _jumps(self, draw: int, rng: np.random.Generator) -> Jumps:
        """Pieces of the paths at hand, at random, of those that each number of steps can have."""
        most, at_hand = self._counts[-1], self._shelf.numbers(draw)
        rows: list[tuple[FramePaths, int, int, int, int]] = []
        for _ in range(self._config.loop.batch_size):
            paths = self._shelf.chunk(int(rng.integers(at_hand.start, at_hand.stop)))
            possible = [places(count, most, paths.begin) for count in self._counts]
            chances = self._shares * [bool(some) for some in possible]
            kind = int(rng.choice(len(chances), p=chances / chances.sum()))
            begin = possible[kind][int(rng.integers(len(possible[kind])))]
            row = int(rng.integers(len(paths)))
            rows.append((paths, row, kind, begin, begin + most // self._counts[kind]))
        device = self._begun.device
        return Jumps(
            [paths.prompts[row] for paths, row, *_ in rows],
            [paths.views[row] for paths, row, *_ in rows],
            torch.stack([paths.at(begin)[row] for paths, row, _, begin, _ in rows]),
            torch.stack([paths.at(end)[row] for paths, row, _, _, end in rows]),
            torch.stack([paths.firsts[row] for paths, row, *_ in rows]),
            torch.tensor([paths.given for paths, *_ in rows], device=device),
            self._times([begin for *_, begin, _ in rows]), self._times([end for *_, end in rows]),
            torch.tensor([kind for _, _, kind, *_ in rows], device=device),
        )  # fmt: skip

    def _paths(self, number: int, count: int, num_steps: int | None = None) -> FramePaths:
        """Drawn as priors draw: what is no evaluation of the U-Net is never in bfloat16."""
        with torch.autocast(self._begun.device.type, enabled=False):
            return self._source.chunk(number, count, num_steps)

    def _times(self, at: list[int]) -> Float[Tensor, " b"]:
        values = [float(self._timesteps[place]) for place in at]
        return torch.tensor(values, device=self._begun.device)

    @torch.no_grad()
    def drawn(self, model: FewStepFrames, paths: FramePaths, num_steps: int) -> Clips:
        """What the student makes of what paths begin with, in so many steps from noise on."""
        count, most = len(paths), self._counts[-1]
        weights, latents = model(self._base), paths.states[:, 0]
        which = torch.full((count,), self._counts.index(num_steps), device=self._begun.device)
        frames = torch.arange(latents.shape[2])
        for begin, end in pairwise([*places(num_steps, most, paths.begin), most]):
            jumps = Jumps(
                list(paths.prompts), list(paths.views), latents, latents, paths.firsts,
                torch.full((count,), paths.given, device=self._begun.device),
                self._times([begin] * count), self._times([end] * count), which,
            )  # fmt: skip
            with torch.autocast(
                self._begun.device.type, torch.bfloat16,
                enabled=self._config.loop.precision == "bfloat16",
            ):  # fmt: skip
                v = self._v(weights, model.told(which), jumps, frames)
            levels = levels_of(self._begun.spec.schedule, jumps.timesteps, jumps.timesteps_after)
            latents = jumped(latents, v, levels)
        if paths.given:
            latents = torch.cat([paths.firsts[:, :, None], latents[:, :, 1:]], 2)
        return latents

    def _held_out(self, count: int, num_steps: int) -> FramePaths:
        """Paths that no step of training has, drawn once."""
        key = (count, num_steps if isinstance(self._config, TrainFewStepMotion) else 0)
        if key not in self._measured:
            self._measured[key] = self._paths(_HELD_OUT, count, num_steps)
        return self._measured[key]

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Of each number of steps, the most first: the teacher's frames above the student's."""
        pictures, captions = [], []
        for steps in self._counts[::-1]:
            paths = self._held_out(_NUM_SHOWN, steps)
            rows = {
                "teacher": paths.states[:, -1],
                f"{steps} steps": self.drawn(model, paths, steps),
            }
            shown = np.linspace(0, paths.states.shape[3] - 1, _FRAMES_SHOWN).round().astype(int)
            for caption, row in rows.items():
                decoded = self._begun.decode(row)[:, :, shown.tolist()]
                pictures += [to_picture(one) for clip in decoded for one in clip.unbind(1)]
                captions += [caption] * (len(row) * len(shown))
        return picture_sheet(
            pictures, captions=captions, num_columns=_NUM_SHOWN * _FRAMES_SHOWN, cell_px=96
        )

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Root mean square distance of latents from where held-out paths end.

        For each number of steps, in deviations of the latents, and ``contrast``: the deviation of
        the student's latents over the teacher's.
        """
        figures = {}
        for count in self._counts:
            paths = self._held_out(_NUM_MEASURED, count)
            drawn, end = self.drawn(model, paths, count), paths.states[:, -1]
            made, wanted = (one[:, :, int(paths.given) :] for one in (drawn, end))
            figures[f"distance/{count}"] = float(((made - wanted) ** 2).mean().sqrt())
            figures[f"contrast/{count}"] = float(made.std() / wanted.std())
        return figures

    def package(self, model: Any) -> Package:
        """The change and what it stands on."""
        return Package(self._config.name, model, self._config.architecture, self._requires)


def open_few_step_frames(
    config: TrainFewStepViews | TrainFewStepMotion, seed: int, device: str
) -> FrameFewStepTraining:
    """Load the teacher, and once more with the student of pictures; no data is needed.

    Raises:
        InputError: models are missing or damaged.
    """
    prompts = open_prompts(config.kit_share, config.chinese_share, 0.0, config.objects_per_category)
    return few_step_frames_training(config, prompts, seed, device)


def few_step_frames_training(
    config: TrainFewStepViews | TrainFewStepMotion,
    prompts: PromptSource,
    seed: int,
    device: str,
    size_px: int = SIZE_PX,
) -> FrameFewStepTraining:
    """The training on these prompts, with frames of this side.

    Raises:
        InputError: models are missing or damaged, or numbers of steps that do not fit them.
    """
    folder, sizes = config.models_dir or ZOO, config.architecture
    kind: FrameKind = "view_layers" if isinstance(config, TrainFewStepViews) else "motion_layers"
    manifests = check_embedded_prior(folder, kind)
    requires = {name: one.identity for name, one in manifests.items()}
    check_few_step_models(sizes.num_steps[-1], requires, folder)
    requires[KIND] = read_manifest(folder, KIND).identity
    count = config.num_views if isinstance(config, TrainFewStepViews) else config.num_frames
    teacher, begun = (
        load_frame_prior(
            kind, count, (size_px, size_px), folder, device,
            trajectory_noise=EmbeddedPriorConfig().trajectory_noise,
            compute=EmbeddedComputeConfig(dtype=config.loop.precision),
        )
        for _ in range(2)
    )  # fmt: skip
    of_pictures = merged_student(begun.pictures, folder)
    if of_pictures.sizes.num_steps != sizes.num_steps:
        raise InputError(
            f"architecture.num_steps is {sizes.num_steps}, and the student of pictures, which this "
            f"one stands on, has {of_pictures.sizes.num_steps}: take the same"
        )
    direction = of_pictures.direction(FIRST_STEPS)
    begun = begun.in_few_steps(
        begun.pictures.in_few_steps(direction), ToldSteps(direction, torch.zeros_like(direction))
    )
    pair = Pair(teacher, begun)
    solver = Solver(teacher.spec, sizes.num_steps[-1], config.teacher_steps)
    source: PathSource
    match config:
        case TrainFewStepViews():
            source = ViewPaths(
                pair, solver, prompts, seed, sizes.guidance_scale, sizes.given_scale,
                config.given_share,
            )  # fmt: skip
        case TrainFewStepMotion():
            source = ClipPaths(
                pair, solver, prompts, seed, sizes.given_scale, sizes.num_steps,
                config.front_share,
            )  # fmt: skip
        case _:
            assert_never(config)
    return FrameFewStepTraining(config, source, begun, of_pictures.told, requires, seed)
