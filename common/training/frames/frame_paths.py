"""What students of few-step views and clips learn from: paths of the guided teacher.

No data is needed, only prompts. Paths begin where drawing does: views with noise, all drawn or with
the front given; clips with a first frame that the student of pictures draws, moved as the prompt
tells, under as much noise as that leaves open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.embedded.first_frame import clip_draws, first_frames
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import FRONT, View
from common.embedded.moved_start import moved_start
from common.seeding import generators_for, stream_seed
from common.shapes import Clips, Images
from common.training.emoji.emoji_concepts import Language
from common.training.frames.clip_captions import ClipSubject, KitClipSubject, draw_clip_caption
from common.training.image.teacher_paths import PromptSource, Solver
from common.training.kit.clip_parts import TRAIN_CLIPS, motions_of

FIRST_STEPS = 4
"""In which the student of pictures draws what is given."""
_ALONE = CFG(guidance_scale=1.0)

Views = tuple[View, ...]


@dataclass(frozen=True, eq=False)
class FramePaths:
    """The teacher's solutions, from where they begin to clean."""

    prompts: tuple[str, ...]
    views: tuple[Views | None, ...]
    given: bool
    """Whether first frames are given: those of the last state."""
    begin: int
    """Place of the first state among the solver's timesteps."""
    states: Float[Tensor, "b n c f h w"]

    def __len__(self) -> int:
        return len(self.states)

    def at(self, place: int) -> Clips:
        """The states at one of the solver's timesteps."""
        found: Clips = self.states[:, place - self.begin]
        return found

    @property
    def firsts(self) -> Images:
        """Clean latents of the first frames."""
        return self.states[:, -1, :, 0]


@dataclass(frozen=True, eq=False)
class Pair:
    """The guided teacher, and its models with the student of pictures in them."""

    teacher: FramePrior
    begun: FramePrior
    """What the student is before it has learnt: frame layers as they are."""


@runtime_checkable
class PathSource(Protocol):
    """Where paths come from."""

    def chunk(self, number: int, count: int, num_steps: int | None = None) -> FramePaths:
        """Chunk ``number``: ``count`` paths that depend on seed and number alone.

        Args:
            number: of the chunk.
            count: of paths.
            num_steps: they begin where a student of so many steps does; None: of any number.
        """
        ...


@dataclass(frozen=True, eq=False)
class ViewPaths:
    """Views from all round, the front first."""

    pair: Pair
    solver: Solver
    prompts: PromptSource
    seed: int
    scale: float
    given_scale: float
    given_share: float
    """Share of the chunks whose front is given."""

    def chunk(self, number: int, count: int, num_steps: int | None = None) -> FramePaths:
        """As said of `PathSource`; all paths begin with noise."""
        rng = np.random.default_rng(stream_seed(self.seed, number, "paths of views"))
        teacher = self.pair.teacher
        given = bool(rng.random() < self.given_share)
        prompts = self.prompts.draw(count, rng).prompts
        views = [drawn_views(teacher.num_frames, rng) for _ in prompts]
        rows = range(number * count, (number + 1) * count)
        noise = teacher.noise(generators_for(self.seed, rows, "path noise"))
        first = self._fronts(prompts, views, noise) if given else None
        cond = teacher.embed(prompts, views, first)
        uncond = teacher.embed([""] * count, first=first, hidden=True)
        scale = self.given_scale if given else self.scale
        states = self.solver.states(teacher, cond, uncond, scale, noise)
        return FramePaths(prompts, tuple(views), given, 0, states)

    def _fronts(self, prompts: Sequence[str], views: Sequence[Views], noise: Clips) -> Images:
        """Fronts on the views' scale: of views that the student draws as it is at first."""
        begun, count = self.pair.begun, len(prompts)
        scheduler = build_scheduler(
            DDIM(num_steps=FIRST_STEPS), begun.spec.schedule, begun.spec.prediction
        )
        *_, last = sample(
            begun, scheduler, begun.embed(prompts, views), begun.embed([""] * count), _ALONE,
            noise.flip(2), generators_for(self.seed, range(count), "sampler"),
        )  # fmt: skip
        return torch.as_tensor(last.latents)[:, :, 0]


@dataclass(frozen=True, eq=False)
class ClipPaths:
    """Clips from first frames that are moved as the prompts tell."""

    pair: Pair
    solver: Solver
    prompts: PromptSource
    seed: int
    scale: float
    counts: tuple[int, ...]
    """Numbers of steps that a student has; where a clip begins depends on it."""
    front_share: float
    """Share of the clips that are asked for from the front; the others have no view."""

    def chunk(self, number: int, count: int, num_steps: int | None = None) -> FramePaths:
        """As said of `PathSource`; the first prompt says how much noise all of them begin with."""
        rng = np.random.default_rng(stream_seed(self.seed, number, "paths of clips"))
        most = self.counts[-1]
        steps = num_steps or int(rng.choice(self.counts[1:] or self.counts))
        teacher, begun = self.pair.teacher, self.pair.begun
        prompts = tuple(self._prompt(rng) for _ in range(count))
        fronts = rng.random(count) < self.front_share
        views = [(FRONT,) * teacher.num_frames if one else None for one in fronts.tolist()]
        draws = clip_draws(teacher, self.seed, range(number * count, (number + 1) * count))
        said = teacher.pictures.embed(prompts, [None if one is None else FRONT for one in views])
        first = first_frames(
            begun, said, begun.pictures.embed_negative([""] * count), DDIM(num_steps=FIRST_STEPS),
            _ALONE, draws,
        )  # fmt: skip
        of_student = build_scheduler(
            DDIM(num_steps=steps), teacher.spec.schedule, teacher.spec.prediction
        )
        start, _ = moved_start(teacher, said.vector, first, of_student, draws.noise, draws.moving)
        place = start.evaluation * (most // steps)
        cond = teacher.embed(prompts, views, first)
        uncond = teacher.embed([""] * count, first=first, hidden=True)
        states = self.solver.states(teacher, cond, uncond, self.scale, start.latents, place)
        return FramePaths(prompts, tuple(views), True, place, states)

    def _prompt(self, rng: np.random.Generator) -> str:
        """A kit object with a motion that training has of it, or an emoji."""
        source = self.prompts
        of_kit, chinese = (rng.random(2) < (source.kit_share, source.chinese_share)).tolist()
        language: Language = "zh" if chinese else "en"
        subject: ClipSubject
        if of_kit:
            facts = source.kit[int(rng.integers(len(source.kit)))].facts
            motions = motions_of(TRAIN_CLIPS, facts.category)
            subject = KitClipSubject(facts, motions[int(rng.integers(len(motions)))])
        else:
            subject = source.emoji[int(rng.choice(len(source.emoji), p=source.chances))]
        return draw_clip_caption(subject, language, rng)


def drawn_views(count: int, rng: np.random.Generator) -> Views:
    """The front and other views of those that ``count`` to 8 drawn together have."""
    together = int(rng.choice([count, count, *range(count, 9)]))
    others = rng.permutation(np.arange(1, together))[: count - 1]
    turns = [0.0, *(360.0 / together * np.sort(others)).tolist()]
    return tuple(View(turn, FRONT.elevation_deg) for turn in turns)
