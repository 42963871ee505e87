"""What the image U-Net itself makes of a picture: features of its middle block.

A denoiser that has learnt to draw things tells them apart inside (Tang et al. 2023, "DIFT", arXiv
2306.03881): the picture's latent, as it is, goes through the U-Net at a small noise level without a
prompt.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from common.embedded.image_prompt import GRID, SIDE_CELLS
from common.embedded.prior import EmbeddedPrior
from common.errors import InputError
from common.shapes import Images

TIMESTEP = 100.0
"""Of 1000."""


@torch.no_grad()
def picture_features(prior: EmbeddedPrior, latents: Images) -> Float[Tensor, "b k"]:
    """Features of pictures given as latents ``b z 16 16``.

    Of the middle block the mean, the largest, and the mean of each quarter of the picture; of the
    latent itself the means of a 4 x 4 grid.

    Raises:
        InputError: latents of another size.
    """
    if tuple(latents.shape[2:]) != (SIDE_CELLS, SIDE_CELLS):
        raise InputError(
            f"image prompts are looked at as {SIDE_CELLS} x {SIDE_CELLS} latent cells, not "
            f"{latents.shape[2]} x {latents.shape[3]}"
        )
    caught: list[Tensor] = []

    def catch(module: Any, given: Any, made: Tensor) -> None:
        caught.append(made)

    empty = prior.embed_negative([""] * len(latents))
    handle = prior.unet.mid_block.register_forward_hook(catch)
    try:
        prior.predict(latents, torch.full((len(latents),), TIMESTEP, device=latents.device), empty)
    finally:
        handle.remove()
    middle = caught[0].float()
    parts = F.adaptive_avg_pool2d(middle, GRID).flatten(1)
    blurred = F.adaptive_avg_pool2d(latents, GRID**2).flatten(1)
    return torch.cat([middle.mean((2, 3)), middle.amax((2, 3)), parts, blurred], 1)
