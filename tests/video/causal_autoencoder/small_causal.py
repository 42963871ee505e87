"""A real causal autoencoder, small enough that a pass takes milliseconds."""

from pathlib import Path

import torch

from common.zoo.models import load_autoencoder
from tests.common.zoo.small_zoo import store
from video.causal_autoencoder.architecture import CausalAutoencoderArchitecture
from video.causal_autoencoder.model import CausalAutoencoder

SIZES = CausalAutoencoderArchitecture(
    latent_channels=4, channels=16, encoder_blocks=2, decoder_blocks=2
)


def random_causal(sizes: CausalAutoencoderArchitecture = SIZES, seed: int = 0) -> CausalAutoencoder:
    """A model none of whose weights is zero."""
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        model = CausalAutoencoder(sizes)
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.1)
    return model.eval().requires_grad_(False)


def store_causal(folder: Path, sizes: CausalAutoencoderArchitecture = SIZES) -> None:
    """A random model on the folder's autoencoder."""
    requires = {"autoencoder": load_autoencoder(folder).identity}
    store(folder, "causal_autoencoder", random_causal(sizes), sizes, requires)
