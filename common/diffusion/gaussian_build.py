"""Putting a mixture together from pictures of its means."""

from collections.abc import Sequence

import torch
from einops import einsum, rearrange
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from common.diffusion.dct import dct
from common.diffusion.gaussian_mixture import GaussianMixture


def mixture_of_fields(
    fields: Float[Tensor, "j ..."],
    coefficients: Float[Tensor, "k c j"],
    band_of: Int64[Tensor, " n"],
    variances: Float64[Tensor, "g bands"],
    family_of: Int64[Tensor, " k"] | None = None,
    weights: Sequence[float] | None = None,
) -> GaussianMixture:
    """The mixture whose means are sums of ``fields``, given as pictures ``(j, h, w)`` or clips.

    Args:
        fields: Shared scalar pictures or clips.
        coefficients: Of each mode's channels in the fields.
        band_of: The band of each cosine coefficient, axes flattened.
        variances: Of each family's bands, all positive.
        family_of: The family of each mode; all of family 0 if None.
        weights: Of the modes, in any unit; equal if None.
    """
    num_modes, axes = len(coefficients), tuple(fields.shape[1:])
    in_basis = rearrange(dct(fields, len(axes)), "j ... -> j (...)")
    raw = torch.tensor([1.0] * num_modes if weights is None else weights, dtype=torch.float64)
    family = torch.zeros(num_modes, dtype=torch.int64) if family_of is None else family_of
    return GaussianMixture(
        fields=in_basis,
        coefficients=coefficients.to(fields),
        log_weights=raw.log().log_softmax(0).to(fields.device),
        axes=axes,
        band_of=band_of.to(fields.device),
        variances=variances.to(fields.device),
        family_of=family.to(fields.device),
        energies=_band_energies(
            in_basis, coefficients.to(fields), band_of.to(fields.device), variances.shape[1]
        ),
    )


def mixture_of_means(
    means: Float[Tensor, "k c ..."],
    band_of: Int64[Tensor, " n"],
    variances: Float64[Tensor, "g bands"],
    family_of: Int64[Tensor, " k"] | None = None,
    weights: Sequence[float] | None = None,
) -> GaussianMixture:
    """The mixture of unrelated means: each channel of each mean is a field of its own."""
    num_modes, num_channels = means.shape[:2]
    identity = torch.eye(num_modes * num_channels).to(means)
    coefficients = rearrange(identity, "(k c) j -> k c j", k=num_modes)
    fields = rearrange(means, "k c ... -> (k c) ...")
    return mixture_of_fields(fields, coefficients, band_of, variances, family_of, weights)


def _band_energies(
    fields: Float[Tensor, "j n"],
    coefficients: Float[Tensor, "k c j"],
    band_of: Int64[Tensor, " n"],
    num_bands: int,
) -> Float64[Tensor, "k bands"]:
    """Squared length of each mean in each band, from the products of the fields it is made of.

    Modes of the same fields (one scene in several colours) share the products, so the cost is that
    of the scenes, not of the modes.
    """
    order = torch.argsort(band_of, stable=True)
    sizes = torch.bincount(band_of, minlength=num_bands).tolist()
    sorted_fields = fields[:, order]
    used = (coefficients != 0).any(1)
    patterns, pattern_of = torch.unique(used, dim=0, return_inverse=True)
    energies = fields.new_zeros(len(coefficients), num_bands, dtype=torch.float64)
    for number, pattern in enumerate(patterns):
        modes = (pattern_of == number).nonzero().squeeze(1)
        own = sorted_fields[pattern.nonzero().squeeze(1)].double()
        banded = torch.stack([part @ part.T for part in own.split(sizes, dim=1)], dim=-1)
        weights = coefficients[modes][..., pattern].double()
        energies[modes] = einsum(weights, weights, banded, "k c i, k c j, i j band -> k band")
    return energies
