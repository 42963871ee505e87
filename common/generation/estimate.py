"""How much memory drawing samples takes, said before it starts."""

from math import prod

from common.diffusion.gaussian_config import GaussianPriorConfig
from common.generation.config import GenerationConfig
from common.runs.app import Estimate

_LIBRARIES_BYTES = 450 * 2**20
_LATENTS_PER_SAMPLE = 20
"""Float32 copies of a latent alive at the peak, most of them sums of the prior in float64."""
_CHANNELS = 4
_FIELD_COPIES = 3
"""Of the Gaussian prior's fields, while it is built."""


def generation_estimate(config: GenerationConfig, size: tuple[int, ...]) -> Estimate:
    """Sizes, memory and model evaluations of a run.

    Args:
        config: the run's config.
        size: ``(h, w)`` or ``(f, h, w)`` in pixels.
    """
    together = min(config.batch_size, config.num_samples)
    latent_bytes = 4 * _CHANNELS * prod(size)
    num_batches = -(-config.num_samples // config.batch_size)
    per_step = 1 if config.guidance.guidance_scale == 1 else 2
    sizes = {
        "num_samples": f"{config.num_samples}",
        "batch_size": f"{together}",
        "size": " x ".join(map(str, (_CHANNELS, *size))),
    }
    return Estimate(
        sizes,
        _LIBRARIES_BYTES + _prior_bytes(config.prior, size)
        + together * _LATENTS_PER_SAMPLE * latent_bytes,
        num_batches * config.sampler.num_evaluations * per_step,
    )  # fmt: skip


def _prior_bytes(config: object, size: tuple[int, ...]) -> int:
    match config:
        case GaussianPriorConfig():
            motions = 8 if len(size) == 3 else 1
            fields = 1 + 3 * 7 * motions * config.num_variants
            return _FIELD_COPIES * 4 * fields * prod(size)
        case _:
            raise TypeError(f"no estimate for {type(config).__name__}")
