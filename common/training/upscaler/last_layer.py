"""The upscaler's last layer by least squares: of all its weights, those with the smallest error.

What comes before it stays, so the squared error over training pairs is a quadratic function of the
layer's weights, whose minimum is the solution of one linear system.
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from common.embedded.upscaler import FOLD, UPSCALING, Upscaler
from common.shapes import Images

STRENGTH = 1e-4
"""Of staying near the weights that are there, relative to the mean square of a feature."""


@torch.no_grad()
def fit_last_layer(model: Upscaler, pairs: Iterable[tuple[Tensor, Images]]) -> None:
    """Move the last convolution to where the squared error of the pairs is smallest.

    Args:
        model: is changed.
        pairs: small pictures and the same at twice their sides, in [-1, 1].
    """
    last: Any = model.correction[-1]
    convolution = last[0]
    gram: Tensor | None = None
    against = torch.zeros(())
    for small, large in pairs:
        features = model.correction[:-1]((small + 1) / 2)
        left = F.pixel_unshuffle(large - model(small), UPSCALING * FOLD)
        x = rearrange(F.unfold(features, 3, padding=1), "b k l -> (b l) k")
        x = torch.cat([x, torch.ones_like(x[:, :1])], 1)
        y = rearrange(left, "b c y x -> (b y x) c")
        own, toward = (x.T @ x).double(), (x.T @ y).double()
        gram, against = (own, toward) if gram is None else (gram + own, against + toward)
    assert gram is not None
    size = STRENGTH * gram.diagonal().mean()
    held = gram + size * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    change = torch.linalg.solve(held, against).T.to(convolution.weight.dtype)
    convolution.weight += rearrange(change[:, :-1], "o (i y x) -> o i y x", y=3, x=3)
    convolution.bias += change[:, -1]
