"""Adam with one length of step for all entries, for vertices that are moved together.

    x <- x - rate m_hat / (sqrt(max v_hat) + eps)

with Adam's means ``m`` and ``v`` (AdamUniform of Nicolet, Jacobson and Jakob 2021, Large steps in
inverse rendering of geometry). Adam itself divides each entry by its own mean gradient: vertices
that pictures hardly move would go as far as those of an outline.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_EPS = 1e-12


@dataclass(eq=False)
class UniformAdam:
    """The means of the gradients of one tensor."""

    mean: Tensor
    square: Tensor
    betas: tuple[float, float] = (0.9, 0.99)
    num_steps: int = 0

    @classmethod
    def of(cls, values: Tensor) -> "UniformAdam":
        """Before the first step."""
        return cls(torch.zeros_like(values), torch.zeros_like(values))

    @torch.no_grad()
    def step(self, values: Tensor, rate: float) -> None:
        """Move the values, in place, against their gradient: the fastest by about ``rate``."""
        assert values.grad is not None
        self.num_steps += 1
        for kept, now, beta in zip(
            (self.mean, self.square), (values.grad, values.grad.square()), self.betas, strict=True
        ):
            kept.lerp_(now, 1 - beta)
        first, second = (1 - beta**self.num_steps for beta in self.betas)
        length = (self.square.max() / second).sqrt() + _EPS
        values.sub_(rate * (self.mean / first) / length)
