"""What is left of a clip after it is coded: how near, how steady, how large, how fast."""

import time
from dataclasses import dataclass
from statistics import fmean, median

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.clip_coding import ClipCoding
from common.judging.alpha_box import alpha_box_psnr, alpha_boxes, in_range, worst_mean_psnr
from common.judging.clip_steadiness import temporal_flicker

_VISIBLE = -1 + 2 * 0.5 / 255


@dataclass(frozen=True)
class CodedClip:
    """What one clip is after it was coded and decoded."""

    psnr_db: tuple[float, ...]
    """Mean over its frames, on each background: frames that are kept whole count for much."""
    clip_psnr_db: tuple[float, ...]
    """Of the mean squared error of all frames, on each background: blurred frames do."""
    alpha_error: float
    """Mean absolute error of alpha, of 1, in the boxes of what is visible."""
    flicker: float
    """`temporal_flicker`: to be as low as that of the true clip, not lower."""
    num_values: int
    """Numbers in its latents."""
    seconds: float
    """To encode and decode it."""


@torch.no_grad()
def coded_clip(coding: ClipCoding, clip: Float[Tensor, "4 f h w"]) -> CodedClip:
    """Code a premultiplied RGBA clip in [-1, 1], and look at what comes back.

    Frames with nothing visible are left out of the errors.
    """
    begun = time.perf_counter()
    latents = coding.encode(clip[None])
    made = coding.decode(latents, clip.shape[1])[0]
    seconds = time.perf_counter() - begun
    frames, true = (rearrange(one, "c f h w -> f c h w") for one in (made, clip))
    seen = (true[:, 3] >= _VISIBLE).flatten(1).any(1)
    frames, true = frames[seen], true[seen]
    psnr = alpha_box_psnr(frames, true)
    together = -10 * (10 ** (-psnr / 10)).mean(0).log10()
    inside = alpha_boxes((true[:, 3] + 1) / 2)
    off = (in_range((frames + 1) / 2)[:, 3] - (true[:, 3] + 1) / 2).abs()
    return CodedClip(
        tuple(psnr.mean(0).tolist()), tuple(together.tolist()),
        float((off * inside).sum() / inside.sum()),
        temporal_flicker(made.clamp(-1, 1)), latents.numel(), seconds,
    )  # fmt: skip


def figures_of(clips: list[CodedClip]) -> dict[str, float]:
    """Of clips together: PSNR on the background where it is lowest, medians and means."""
    by_frame = torch.tensor([one.psnr_db for one in clips])
    by_clip = torch.tensor([one.clip_psnr_db for one in clips])
    return {
        "psnr_db": worst_mean_psnr(by_frame),
        "clip_psnr_db": worst_mean_psnr(by_clip),
        "alpha_error": fmean(one.alpha_error for one in clips),
        "flicker": median(one.flicker for one in clips),
        "values": clips[0].num_values,
        "seconds": median(one.seconds for one in clips),
    }
