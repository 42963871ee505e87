"""Convolution over the frames of a clip, each place by itself: half of a 3-D U-Net.

Together with a U-Net's own convolutions over places it makes factorised 3-D convolutions, as in
Make-A-Video (Singer et al. 2022, arXiv 2209.14792, section 3.2) and ModelScope (Wang et al. 2023,
arXiv 2308.06571). The last one begins with zeros, so that the whole is an identity until it is
trained. Beyond the ends of a clip its first and last frames go on: a still stays a still.
"""

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


class TemporalConvolution(nn.Module):
    """``features + scale * branch(features)``, an identity until it is trained.

    The branch is twice a group norm, SiLU and a convolution over frames.

    Args:
        channels: features of the U-Net where it is put in.
        num_frames: that a convolution sees, an odd number.
        norm_groups: of the norms, whose statistics are of each frame by itself.
    """

    def __init__(self, channels: int, num_frames: int, norm_groups: int):
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(norm_groups, channels, eps=1e-6) for _ in range(2))
        self.convolutions = nn.ModuleList(
            nn.Conv2d(
                channels, channels, (num_frames, 1), padding=(num_frames // 2, 0),
                padding_mode="replicate",
            )
            for _ in range(2)
        )  # fmt: skip
        for weight in self.convolutions[-1].parameters():
            nn.init.zeros_(weight)

    def forward(
        self,
        features: Float[Tensor, "bf c h w"],
        frames: Float[Tensor, "b f"],
        condition: Float[Tensor, "bf k"] | None = None,
        scale: float | Float[Tensor, " bf"] = 1.0,
    ) -> Float[Tensor, "bf c h w"]:
        """Features of the same shape.

        Args:
            features: of a picture network, the frames of a clip one after the other.
            frames: the time of each frame; only how many there are counts.
            condition: what other frame layers are told; it does not count.
            scale: strength of the branch, one for all or one for each frame.
        """
        height, count = features.shape[2], frames.shape[1]
        made = features.contiguous()
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            rows = rearrange(F.silu(norm(made)), "(b f) c h w -> b c f (h w)", f=count)
            made = rearrange(convolution(rows), "b c f (h w) -> (b f) c h w", h=height)
        if isinstance(scale, Tensor):
            scale = rearrange(scale.to(made), "bf -> bf 1 1 1")
        return features + scale * made
