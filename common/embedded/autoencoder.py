"""The embedded autoencoder: premultiplied RGBA pictures to latents at an eighth of their size.

A KL-regularised autoencoder (Kingma and Welling 2014; Rombach et al. 2022) without normalisation
or attention, so that it works at any multiple of 8 pixels. Pictures are in [-1, 1] with four
channels, colours multiplied by alpha; latents are standardised to mean 0 and deviation 1 per
channel by two buffers that training measures last.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.blocks import folded, residual_blocks, unfolded
from common.errors import InputError
from common.shapes import Images

DOWNSAMPLING = 8
IMAGE_CHANNELS = 4
LOG_VARIANCE_RANGE = (-14.0, 6.0)

Codes = Float[Tensor, "b z y x"]
"""Latents of pictures ``b c h w``: ``z`` channels, ``y x = h/8 w/8``."""


class AutoencoderArchitecture(Config):
    """Sizes of the autoencoder."""

    latent_channels: int = Field(8, ge=1, le=64)
    """Channels of the latent."""
    coarse_channels: int = Field(152, ge=8, le=1024)
    """Channels at an eighth of the picture's size."""
    middle_channels: int = Field(96, ge=8, le=1024)
    """Channels at a quarter of the picture's size."""
    fine_channels: int = Field(48, ge=0, le=1024)
    """Channels at half of the picture's size, in the decoder only; 0 leaves that level out."""
    encoder_blocks: tuple[int, int] = (2, 2)
    """Residual blocks of the encoder at a quarter and at an eighth."""
    decoder_blocks: tuple[int, int, int] = (2, 3, 1)
    """Residual blocks of the decoder at an eighth, a quarter and a half."""


class Moments(NamedTuple):
    """The posterior of a picture's latent: a Gaussian with independent components."""

    mean: Codes
    log_variance: Codes


class Reconstruction(NamedTuple):
    """A picture that went through the latent, and the posterior it went through."""

    pictures: Images
    moments: Moments
    latents: Codes


class Autoencoder(nn.Module):
    """Encoder, decoder, and the shift and scale that standardise the latents."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, architecture: AutoencoderArchitecture):
        super().__init__()
        self.architecture = architecture
        self.encoder = _encoder(architecture)
        self.decoder = _decoder(architecture)
        self.register_buffer("latent_mean", torch.zeros(architecture.latent_channels))
        self.register_buffer("latent_std", torch.ones(architecture.latent_channels))

    def moments(self, pictures: Images) -> Moments:
        """The posterior of pictures ``(b, 4, h, w)``, not standardised."""
        check_picture_shape(pictures)
        mean, log_variance = self.encoder(pictures).chunk(2, dim=1)
        return Moments(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))

    def forward(self, pictures: Images, noise: Codes) -> Reconstruction:
        """Encode, draw from the posterior with the given standard normal noise, and decode."""
        moments = self.moments(pictures)
        latents = moments.mean + noise * (0.5 * moments.log_variance).exp()
        return Reconstruction(self.decoder(latents), moments, latents)

    def encode(self, pictures: Images) -> Codes:
        """The standardised latent means of pictures in [-1, 1]."""
        mean = self.moments(pictures).mean
        return (mean - _per_channel(self.latent_mean)) / _per_channel(self.latent_std)

    def decode(self, latents: Codes) -> Images:
        """Pictures, not clamped, of standardised latents."""
        spread = latents * _per_channel(self.latent_std) + _per_channel(self.latent_mean)
        return self.decoder(spread)


def check_picture_shape(pictures: Images) -> None:
    """Refuse what the encoder cannot take.

    Raises:
        InputError: not four channels, or a side that is no multiple of 8.
    """
    channels, height, width = pictures.shape[1:]
    if channels != IMAGE_CHANNELS:
        raise InputError(
            f"the autoencoder takes RGBA with premultiplied alpha (4 channels), not {channels}"
        )
    if height % DOWNSAMPLING or width % DOWNSAMPLING or not height or not width:
        raise InputError(
            f"pictures of {height} x {width} pixels do not divide by {DOWNSAMPLING}; the nearest "
            f"that do: {_nearest(height)} x {_nearest(width)}"
        )


def _nearest(side: int) -> int:
    return max(round(side / DOWNSAMPLING), 1) * DOWNSAMPLING


def _per_channel(values: Float[Tensor, " c"]) -> Float[Tensor, "c 1 1"]:
    return values.reshape(-1, 1, 1)


def _encoder(sizes: AutoencoderArchitecture) -> nn.Sequential:
    at_quarter, at_eighth = sizes.encoder_blocks
    return nn.Sequential(
        folded(4, IMAGE_CHANNELS, sizes.middle_channels, kernel=3),
        residual_blocks(sizes.middle_channels, at_quarter),
        folded(2, sizes.middle_channels, sizes.coarse_channels),
        residual_blocks(sizes.coarse_channels, at_eighth),
        nn.SiLU(),
        nn.Conv2d(sizes.coarse_channels, 2 * sizes.latent_channels, 3, padding=1),
    )


def _decoder(sizes: AutoencoderArchitecture) -> nn.Sequential:
    at_eighth, at_quarter, at_half = sizes.decoder_blocks
    layers = [
        nn.Conv2d(sizes.latent_channels, sizes.coarse_channels, 3, padding=1),
        residual_blocks(sizes.coarse_channels, at_eighth),
        unfolded(2, sizes.coarse_channels, sizes.middle_channels),
        residual_blocks(sizes.middle_channels, at_quarter),
    ]
    if sizes.fine_channels:
        layers += [
            unfolded(2, sizes.middle_channels, sizes.fine_channels, kernel=3),
            residual_blocks(sizes.fine_channels, at_half),
            nn.SiLU(),
            unfolded(2, sizes.fine_channels, IMAGE_CHANNELS, kernel=3),
        ]
    else:
        layers += [nn.SiLU(), unfolded(4, sizes.middle_channels, IMAGE_CHANNELS, kernel=3)]
    return nn.Sequential(*layers)
