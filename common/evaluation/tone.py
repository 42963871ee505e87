"""A colour style with a closed form: two colours, mixed by how bright a pixel is (duotone).

With luma ``y(c)`` (Rec. 709 weights on sRGB values), dark ``d`` and light ``l``, a colour becomes
``T(c) = d + t (l - d)``, ``t = clamp((y(c) - y(d)) / (y(l) - y(d)), 0, 1)``. Luma is linear, so
``T(T(c)) = T(c)``: the mean of ``|c - T(c)|`` over a picture is 0 exactly where it has the style.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from common.config import Config
from common.media.pixels import parse_color
from common.shapes import Images

_LUMA = (0.2126, 0.7152, 0.0722)
_COLOUR = r"^#[0-9a-fA-F]{6}$"


class Tone(Config):
    """The two colours of a duotone."""

    dark: str = Field("#2b1055", pattern=_COLOUR)
    """What black becomes."""
    light: str = Field("#f2d6a2", pattern=_COLOUR)
    """What white becomes."""

    @model_validator(mode="after")
    def _light_is_lighter(self) -> "Tone":
        if float(_luma(_colour(self.light)) - _luma(_colour(self.dark))) <= 0:
            raise ValueError(f"light {self.light} must be lighter than dark {self.dark}")
        return self


def toned(pictures: Images, tone: Tone) -> Images:
    """Premultiplied RGBA pictures in [-1, 1] in the style; their opacity stays."""
    alpha, colours = _straight(pictures)
    mapped = _mapped(colours, tone) * alpha
    return torch.cat([mapped, alpha], 1) * 2 - 1


def tone_distances(pictures: Images, tone: Tone) -> Float[Tensor, " b"]:
    """Mean distance of a pixel's colour from the style, in sRGB with channels in [0, 1].

    Pixels count by their opacity; a picture without any has distance 0.
    """
    alpha, colours = _straight(pictures)
    apart = (colours - _mapped(colours, tone)).norm(dim=1, keepdim=True)
    return (apart * alpha).sum((1, 2, 3)) / alpha.sum((1, 2, 3)).clamp(min=1e-6)


def _straight(pictures: Images) -> tuple[Float[Tensor, "b 1 h w"], Float[Tensor, "b 3 h w"]]:
    """Opacity and colours in [0, 1]; colours that nobody can see are black."""
    parts = (pictures.float().clamp(-1, 1) + 1) / 2
    alpha = parts[:, 3:]
    seen = alpha >= 0.5 / 255
    colours = torch.where(seen, parts[:, :3] / torch.where(seen, alpha, 1.0), 0.0)
    return torch.where(seen, alpha, 0.0), colours.clamp(0, 1)


def _mapped(colours: Float[Tensor, "b 3 h w"], tone: Tone) -> Float[Tensor, "b 3 h w"]:
    dark, light = _colour(tone.dark).to(colours), _colour(tone.light).to(colours)
    luma = torch.einsum("bchw,c->bhw", colours, torch.tensor(_LUMA).to(colours))
    share = ((luma - _luma(dark)) / (_luma(light) - _luma(dark))).clamp(0, 1)[:, None]
    low, high = (rearrange(one, "c -> c 1 1") for one in (dark, light))
    return low + share * (high - low)


def _colour(text: str) -> Float[Tensor, " 3"]:
    return torch.tensor(parse_color(text)) / 255


def _luma(colour: Float[Tensor, " 3"]) -> Float[Tensor, ""]:
    return (colour * torch.tensor(_LUMA).to(colour)).sum()
