"""Mixture density networks (Bishop 1994): what belongs to a prompt where several answers are right.

The mean of all answers would be none of them: what may go left or right would stay where it is. A
network tells of each prompt a mixture of Gaussians, one of its modes is drawn, and its mean is the
answer.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MixtureDensity(nn.Module):
    """Mixtures of axis-aligned Gaussians over vectors of values, told from vectors of features.

    ``narrowest`` is the logarithm of the least deviation: likelihood has no bound without one.
    """

    def __init__(
        self, features: int, hidden: int, num_modes: int, num_values: int, narrowest: float
    ):
        super().__init__()
        self.num_modes, self.num_values, self.narrowest = num_modes, num_values, narrowest
        self.net = nn.Sequential(
            nn.Linear(features, hidden), nn.SiLU(),
            nn.Linear(hidden, num_modes * (1 + 2 * num_values)),
        )  # fmt: skip

    def forward(
        self, vectors: Float[Tensor, "b d"]
    ) -> tuple[Float[Tensor, "b m"], Float[Tensor, "b m v"], Float[Tensor, "b m v"]]:
        """Logits, means and logarithms of the deviations of the modes."""
        made = self.net(vectors).unflatten(1, (self.num_modes, -1))
        means, spreads = made[..., 1 : 1 + self.num_values], made[..., 1 + self.num_values :]
        return made[..., 0], means, spreads.clamp(min=self.narrowest)

    def log_likelihood(
        self, vectors: Float[Tensor, "b d"], values: Float[Tensor, "b v"]
    ) -> Float[Tensor, " b"]:
        """``log sum_m w_m N(values; mean_m, deviation_m)``."""
        logits, means, spreads = self(vectors)
        modes = torch.distributions.Normal(means, spreads.exp()).log_prob(values[:, None])
        return torch.logsumexp(logits.log_softmax(1) + modes.sum(2), 1)

    @torch.no_grad()
    def drawn(
        self, vectors: Float[Tensor, "b d"], generators: Sequence[torch.Generator]
    ) -> Float[Tensor, "b v"]:
        """For each prompt the mean of a mode that its generator draws."""
        logits, means, _ = self(vectors.float())
        chances = logits.softmax(1).cpu()
        modes = [
            int(torch.multinomial(row, 1, generator=generator))
            for row, generator in zip(chances, generators, strict=True)
        ]
        return means[torch.arange(len(modes)), modes]

    @torch.no_grad()
    def likeliest(self, vectors: Float[Tensor, "b d"]) -> Float[Tensor, "b v"]:
        """For each prompt the mean of its likeliest mode."""
        logits, means, _ = self(vectors.float())
        return means[torch.arange(len(means)), logits.argmax(1)]
