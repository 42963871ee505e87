"""Where image prompts start from, in closed form: ridge regression from pictures to captions.

The pooled state and the tokens begin as the linear functions of the picture's features that come
nearest to what the text encoder makes of the caption: its pooled state, and its last token states.
What is uncertain is drawn to the mean by that, so the tokens are stretched until they vary as much
as those of captions do.
"""

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float
from torch import Tensor

from common.embedded.image_prompt import ImagePrompt
from common.embedded.picture_features import picture_features
from common.embedded.prior import EmbeddedPrior
from common.shapes import Images

RIDGE = 0.03
"""Of the mean square of a standardised feature."""
_BATCH = 64
_LEAST = 1e-6
_MOST_STRETCHED = 2.0


@torch.no_grad()
def start_from_captions(
    adapter: ImagePrompt, prior: EmbeddedPrior, latents: Images, captions: tuple[str, ...]
) -> None:
    """Set the statistics of the summary, and what is read off pictures."""
    summaries, pooled, words = [], [], []
    count = adapter.architecture.num_words
    width = adapter.architecture.text_channels
    for start in range(0, len(captions), _BATCH):
        some = latents[start : start + _BATCH].to(prior.device)
        with torch.autocast(prior.device.type, torch.bfloat16):
            summaries.append(picture_features(prior, some))
        cond = prior.embed_negative(captions[start : start + _BATCH])
        pooled.append(cond.vector[:, :width])
        words.append(last_states(cond.states, cond.mask, count))
    summary = torch.cat(summaries)
    adapter.summary_mean.copy_(summary.mean(0))
    adapter.summary_std.copy_(summary.std(0).clamp(min=_LEAST))
    known = adapter.standardised(summary)
    weight, bias = ridge(known, torch.cat(pooled), RIDGE)
    adapter.to_pooled.weight.copy_(weight)
    adapter.to_pooled.bias.copy_(bias)
    wanted = rearrange(torch.cat(words), "b w d -> b (w d)")
    weight, bias = ridge(known, wanted, RIDGE)
    into, out = reduced_rank(weight, known, adapter.architecture.hidden_channels)
    made = known @ into.T
    stretch = ((wanted - wanted.mean(0)) @ out).std(0) / made.std(0).clamp(min=_LEAST)
    adapter.to_hidden.weight.copy_(into)
    adapter.to_hidden.bias.zero_()
    adapter.to_words.weight.copy_(out * stretch.clamp(max=_MOST_STRETCHED))
    adapter.to_words.bias.copy_(bias)


def last_states(
    states: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"], count: int
) -> Float[Tensor, "b w d"]:
    """The last ``count`` token states of each text; shorter ones repeat their first."""
    first = mask.sum(1, keepdim=True) - count
    index = (first + torch.arange(count, device=mask.device)).clamp(min=0)
    return states.gather(1, repeat(index, "b w -> b w d", d=states.shape[2]))


def reduced_rank(
    weight: Float[Tensor, "d k"], inputs: Float[Tensor, "n k"], rank: int
) -> tuple[Float[Tensor, "r k"], Float[Tensor, "d r"]]:
    """Two factors whose product predicts most of what ``weight`` does (Izenman 1975).

    The predictions are projected on the ``rank`` directions in which they vary most.
    """
    predicted = ((inputs - inputs.mean(0)) @ weight.T).double()
    directions = torch.linalg.eigh(predicted.T @ predicted).eigenvectors[:, -rank:]
    out = directions.to(weight.dtype)
    return out.T @ weight, out


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
