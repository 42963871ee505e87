"""Where image prompts start from, in closed form: ridge regression from pictures to captions.

The pooled state, and the tokens of places, begin as the linear functions of the picture's features
that come nearest to what the text encoder makes of the caption: its pooled state, and the mean of
its token states. So the U-Net understands them before a single step of training.
"""

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.embedded.image_prompt import ImagePrompt
from common.embedded.picture_features import picture_features
from common.embedded.prior import EmbeddedPrior
from common.shapes import Images

RIDGE = 0.03
"""Of the mean square of a standardised feature."""
_BATCH = 64
_LEAST = 1e-6
_SMALL = 0.1
"""The tokens of the whole begin near one word, not quite alike."""


@torch.no_grad()
def start_from_captions(
    adapter: ImagePrompt, prior: EmbeddedPrior, latents: Images, captions: tuple[str, ...]
) -> None:
    """Set the statistics of the summary, and what is read off pictures."""
    summaries, pooled, words, cells = [], [], [], []
    width = adapter.architecture.text_channels
    for start in range(0, len(captions), _BATCH):
        some = latents[start : start + _BATCH].to(prior.device)
        with torch.autocast(prior.device.type, torch.bfloat16):
            features = picture_features(prior, some)
        summaries.append(features.summary)
        cells.append(features.cells)
        cond = prior.embed_negative(captions[start : start + _BATCH])
        pooled.append(cond.vector[:, :width])
        share = cond.mask.float() / cond.mask.sum(1, keepdim=True)
        words.append((cond.states * share[..., None]).sum(1))
    summary = torch.cat(summaries)
    adapter.summary_mean.copy_(summary.mean(0))
    adapter.summary_std.copy_(summary.std(0).clamp(min=_LEAST))
    known = adapter.standardised(summary)
    word, local = torch.cat(words), torch.cat(cells)
    each = rearrange(local, "b n c -> (b n) c")
    fits = (
        (adapter.to_pooled, known, torch.cat(pooled)),
        (adapter.to_tokens, each, repeat(word, "b d -> (b n) d", n=local.shape[1])),
    )
    adapter.to_words.weight.mul_(_SMALL)
    adapter.to_words.bias.copy_(word.mean(0).repeat(adapter.architecture.num_words))
    for layer, inputs, targets in fits:
        weight, bias = ridge(inputs, targets, RIDGE)
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)


def ridge(
    inputs: Float[Tensor, "n k"], targets: Float[Tensor, "n d"], strength: float
) -> tuple[Float[Tensor, "d k"], Float[Tensor, " d"]]:
    """Weight and bias that minimise ``mean |x W' + b - y|^2 + strength |W|^2``."""
    x, y = inputs.double(), targets.double()
    x_mean, y_mean = x.mean(0), y.mean(0)
    x, y = x - x_mean, y - y_mean
    gram = x.T @ x / len(x) + strength * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    weight = torch.linalg.solve(gram, x.T @ y / len(x)).T
    return weight.to(inputs.dtype), (y_mean - weight @ x_mean).to(inputs.dtype)
