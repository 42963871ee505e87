"""What an autoencoder of premultiplied RGBA pictures is trained on."""

import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.autoencoder import Moments
from common.shapes import Images

CHARBONNIER_WIDTH = 0.02
"""Below this error (of a range of 1) the penalty is quadratic, above it linear."""


def reconstruction_loss(made: Images, wanted: Images) -> Float[Tensor, ""]:
    """Mean Charbonnier penalty of the composites on black and on white, and of alpha.

    With premultiplied colour ``p`` the composite on background ``b`` is ``p + (1 - a) b``, so its
    error is ``dp - b da``: linear in ``b``, and bounded by those on black and white.
    """
    return charbonnier(error_channels(made, wanted)).mean()


def gradient_loss(made: Images, wanted: Images) -> Float[Tensor, ""]:
    """The same penalty of the differences between neighbouring pixels: edges in their place."""
    errors = error_channels(made, wanted)
    across = charbonnier(errors[..., 1:] - errors[..., :-1]).mean()
    down = charbonnier(errors[..., 1:, :] - errors[..., :-1, :]).mean()
    return (across + down) / 2


def error_channels(made: Images, wanted: Images) -> Float[Tensor, "b 7 h w"]:
    """Errors of the three colours on black, of the three on white, and of alpha, in [-1, 1]."""
    difference = (made.float() - wanted.float()) / 2
    on_black, alpha = difference[:, :3], difference[:, 3:]
    return torch.cat([on_black, on_black - alpha, alpha], 1)


def charbonnier(errors: Tensor) -> Tensor:
    """``sqrt(e^2 + w^2) - w``: quadratic near zero, linear far from it, zero at zero."""
    return (errors**2 + CHARBONNIER_WIDTH**2).sqrt() - CHARBONNIER_WIDTH


def kl_divergence(moments: Moments) -> Float[Tensor, ""]:
    """Mean over latent components of ``KL(N(m, s^2) || N(0, 1))`` in nats."""
    mean, log_variance = moments.mean.float(), moments.log_variance.float()
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
