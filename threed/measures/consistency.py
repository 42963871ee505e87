"""Whether pictures can be of one object: how well a scene fitted to them shows them again."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.judging.alpha_box import alpha_box_psnr


def view_psnr(
    rendered: Float[Tensor, "v h w 4"], pictures: Float[Tensor, "v h w 4"]
) -> Float[Tensor, " v"]:
    """PSNR in dB of each view inside the alpha box of its picture, on its worst background.

    Both are premultiplied RGBA in [0, 1]; box and backgrounds are those of
    `common.judging.alpha_box`.
    """
    ours, theirs = (rearrange(one, "v h w c -> v c h w") * 2 - 1 for one in (rendered, pictures))
    return alpha_box_psnr(ours, theirs).amin(1)
