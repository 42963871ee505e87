"""The closed-form prior: a mixture of Gaussians whose predictions are exact at every noise level.

Its latents are the pictures themselves, so encoding and decoding are the identity. A prompt
conditions on the modes whose labels have all the words it names: the prior behind the exact tests,
and a demo that needs no weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from common.diffusion.gaussian_build import mixture_of_fields
from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.gaussian_mixture import GaussianMixture, Level
from common.diffusion.gaussian_scenes import ALIASES, draw_scenes
from common.diffusion.gaussian_spectrum import power_law_bands
from common.diffusion.label_words import LabelWords
from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.prediction import mix_of
from common.diffusion.prior import PriorSpec
from common.errors import InputError
from common.shapes import Latents, Timesteps


@dataclass(frozen=True, eq=False)
class GaussianCond:
    """The modes each sample is conditioned on."""

    matches: Bool[Tensor, "b k"]
    """Over all modes of the prior: which each prompt names."""
    mixture: GaussianMixture
    """Only the modes that some prompt of the batch names."""
    log_weights: Float64[Tensor, "b m"]
    """Each sample's own weights of those, minus infinity where it does not name them."""


@dataclass(frozen=True, eq=False)
class GaussianPrior:
    """A ``Prior`` in closed form."""

    spec: PriorSpec
    mixture: GaussianMixture
    words: LabelWords

    def embed(self, prompts: Sequence[str]) -> GaussianCond:
        """The modes each prompt names; ``""`` is all of them.

        Raises:
            InputError: when a prompt names no mode.
        """
        found = {prompt: self.words.matching(prompt) for prompt in dict.fromkeys(prompts)}
        device = self.mixture.fields.device
        matches = torch.stack([found[prompt] for prompt in prompts]).to(device)
        needed = matches.any(0)
        mixture = self.mixture.restricted(needed)
        log_weights = mixture.log_weights.masked_fill(~matches[:, needed], -torch.inf)
        return GaussianCond(matches, mixture, log_weights.log_softmax(1))

    def level(self, timesteps: Timesteps) -> Level:
        """Signal and noise of each sample at its timestep."""
        return Level(*self.spec.schedule.alpha_sigma(timesteps))

    def predict(self, latents: Latents, timesteps: Timesteps, cond: GaussianCond) -> Latents:
        """The exact conditional expectation of ``spec.prediction`` given the noised latents."""
        self._check(latents)
        level = self.level(timesteps.to(latents.device))
        mix = mix_of(self.spec.prediction, level.alpha, level.sigma)
        return cond.mixture.mixed_prediction(latents, level, mix, cond.log_weights)

    def log_prob(
        self, latents: Latents, timesteps: Timesteps, cond: GaussianCond
    ) -> Float64[Tensor, " b"]:
        """Log density of the noised prior; its gradient is the score ``-E[eps | z] / sigma``."""
        self._check(latents)
        level = self.level(timesteps.to(latents.device))
        return cond.mixture.log_prob(latents, level, cond.log_weights)

    def class_log_probability(
        self, latents: Latents, timesteps: Timesteps, cond: GaussianCond
    ) -> Float64[Tensor, " b"]:
        """``log p(y | z)``: how likely noised latents are of the modes that each prompt names.

        By Bayes' rule ``log p(z | y) + log p(y) - log p(z)``.
        """
        named = self.mixture.log_weights.expand_as(cond.matches)
        odds = named.masked_fill(~cond.matches, -torch.inf).logsumexp(1)
        level = self.level(timesteps.to(latents.device))
        whole = self.mixture.log_prob(latents, level)
        return self.log_prob(latents, timesteps, cond) + odds - whole

    def encode(self, pictures: Latents) -> Latents:
        """Pictures are their own latents."""
        return pictures

    def decode(self, latents: Latents) -> Latents:
        """Latents are their own pictures."""
        return latents

    def draw(
        self, cond: GaussianCond, generators: Sequence[torch.Generator]
    ) -> Float[Tensor, "b c ..."]:
        """Exact samples of the prior, without any sampler."""
        rows = []
        for weights, generator in zip(cond.log_weights, generators, strict=True):
            mode = torch.multinomial(weights.exp().cpu(), 1, generator=generator)
            noise = torch.randn(1, *self.spec.latent_shape, generator=generator)
            mixture = cond.mixture
            rows.append(mixture.draw(mode.to(weights.device), noise.to(mixture.fields)))
        return torch.cat(rows)

    def _check(self, latents: Tensor) -> None:
        if latents.shape[1:] != self.spec.latent_shape:
            raise InputError(
                f"this prior has latents {self.spec.latent_shape}, got {tuple(latents.shape[1:])}"
            )


def build_gaussian_prior(
    config: GaussianPriorConfig, size: tuple[int, ...], device: torch.device | str = "cpu"
) -> GaussianPrior:
    """The scenes of ``gaussian_scenes`` as a prior.

    Args:
        config: Its settings.
        size: ``(h, w)`` for pictures, ``(f, h, w)`` for clips.
        device: Where it lives.
    """
    if len(size) not in (2, 3) or min(size[-2:]) < 8 or min(size) < 1:
        raise InputError(f"the gaussian prior draws at least 8 x 8 pixels, got size {size}")
    scenes = draw_scenes(size, config.num_variants)
    band_of, variances = power_law_bands(size, config.variation, config.smoothness)
    mixture = mixture_of_fields(
        scenes.fields.to(device), scenes.coefficients.to(device), band_of, variances[None]
    )
    spec = PriorSpec(
        latent_shape=(4, *size),
        image_channels=4,
        schedule=build_noise_schedule(config.schedule),
        prediction=config.prediction,
    )
    return GaussianPrior(spec, mixture, LabelWords(scenes.labels, ALIASES))
