"""Where all randomness comes from: one generator per sample and purpose.

The noise of sample ``i`` depends on the run's seed, on ``i`` and on what it is for, and on nothing
else: not on the batch it was drawn in, the order of drawing, or the number of processes.
Generators live on the CPU on every device, so that a seed means the same picture everywhere.
"""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

MAX_SEED = 2**63 - 1


def stream_seed(seed: int, sample: int, purpose: str) -> int:
    """A 63-bit seed for one stream: the first bytes of SHA-256 over ``seed/sample/purpose``.

    A hash rather than ``seed + sample``: neighbouring seeds must not share samples.
    """
    digest = hashlib.sha256(f"{seed}/{sample}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & MAX_SEED


def generator_for(seed: int, sample: int, purpose: str) -> torch.Generator:
    """The CPU generator of one sample (counted over the whole run) for one purpose."""
    return torch.Generator().manual_seed(stream_seed(seed, sample, purpose))


def generators_for(seed: int, samples: Sequence[int], purpose: str) -> list[torch.Generator]:
    """One generator for each of ``samples``."""
    return [generator_for(seed, sample, purpose) for sample in samples]


def randn(
    shape: Sequence[int],
    generators: Sequence[torch.Generator],
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Standard normal noise ``(len(generators), *shape)``, row ``i`` drawn from generator ``i``."""
    rows = [torch.randn(tuple(shape), generator=generator) for generator in generators]
    return torch.stack(rows).to(device=device, dtype=dtype)
