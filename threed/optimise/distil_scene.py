"""Optimising scenes by the score of a prior: a generator that yields after every step.

Each step renders the scene from cameras evenly round it at a random turn and random heights, asks
the prior for its gradient at one noise level, and carries it back through encoder and renderer, or
through the renderer alone if the scene carries latents.
What step ``n`` draws depends on the seed and ``n`` alone: a run that is continued from a state ends
in the same bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.embedded.orbit import cameras_on_orbit
from common.errors import InputError
from common.runs.state import State
from common.seeding import generator_for
from threed.distillation.past import past_of, past_state
from threed.distillation.picture_views import PictureViews
from threed.distillation.view_prior import ViewPrior
from threed.edit_3d import Edit3D
from threed.from_prompt import Distillation
from threed.optimise.front_terms import front_terms
from threed.optimise.keep_terms import keep_terms
from threed.optimise.latent_backdrop import latent_backdrop
from threed.optimise.live_scene import LiveScene, live_scene
from threed.optimise.prior_pull import Original, prior_pull, views_round
from threed.rendering.enlarged import enlarged
from threed.rendering.rendered import Rendered
from threed.scenes.scene_start import SceneStart
from threed.score_distillation import ScoreDistillation


@dataclass(frozen=True, eq=False)
class DistilStep:
    """Where a distillation is after one step."""

    step: int
    """Steps done, counted from 1."""
    losses: dict[str, float]
    """``loss``, ``prior`` and the weighted regularisers, before the step; ``time``, ``views`` and
    ``render_px`` too."""
    scenes: tuple[LiveScene, ...]
    """Alive: they change with the next step."""
    state: State
    """What `distil_scene` continues from; its tensors are alive."""

    @property
    def scene(self) -> LiveScene:
        """The first of them."""
        return self.scenes[0]


def distil_scene(
    method: Distillation,
    prior: ViewPrior,
    prompt: str,
    *,
    seed: int = 0,
    state: State = None,
    start: SceneStart | None = None,
    front: Float[Tensor, "4 s s"] | None = None,
) -> Iterator[DistilStep]:
    """Optimise a scene step by step, from its start or from a state.

    Args:
        method: scene, loss, times and views.
        prior: what is distilled; its latents have a frame axis of ``method.views.num_views``.
        prompt: what the object is.
        seed: of everything that is drawn.
        state: from a `DistilStep` of the same call.
        start: what the scenes begin as; None: a ball. An edit needs one.
        front: what ``method.front`` shows, as `threed.front.on_orbit` makes it.

    Raises:
        InputError: the scene has numbers that are not finite.
    """
    done = 0 if state is None else state["step"]
    past = past_of(method.loss, prior, seed, None if state is None else state["past"])
    scenes = live_scenes(method, seed, state, start, num_latents_of(method, prior))
    backdrop = latent_backdrop(prior, method.views.size_px) if method.in_latents else None
    still = live_scenes(method, seed, None, start) if isinstance(method, Edit3D) else ()
    for step in range(done + 1, method.num_steps + 1):
        share = (step - 1) / max(method.num_steps - 1, 1)
        generator = generator_for(seed, step, "distil scene")
        num_views, render_px = method.views.at(share)
        size_px = method.views.size_px
        if backdrop is not None:
            render_px = size_px = backdrop.side
        views = views_round(num_views, method.views.elevations_deg, generator)
        time = method.times.time(share, float(torch.rand((), generator=generator)))
        cameras = cameras_on_orbit(views, render_px)
        as_it_was = _as_it_was(still, cameras, generator)
        seen = [scene.render(cameras, generator) for scene in scenes]
        original, kept_terms = None, [dict[str, Tensor]() for _ in scenes]
        if isinstance(method, Edit3D):
            before = [enlarged(one, size_px) for one in as_it_was]
            original = Original(method.source_prompt, before)
            pairs = zip(seen, as_it_was, strict=True)
            kept_terms = [keep_terms(*pair, method.keep) for pair in pairs]
        pulls, past = prior_pull(
            _asked(prior, num_views), method.loss, prompt, views,
            [enlarged(one, size_px) for one in seen], time, generator, past, original, backdrop,
        )  # fmt: skip
        if front is not None and isinstance(method, ScoreDistillation) and method.front:
            kept_terms = [
                front_terms(scene, front, method.front, render_px, generator) for scene in scenes
            ]
        numbers = _descended(scenes, seen, pulls, kept_terms, share, step, generator)
        kept = {"step": step, "scenes": [scene.state() for scene in scenes],
                "past": past_state(past)}  # fmt: skip
        numbers |= {"time": time, "views": num_views, "render_px": render_px}
        yield DistilStep(step, numbers, scenes, kept)


def live_scenes(
    method: Distillation,
    seed: int,
    state: State,
    start: SceneStart | None = None,
    num_latents: int = 0,
) -> tuple[LiveScene, ...]:
    """The scenes that are optimised together, at their start or as a state has them."""
    kept = [None] * method.num_particles if state is None else state["scenes"]
    return tuple(
        live_scene(method.scene, method.num_steps, seed + index, one, start, num_latents)
        for index, one in enumerate(kept)
    )


def num_latents_of(method: Distillation, prior: ViewPrior) -> int:
    """Channels that the scenes carry in place of colours; 0 if they carry colours."""
    return prior.spec.latent_shape[0] if method.in_latents else 0


def _asked(prior: ViewPrior, num_views: int) -> ViewPrior:
    """The prior for the views of a step; only one that judges each by itself takes any number."""
    if isinstance(prior, PictureViews) and prior.spec.latent_shape[1] != num_views:
        return prior.of_views(num_views)
    return prior


@torch.no_grad()
def _as_it_was(
    still: Sequence[LiveScene], cameras: Cameras, generator: torch.Generator
) -> list[Rendered]:
    """Renders before the edit, with the draws that the scenes' own are about to make."""
    twin = torch.Generator(generator.device)
    twin.set_state(generator.get_state())
    return [scene.render(cameras, twin) for scene in still]


def _descended(
    scenes: Sequence[LiveScene],
    seen: Sequence[Rendered],
    pulls: Sequence[Tensor],
    kept: Sequence[dict[str, Tensor]],
    share: float,
    step: int,
    generator: torch.Generator,
) -> dict[str, float]:
    """Descend with every scene; the means of what was descended."""
    totals: dict[str, float] = {}
    for scene, rendered, pull, held in zip(scenes, seen, pulls, kept, strict=True):
        terms = scene.terms(rendered, share) | held
        loss = torch.stack([pull, *terms.values()]).sum()
        if not bool(torch.isfinite(loss)):
            raise InputError(
                f"step {step}: the loss is {float(loss.detach()):g}; the steps are too large "
                "(lower the scene's rate or the guidance scale), or the checkpoint that the run "
                "continues from is damaged"
            )
        scene.descend(loss, step, generator)
        for name, value in (terms | {"loss": loss, "prior": pull}).items():
            totals[name] = totals.get(name, 0.0) + float(value.detach()) / len(scenes)
    return totals
