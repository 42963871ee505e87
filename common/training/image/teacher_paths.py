"""What a student of few steps learns from: paths of the guided teacher from noise to pictures.

No picture is needed, only prompts: a path begins with noise of its own and is what a solver makes
of it. Paths are drawn in chunks, each a pure function of the seed and of its number, so that a
training that was stopped has the same ones again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guidance_config import CFG
from common.diffusion.prior import Prior, PriorSpec
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.image_unet import FRONT, View
from common.embedded.prior import EmbeddedPrior
from common.errors import InputError
from common.kit.catalogue import CATEGORIES
from common.seeding import generators_for, randn, stream_seed
from common.shapes import Latents
from common.training.emoji.emoji_concepts import Language, load_concepts
from common.training.emoji.emoji_phrases import phrases
from common.training.kit.kit_parts import TRAIN, objects_of, trained_view
from common.training.pictures.latent_sets import LOOKALIKE_WEIGHT
from common.training.pictures.subjects import (
    EmojiSubject,
    KitSubject,
    Subject,
    draw_caption,
    in_motion,
)

Cond = TypeVar("Cond")

TURNED_SHARE = 0.3
"""Kit prompts with a view from anywhere that training has; of the others, as many have none as are
at the front."""


@dataclass(frozen=True)
class Asked:
    """What pictures are asked for."""

    prompts: tuple[str, ...]
    views: tuple[View | None, ...]

    def some(self, rows: Sequence[int]) -> "Asked":
        """Of these rows."""
        return Asked(
            tuple(self.prompts[row] for row in rows), tuple(self.views[row] for row in rows)
        )


@dataclass(frozen=True, eq=False)
class Paths:
    """States of the teacher's solutions at evenly spread timesteps, from noise to clean."""

    asked: Asked
    states: Float[Tensor, "b n c h w"]

    def __len__(self) -> int:
        return len(self.states)


@dataclass(frozen=True)
class PromptSource:
    """Prompts as training has them, with and without views."""

    emoji: tuple[EmojiSubject, ...]
    chances: Float[np.ndarray, " e"]
    """Of each emoji."""
    kit: tuple[KitSubject, ...]
    kit_share: float
    chinese_share: float
    moving_share: float

    def draw(self, count: int, rng: np.random.Generator) -> Asked:
        """Prompts at random."""
        drawn = [self._one(rng) for _ in range(count)]
        return Asked(tuple(prompt for prompt, _ in drawn), tuple(view for _, view in drawn))

    def _one(self, rng: np.random.Generator) -> tuple[str, View | None]:
        of_kit, chinese, moving, turned, front = (
            rng.random(5)
            < (self.kit_share, self.chinese_share, self.moving_share, TURNED_SHARE, 0.5)
        ).tolist()  # fmt: skip
        subject: Subject
        if of_kit:
            subject = self.kit[int(rng.integers(len(self.kit)))]
        else:
            subject = self.emoji[int(rng.choice(len(self.emoji), p=self.chances))]
        language: Language = "zh" if chinese else "en"
        caption = draw_caption(subject, language, rng)
        if moving:
            caption = in_motion(caption, language, rng)
        if of_kit and turned:
            seen = trained_view(rng)
            return caption, View(seen.azimuth_deg, seen.elevation_deg)
        return caption, FRONT if front else None


def open_prompts(
    kit_share: float, chinese_share: float, moving_share: float, objects_per_category: int
) -> PromptSource:
    """All emoji, and the first kit objects of each category that training has."""
    concepts = tuple(load_concepts().values())
    weights = np.array([LOOKALIKE_WEIGHT if one.lookalike else 1.0 for one in concepts])
    part = TRAIN._replace(num_objects=objects_per_category)
    kit = tuple(
        KitSubject(one.facts) for category in CATEGORIES for one in objects_of(part, category)
    )
    return PromptSource(
        tuple(EmojiSubject(c.key, phrases(c, "en"), phrases(c, "zh")) for c in concepts),
        weights / weights.sum(), kit, kit_share, chinese_share, moving_share,
    )  # fmt: skip


class Solver:
    """What the paths of a guided prior are drawn with.

    Args:
        spec: of the prior.
        num_states: pieces of a path.
        num_steps: of DPM-Solver++ 2M along it: a multiple.

    Raises:
        InputError: a number of steps that does not pass where the pieces end.
    """

    def __init__(self, spec: PriorSpec, num_states: int, num_steps: int):
        if num_steps % num_states:
            raise InputError(
                f"teacher_steps {num_steps} must be a multiple of {num_states}, the largest "
                "number of steps that is learnt"
            )
        self._every = num_steps // num_states
        config = DPMSolverPP2M(num_steps=num_steps)
        self.scheduler = build_scheduler(config, spec.schedule, spec.prediction)
        self.timesteps = grid(num_states)
        if self.scheduler.timesteps[:: self._every].tolist() != self.timesteps[:-1]:
            raise InputError(f"teacher_steps {num_steps} miss the timesteps {self.timesteps}")

    @torch.no_grad()
    def states(
        self,
        prior: Prior[Cond],
        cond: Cond,
        uncond: Cond,
        scale: float,
        latents: Latents,
        begin: int = 0,
    ) -> Float[Tensor, "b n ..."]:
        """``latents``, at ``timesteps[begin]``, and the solution at all timesteps after it."""
        steps = sample(
            prior, self.scheduler, cond, uncond, CFG(guidance_scale=scale), latents,
            generators_for(0, range(len(latents)), "sampler"), begin=begin * self._every,
        )  # fmt: skip
        passed = [s.latents.float() for s in steps if (s.index + 1) % self._every == 0]
        return torch.stack([latents, *passed], 1)


class Teacher:
    """The guided image prior and the solver of its paths.

    State: the prior.
    """

    def __init__(self, prior: EmbeddedPrior, num_states: int, solver_steps: int, scale: float):
        self._prior, self._scale = prior, scale
        self.solver = Solver(prior.spec, num_states, solver_steps)
        self.timesteps = self.solver.timesteps

    def paths(self, asked: Asked, noise: Float[Tensor, "b c h w"]) -> Paths:
        """The solutions that begin with ``noise``, each at ``timesteps``."""
        prior = self._prior
        cond, uncond = prior.embed(asked.prompts, asked.views), prior.embed([""] * len(noise))
        return Paths(asked, self.solver.states(prior, cond, uncond, self._scale, noise))

    def chunk(self, source: PromptSource, seed: int, number: int, count: int) -> Paths:
        """Chunk ``number`` of a training: ``count`` paths that depend on seed and number alone."""
        rng = np.random.default_rng(stream_seed(seed, number, "teacher prompts"))
        asked = source.draw(count, rng)
        rows = range(number * count, (number + 1) * count)
        shape = self._prior.spec.latent_shape
        noise = randn(shape, generators_for(seed, rows, "teacher noise"), device=self._prior.device)
        return self.paths(asked, noise)


def grid(num_steps: int, table: int = 1000) -> list[int]:
    """Timesteps of evenly spread steps, trailing; the last, -1, is the clean latent."""
    return [table - 1 - table // num_steps * step for step in range(num_steps + 1)]
