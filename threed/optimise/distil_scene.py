"""Optimising a scene by the score of a prior: a generator that yields after every step.

Each step renders the scene from cameras evenly round it at a random turn and random heights, asks
the prior for its gradient at one noise level, and carries it back through encoder and renderer.
What step ``n`` draws depends on the seed and ``n`` alone: a run that is continued from a state ends
in the same bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from common.embedded.orbit import cameras_on_orbit
from common.errors import InputError
from common.runs.state import State
from common.seeding import generator_for
from threed.distillation.control_variate import ControlVariate, no_past
from threed.distillation.view_prior import ViewPrior
from threed.optimise.live_scene import LiveScene, live_scene
from threed.optimise.prior_pull import prior_pull, views_round
from threed.score_distillation import ScoreDistillation


@dataclass(frozen=True, eq=False)
class DistilStep:
    """Where a distillation is after one step."""

    step: int
    """Steps done, counted from 1."""
    losses: dict[str, float]
    """``loss``, ``prior`` and the weighted regularisers, before the step; ``time`` too."""
    scene: LiveScene
    """Alive: it changes with the next step."""
    state: State
    """What `distil_scene` continues from; its tensors are alive."""


def distil_scene(
    method: ScoreDistillation, prior: ViewPrior, prompt: str, *, seed: int = 0, state: State = None
) -> Iterator[DistilStep]:
    """Optimise a scene step by step, from its start or from a state.

    Args:
        method: scene, loss, times and views.
        prior: what is distilled; its latents have a frame axis of ``method.views.num_views``.
        prompt: what the object is.
        seed: of everything that is drawn.
        state: from a `DistilStep` of the same call.

    Raises:
        InputError: the scene has numbers that are not finite.
    """
    done, past = 0, no_past()
    if state is not None:
        done, past = state["step"], ControlVariate(*state["past"])
    kept = None if state is None else state["scene"]
    scene = live_scene(method.scene, method.num_steps, seed, kept)
    views_of = method.views
    for step in range(done + 1, method.num_steps + 1):
        share = (step - 1) / max(method.num_steps - 1, 1)
        generator = generator_for(seed, step, "distil scene")
        views = views_round(views_of.num_views, views_of.elevations_deg, generator)
        time = method.times.time(share, float(torch.rand((), generator=generator)))
        seen = scene.render(cameras_on_orbit(views, views_of.size_px), generator)
        pull, past = prior_pull(prior, method.loss, prompt, views, seen, time, generator, past)
        terms = scene.terms(seen, share)
        loss = torch.stack([pull, *terms.values()]).sum()
        if not bool(torch.isfinite(loss)):
            raise InputError(
                f"step {step}: the loss is {float(loss.detach()):g}; lower the scene's rate or the "
                "guidance scale"
            )
        scene.descend(loss, step, generator)
        numbers = {name: float(value.detach()) for name, value in terms.items()}
        numbers |= {"loss": float(loss.detach()), "prior": float(pull.detach()), "time": time}
        kept = {"step": step, "scene": scene.state(), "past": [past.products, past.squares]}
        yield DistilStep(step, numbers, scene, kept)
