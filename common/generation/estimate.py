"""How much memory drawing samples takes, said before it starts."""

from math import prod
from typing import TYPE_CHECKING, NamedTuple, assert_never

from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.given import num_taken
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.generation.config import GenerationConfig
from common.generation.priors import PriorConfig, frame_layers, models_folder, only_for_clips
from common.pretrained.config import PretrainedPriorConfig
from common.runs.app import Estimate

if TYPE_CHECKING:
    from common.pretrained.memory import PretrainedNeed

_LIBRARIES_BYTES = 450 * 2**20
_LATENTS_PER_SAMPLE = 20
"""Float32 copies of a latent alive at the peak, most of them sums of the prior in float64."""
_CHANNELS = 4
_FIELD_COPIES = 3
"""Of the Gaussian prior's fields, while it is built."""
_DIFFUSERS_BYTES = 90 * 2**20
"""What diffusers' models bring along."""
_WIDENED = 4
"""Bytes in memory for a stored byte: int8 becomes float32. Weights in bfloat16 take half of it."""
_FEATURES_PER_CELL = 1800
"""Float32 features of the U-Net alive for each latent cell of a guided sample."""
FEATURES_PER_PIXEL = 120
"""Float32 features of the autoencoder alive for each pixel of the one picture it decodes."""


class Need(NamedTuple):
    """What drawing takes beside the libraries."""

    latent_shape: tuple[int, ...]
    num_bytes: int
    """Of the prior and the samples drawn together."""
    channels: int = _CHANNELS
    """Of the pictures."""
    offloaded_bytes: int | None = None
    """The most on the GPU, where a checkpoint's models come to it in turn."""


def generation_estimate(
    config: GenerationConfig,
    size: tuple[int, ...],
    strength: float = 1.0,
    need: Need | None = None,
    along_path: bool = False,
) -> Estimate:
    """Sizes, memory and model evaluations of a run.

    Args:
        config: the run's config.
        size: ``(h, w)`` or ``(f, h, w)`` in pixels.
        strength: share of the steps that is taken, where samples begin with something given.
        need: of the prior, if the caller builds it otherwise than ``build_prior``.
        along_path: whether the frames of a clip are seen along a camera's path.
    """
    together = min(config.batch_size, config.num_samples)
    need = need or _need(config.prior, size, together, along_path)
    num_batches = -(-config.num_samples // config.batch_size)
    per_step = 1 if config.guidance.guidance_scale == 1 else 2
    sizes = {
        "num_samples": f"{config.num_samples}",
        "batch_size": f"{together}",
        "size": " x ".join(map(str, (need.channels, *size))),
        "latents": " x ".join(map(str, need.latent_shape)),
    }
    if need.offloaded_bytes is not None:
        sizes["memory of the GPU"] = f"{need.offloaded_bytes / 2**20:.0f} MiB"
    return Estimate(
        sizes,
        _LIBRARIES_BYTES + need.num_bytes,
        num_batches * num_taken(config.sampler, strength) * per_step,
    )  # fmt: skip


def _need(config: PriorConfig, size: tuple[int, ...], together: int, along_path: bool) -> Need:
    match config:
        case GaussianPriorConfig():
            motions = 8 if len(size) == 3 else 1
            fields = 1 + 3 * 7 * motions * config.num_variants
            latents = 4 * _CHANNELS * prod(size)
            return Need(
                (_CHANNELS, *size),
                _FIELD_COPIES * 4 * fields * prod(size) + together * _LATENTS_PER_SAMPLE * latents,
            )
        case EmbeddedPriorConfig():
            return _embedded_need(config, size, together, along_path)
        case PretrainedPriorConfig():
            return _pretrained_need(config, size, together)
        case SpacetimeDiTPriorConfig():
            raise only_for_clips()
        case _:
            assert_never(config)


def _embedded_need(
    config: EmbeddedPriorConfig, size: tuple[int, ...], together: int, along_path: bool
) -> Need:
    from common.embedded.autoencoder import DOWNSAMPLING
    from common.zoo.control_net import control_manifest
    from common.zoo.estimators import estimator_bytes
    from common.zoo.models import check_embedded_prior

    manifests = check_embedded_prior(models_folder(config), frame_layers(size, along_path))
    channels = manifests["autoencoder"].architecture["latent_channels"]
    cells = (*size[:-2], *(side // DOWNSAMPLING for side in size[-2:]))
    stored = sum(manifest.num_bytes for manifest in manifests.values())
    if config.controls:
        stored += control_manifest(models_folder(config)).num_bytes
        stored += estimator_bytes(config.controls)
    if config.few_steps is not None:  # a second copy of the U-Net's weights, while they are changed
        stored += manifests["image_unet"].num_bytes
    return Need(
        (channels, *cells),
        _DIFFUSERS_BYTES
        + _WIDENED * stored
        + 4 * FEATURES_PER_PIXEL * prod(size)
        + together * 4 * _FEATURES_PER_CELL * prod(cells),
    )


def _pretrained_need(config: PretrainedPriorConfig, size: tuple[int, ...], together: int) -> Need:
    from common.pretrained.memory import pretrained_need

    return need_of_checkpoint(pretrained_need(config, size, together), together)


def need_of_checkpoint(need: "PretrainedNeed", together: int) -> Need:
    """What drawing ``together`` samples takes with a checkpoint's models."""
    latents = _LATENTS_PER_SAMPLE * together * 4 * prod(need.latent_shape)
    return Need(
        need.latent_shape,
        _DIFFUSERS_BYTES + need.peak_bytes + latents,
        need.image_channels,
        None if need.offloaded_bytes is None else need.offloaded_bytes + latents,
    )
