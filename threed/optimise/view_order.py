"""Which pictures a step of a fit compares."""

import torch

from common.seeding import generator_for


def views_of(step: int, count: int, per_step: int, seed: int, purpose: str) -> list[int]:
    """The pictures of a step: every one is shown once before any is shown again.

    Args:
        step: counted from 1.
        count: pictures in all.
        per_step: how many a step compares.
        seed: of the order.
        purpose: names the stream of random numbers.
    """
    taken = []
    for place in range((step - 1) * per_step, step * per_step):
        generator = generator_for(seed, place // count, purpose)
        taken.append(int(torch.randperm(count, generator=generator)[place % count]))
    return taken
