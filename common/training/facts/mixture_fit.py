"""Fits mixture density networks: maximum likelihood, from seeded weights."""

import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.mixture_density import MixtureDensity
from common.seeding import stream_seed

NUM_STEPS = 2000
_BATCH = 512
_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 0.05


def fit_mixture(
    mixture: MixtureDensity,
    vectors: Float[Tensor, "n d"],
    values: Float[Tensor, "n v"],
    purpose: str,
    num_steps: int = NUM_STEPS,
    noise: float = 0.6,
) -> None:
    """AdamW with a falling learning rate.

    Args:
        mixture: is changed.
        vectors: the features of samples.
        values: what belongs to them.
        purpose: chooses the draws.
        num_steps: optimizer steps.
        noise: deviation of what is added to the vectors, whose values are of unit size: samples are
            few.
    """
    generator = torch.Generator()
    generator.manual_seed(stream_seed(0, 0, purpose))
    _begin_at(mixture, values, generator)
    optimizer = torch.optim.AdamW(
        mixture.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    for _ in range(num_steps):
        rows = torch.randint(len(values), (_BATCH,), generator=generator)
        some = vectors[rows]
        some = some + noise * torch.randn(some.shape, generator=generator)
        loss = -mixture.log_likelihood(some, values[rows]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    mixture.eval().requires_grad_(False)


@torch.no_grad()
def _begin_at(
    mixture: MixtureDensity, values: Float[Tensor, "n v"], generator: torch.Generator
) -> None:
    """Let each mode begin at a sample, narrow and far from the others.

    Modes that begin alike stay together (k-means++, Arthur and Vassilvitskii 2007).
    """
    output = mixture.net[-1]
    assert isinstance(output, torch.nn.Linear)
    bias = output.bias.unflatten(0, (mixture.num_modes, -1))
    bias[:, 0] = 0
    bias[:, 1 : 1 + mixture.num_values] = _spread_out(values, mixture.num_modes, generator)
    bias[:, 1 + mixture.num_values :] = (values.std(0) / 2).clamp(min=1e-4).log()
    output.weight *= 0.1


def _spread_out(
    values: Float[Tensor, "n v"], count: int, generator: torch.Generator
) -> Float[Tensor, "m v"]:
    """Samples, each drawn by its squared distance to the nearest of those before."""
    scaled = values / values.std(0).clamp(min=1e-4)
    chances = torch.ones(len(values))
    rows: list[int] = []
    for _ in range(count):
        rows.append(int(torch.multinomial(chances + 1e-12, 1, generator=generator)))
        chances = torch.cdist(scaled, scaled[rows]).amin(1) ** 2
    return values[rows]
