"""What U-Nets for inpainting are told besides the noised latents: the mask, and what stays.

Five channels follow the latents' four: the mask, 1 where is drawn, and the latents of the picture
whose masked part is gray (Rombach et al. 2022, arXiv 2112.10752, section 4.5).
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_curves import FrameNumbers

_HALF = 0.5


@dataclass(frozen=True, eq=False)
class MaskedPicture:
    """A mask and latents of what stays, of one picture or of each frame of a clip."""

    mask: Float[Tensor, "f 1 y x"]
    """1 where is drawn."""
    kept: Float[Tensor, "f c y x"]
    """Of the picture without what is drawn over."""

    def of_frames(self, frames: FrameNumbers) -> "MaskedPicture":
        """The same for some frames of the clip."""
        return MaskedPicture(self.mask[frames], self.kept[frames])

    def joined(
        self, latents: Float[Tensor, "b c y x"], frames: FrameNumbers | None = None
    ) -> Float[Tensor, "b d y x"]:
        """Latents with the channels that follow them.

        Args:
            latents: noised, of pictures that have the mask in common, or of clips' frames, those of
                a clip one after the other.
            frames: of the clip, that the latents are of; None: all that there are.
        """
        shown = self if frames is None else self.of_frames(frames)
        rows = torch.cat([shown.mask, shown.kept], 1)
        count = len(latents) // len(rows)
        return torch.cat([latents, repeat(rows.to(latents), "f ... -> (b f) ...", b=count)], 1)


@runtime_checkable
class TakesMasks(Protocol):
    """A prior that may be one for inpainting."""

    @property
    def takes_mask(self) -> bool:
        """Whether it predicts nothing before it is told a mask."""
        ...

    def inpainting(self, shown: MaskedPicture) -> Any:
        """The same prior, told a mask and what stays."""
        ...

    def encode(self, pictures: Any) -> Any:
        """Pictures in [-1, 1] to latents."""
        ...


def masked_picture(
    prior: TakesMasks, pictures: Float[Tensor, "c *f h w"], drawn: Float[Tensor, "*f h w"]
) -> MaskedPicture:
    """What a prior is told of a picture, or clip, and its mask.

    The mask comes to the latents' size by taking the nearest pixel, and the latents are the mean of
    the autoencoder's distribution.

    Args:
        prior: encodes.
        pictures: in [-1, 1].
        drawn: 1 where pixels are drawn anew.
    """
    drawn = drawn.to(pictures)
    encoded = prior.encode((pictures * (drawn < _HALF))[None])[0]
    kept = encoded[:, None] if encoded.ndim == 3 else encoded
    pixels = (drawn >= _HALF).to(kept).reshape(-1, 1, *drawn.shape[-2:])
    mask = F.interpolate(pixels, size=kept.shape[-2:])
    return MaskedPicture(mask, rearrange(kept, "c f y x -> f c y x"))
