"""What holds a scene's front to a picture that is given, as weighted terms by name."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.embedded.image_unet import FRONT
from common.embedded.orbit import cameras_on_orbit
from threed.optimise.live_scene import LiveScene
from threed.score_distillation import GivenFront


def front_terms(
    scene: LiveScene,
    picture: Float[Tensor, "4 s s"],
    weights: GivenFront,
    size_px: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """``w mean (o - o_0)^2`` of opacity and ``w mean (c - c_0)^2`` of premultiplied colour.

    Args:
        scene: rendered here from the front.
        picture: what the front shows, premultiplied, the object a metre long.
        weights: of the terms.
        size_px: side of the render.
        generator: shifts the samples of rays.
    """
    wanted = functional.interpolate(
        picture[None], (size_px, size_px), mode="bilinear", antialias=True
    )
    target = rearrange(wanted, "1 c h w -> 1 h w c")
    seen = scene.render(cameras_on_orbit([FRONT], size_px), generator)
    outline = (seen.opacity - target[..., 3]).square().mean()
    colour = (seen.rgb - target[..., :3]).square().mean()
    return {"front_outline": weights.outline * outline, "front_colour": weights.colour * colour}
