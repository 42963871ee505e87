"""A mixture of Gaussians over latents whose noised marginals, scores and densities are exact.

Mode ``k`` is ``N(mean_k, U diag(lambda_k) U^T)`` with the cosine basis ``U`` over all axes but the
channels. Noised to ``z = alpha x + sigma eps`` it is again Gaussian, with variance
``s = alpha^2 lambda + sigma^2`` per coefficient, so with responsibilities ``w_k(z)``

    E[x | z]   = sum_k w_k (mean_k + U (alpha lambda / s) U^T (z - alpha mean_k))
    E[eps | z] = sum_k w_k U (sigma / s) U^T (z - alpha mean_k).

Two economies keep hundreds of modes small. Means are sums of shared scalar *fields* times a
coefficient per mode and channel (a red and a blue ball share theirs), and variances are constant
within *bands* of coefficients and shared by modes of a *family*. Everything is kept in the cosine
basis. Log weights, distances and responsibilities are float64: over a clip's elements float32 sums
of squares err by more than the differences that decide between modes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from einops import einsum, rearrange
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from common.diffusion.dct import dct, inverse_dct
from common.diffusion.noise_schedule import per_sample
from common.shapes import Latents

_CHUNK = 16_384
"""Coefficients whose fields are brought to float64 at a time."""


class Level(NamedTuple):
    """Signal and noise of each sample."""

    alpha: Float64[Tensor, " b"]
    sigma: Float64[Tensor, " b"]


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """Modes over latents ``(c, *axes)``; see the module for what is stored."""

    fields: Float[Tensor, "j n"]
    """Cosine coefficients of the fields, axes flattened."""
    coefficients: Float[Tensor, "k c j"]
    """``mean_k[channel] = sum_j coefficients[k, channel, j] field_j``."""
    log_weights: Float64[Tensor, " k"]
    """Normalised."""
    axes: tuple[int, ...]
    """Sizes of ``(h, w)`` or ``(f, h, w)``."""
    band_of: Int64[Tensor, " n"]
    """The band of each coefficient."""
    variances: Float64[Tensor, "g bands"]
    """``lambda`` of each family's bands."""
    family_of: Int64[Tensor, " k"]
    """The family of each mode."""
    energies: Float64[Tensor, "k bands"]
    """Squared length of each mean within each band."""

    @property
    def num_modes(self) -> int:
        """How many modes there are."""
        return len(self.log_weights)

    @property
    def num_dims(self) -> int:
        """Elements of a latent."""
        return self.coefficients.shape[1] * len(self.band_of)

    def restricted(self, keep: Bool[Tensor, " k"]) -> "GaussianMixture":
        """The mixture of the modes to ``keep``, their weights renormalised, unused fields gone."""
        coefficients = self.coefficients[keep]
        used = (coefficients != 0).any(0).any(0)
        return replace(
            self,
            fields=self.fields if bool(used.all()) else self.fields[used],
            coefficients=coefficients[..., used],
            log_weights=self.log_weights[keep].log_softmax(0),
            family_of=self.family_of[keep],
            energies=self.energies[keep],
        )

    def means(self) -> Float[Tensor, "k c ..."]:
        """The modes' means, whole: one latent of memory each."""
        return self._to_latents(self._in_basis(self.coefficients))

    def log_prob(
        self, latents: Latents, level: Level, log_weights: Float64[Tensor, "b k"] | None = None
    ) -> Float64[Tensor, " b"]:
        """Log density of the noised mixture; at ``alpha = 1, sigma = 0`` of the mixture itself."""
        return self.mode_log_probs(latents, level, log_weights).logsumexp(1)

    def mode_log_probs(
        self, latents: Latents, level: Level, log_weights: Float64[Tensor, "b k"] | None = None
    ) -> Float64[Tensor, "b k"]:
        """``log(weight_k p(z | mode k))``; its softmax over ``k`` are the responsibilities.

        Args:
            latents: Noised latents.
            level: Signal and noise of each sample.
            log_weights: Each sample's own mode weights; the mixture's where None.
        """
        z = self._to_basis(latents)
        weights = self.log_weights if log_weights is None else log_weights
        distances, log_dets = self._distances(z, level)
        constant = self.num_dims * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64))
        return weights - 0.5 * (distances + log_dets + constant)

    def mahalanobis(self, latents: Latents, level: Level) -> Float64[Tensor, "b k"]:
        """Squared Mahalanobis distance to each noised mode, ``num_dims`` on average for its own."""
        return self._distances(self._to_basis(latents), level)[0]

    def mixed_prediction(
        self,
        latents: Latents,
        level: Level,
        mix: tuple[Float64[Tensor, " b"], Float64[Tensor, " b"]],
        log_weights: Float64[Tensor, "b k"] | None = None,
    ) -> Latents:
        """``l E[x | z] + m E[eps | z]`` for a mix ``(l, m)``; never divides by alpha or sigma."""
        weights = self.mode_log_probs(latents, level, log_weights).softmax(1)
        z = self._to_basis(latents)
        per_clean, per_noise = mix
        total = torch.zeros_like(z)
        for family, modes in self._families():
            share = weights[:, modes]
            combined = einsum(
                share.to(self.fields), self.coefficients[modes], "b k, k c j -> b c j"
            )
            mean = self._in_basis(combined).to(z)
            rest = per_sample(share.sum(1), z) * z - per_sample(level.alpha, z) * mean
            gain = self._per_band(
                (per_clean * level.alpha)[:, None] * self.variances[family]
                + (per_noise * level.sigma)[:, None],
                family,
                level,
            )
            total = total + per_sample(per_clean, z) * mean + gain.to(z)[:, None] * rest
        return self._to_latents(total)

    def draw(
        self, modes: Int64[Tensor, " b"], noise: Float[Tensor, "b c ..."]
    ) -> Float[Tensor, "b c ..."]:
        """Exact samples of the given modes: mean plus coloured noise."""
        scale = self.variances[self.family_of[modes]][:, self.band_of].sqrt()
        mean = self._in_basis(self.coefficients[modes])
        return self._to_latents(mean + scale.to(noise)[:, None] * self._to_basis(noise))

    def _families(self) -> Iterator[tuple[int, Tensor]]:
        """Each family with the indices of its modes."""
        for family in torch.unique(self.family_of).tolist():
            yield family, (self.family_of == family).nonzero().squeeze(1)

    def _distances(
        self, z: Float[Tensor, "b c n"], level: Level
    ) -> tuple[Float64[Tensor, "b k"], Float64[Tensor, "b k"]]:
        """Squared Mahalanobis distances and log determinants, by expanding the square."""
        num_bands = self.variances.shape[1]
        energy = z.new_zeros(len(z), num_bands, dtype=torch.float64)
        energy = energy.index_add(1, self.band_of, (z.double() ** 2).sum(1))
        counts = torch.bincount(self.band_of, minlength=num_bands).double() * z.shape[1]
        distances = energy.new_zeros(len(z), self.num_modes)
        log_dets = torch.zeros_like(distances)
        alpha = level.alpha[:, None]
        for family, modes in self._families():
            variance = alpha**2 * self.variances[family] + level.sigma[:, None] ** 2
            precision = self._per_band(torch.ones_like(variance), family, level)
            products = self._in_fields(precision.to(z)[:, None] * z).double()
            products = einsum(products, self.coefficients[modes].double(), "b c j, k c j -> b k")
            own = (energy / variance).sum(1, keepdim=True)
            of_means = alpha**2 * (1 / variance) @ self.energies[modes].T
            distances[:, modes] = own - 2 * alpha * products + of_means
            log_dets[:, modes] = (counts * variance.log()).sum(1, keepdim=True)
        return distances, log_dets

    def _per_band(
        self, numerator: Float64[Tensor, "b bands"], family: int, level: Level
    ) -> Float64[Tensor, "b n"]:
        """``numerator / (alpha^2 lambda + sigma^2)`` spread over the coefficients."""
        signal = level.alpha[:, None] ** 2 * self.variances[family]
        return (numerator / (signal + level.sigma[:, None] ** 2))[:, self.band_of]

    def _in_fields(self, z: Float[Tensor, "b c n"]) -> Float[Tensor, "b c j"]:
        """Products with all fields, in the precision of ``z``, by chunks to save memory."""
        products = z.new_zeros(*z.shape[:2], len(self.fields))
        for start in range(0, z.shape[2], _CHUNK):
            part = slice(start, start + _CHUNK)
            fields = self.fields[:, part].to(z)
            products += einsum(fields, z[..., part], "j n, b c n -> b c j")
        return products

    def _in_basis(self, coefficients: Float[Tensor, "b c j"]) -> Float[Tensor, "b c n"]:
        return einsum(coefficients, self.fields, "b c j, j n -> b c n")

    def _to_basis(self, latents: Latents) -> Float[Tensor, "b c n"]:
        return rearrange(dct(latents, len(self.axes)), "b c ... -> b c (...)")

    def _to_latents(self, values: Float[Tensor, "b c n"]) -> Latents:
        return inverse_dct(values.unflatten(-1, self.axes), len(self.axes))
