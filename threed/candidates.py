"""Choosing among drawn fronts the one that fits the prompt best, by the prior's own encoder."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.prior import EmbeddedPrior
from common.runs.state import State
from common.shapes import Images


@dataclass(frozen=True, eq=False)
class Candidates:
    """Fronts that were drawn for a prompt."""

    fronts: Images
    """Premultiplied RGBA in [-1, 1]."""
    scores: Float[Tensor, " b"]
    """Of `common.embedded.prompt_fit`, at most 0."""

    @property
    def best(self) -> int:
        """The one with the highest score; the first of equals."""
        return int(self.scores.argmax())

    @property
    def state(self) -> State:
        """As plain state."""
        return {"fronts": self.fronts, "scores": self.scores}


def candidates_of(prior: EmbeddedPrior, prompt: str, fronts: Images) -> Candidates | None:
    """The fronts with their scores; None where there is nothing to choose.

    Args:
        prior: one that chooses (`EmbeddedPrior.choosing_by`).
        prompt: what they should be.
        fronts: decoded, not clamped.
    """
    if len(fronts) < 2:
        return None
    assert prior.prompt_fit is not None
    shown = premultiplied(fronts)
    return Candidates(shown, prior.prompt_fit.scores(shown, prompt))


def restored_candidates(state: State) -> Candidates | None:
    """From `Candidates.state`."""
    return None if state is None else Candidates(state["fronts"], state["scores"])


def premultiplied(decoded: Images) -> Images:
    """Pictures in [-1, 1] in which no colour is above alpha."""
    shown = decoded.clamp(-1, 1)
    return torch.cat([torch.minimum(shown[:, :3], shown[:, 3:]), shown[:, 3:]], 1)
