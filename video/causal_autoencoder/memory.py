"""How much memory the training of a causal autoencoder takes, told from its sizes."""

from math import prod

import torch

from video.causal_autoencoder.architecture import CausalAutoencoderArchitecture
from video.causal_autoencoder.groups import num_groups
from video.causal_autoencoder.model import CausalAutoencoder

_COPIES = 5
"""Float32 copies of the weights in training: trained, averaged, gradient and two moments."""


def num_weights(sizes: CausalAutoencoderArchitecture) -> int:
    """Numbers that a model has learnt."""
    with torch.device("meta"):
        model = CausalAutoencoder(sizes)
    return sum(weight.numel() for weight in model.parameters())


def training_bytes(
    sizes: CausalAutoencoderArchitecture, latent_size: tuple[int, int, int], batch_size: int
) -> int:
    """What training on so many clips of ``(f, y, x)`` cells at once takes.

    A block keeps its input, what goes into both convolutions before and after the nonlinearity.
    """
    frames, *cells = latent_size
    places = num_groups(frames, sizes.frames_per_code) * prod(cells)
    blocks = sizes.encoder_blocks + sizes.decoder_blocks
    kept = blocks * sizes.channels * (4 + 2 * sizes.reach)
    return 4 * (_COPIES * num_weights(sizes) + batch_size * places * kept)
