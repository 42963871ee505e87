"""How well pictures show what a prompt says, and not any other thing that the prior knows.

The picture encoder of the image prompts (`common.embedded.image_prompt`) says of a picture what the
text encoder would say of its caption. By Bayes' rule with even odds, the log-probability of the
prompt ``p`` among rivals ``r`` is

    log p(p | x) = cos(x, p) / T - log sum_r exp(cos(x, r) / T)

as in contrastive pretraining (Radford et al. 2021, arXiv 2103.00020). Rivals are the prompt itself,
the names of all known things, and the prompt in every other colour. The judge, which scores what
is made in the end, has no part in it.
"""

import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from common.embedded.autoencoder import DOWNSAMPLING
from common.embedded.concepts import Term, load_concepts
from common.embedded.image_prompt import ImagePrompt
from common.embedded.picture_encoder import SIDE_CELLS
from common.embedded.prior import EmbeddedPrior
from common.shapes import Images

TEMPERATURE = 0.02
"""Found on 40 emoji and their pictures, 8 of each, that no evaluation has."""
_BATCH = 64
_SIDE_PX = SIDE_CELLS * DOWNSAMPLING


class PromptFit:
    """Scores pictures of a prior.

    Args:
        reader: what is said of pictures.
        prior: whose text encoder it was trained for; it encodes the pictures.
    """

    def __init__(self, reader: ImagePrompt, prior: EmbeddedPrior):
        self._reader, self._prior = reader, prior
        self._names: Float[Tensor, "n d"] | None = None

    @torch.no_grad()
    def scores(self, pictures: Images, prompt: str) -> Float[Tensor, " b"]:
        """Log-probability of the prompt among its rivals, at most 0, of each picture.

        Args:
            pictures: premultiplied RGBA in [-1, 1], of any size; they are looked at at 128 pixels.
            prompt: in English or Chinese.
        """
        if self._names is None:
            self._names = self._texts(known_names())
        shown = F.interpolate(pictures, size=(_SIDE_PX, _SIDE_PX), mode="bilinear", antialias=True)
        seen = F.normalize(self._reader(self._prior.encode(shown)).pooled, dim=1)
        own = self._texts([prompt, *recoloured(prompt, load_concepts().colours)])
        likeness = seen @ torch.cat([own, self._names]).T / TEMPERATURE
        return likeness.log_softmax(1)[:, 0].cpu()

    def _texts(self, prompts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Pooled states of length 1."""
        width = self._reader.architecture.text_channels
        parts = [
            self._prior.embed(prompts[start : start + _BATCH]).vector[:, :width]
            for start in range(0, len(prompts), _BATCH)
        ]
        return F.normalize(torch.cat(parts), dim=1)


def known_names() -> list[str]:
    """The usual English name of every emoji and thing that the prior knows, with an article."""
    known = load_concepts()
    english = (*(one.english for one in known.emoji), *(one.english for one in known.things))
    names = dict.fromkeys(usual for usual, *_ in english)
    return [f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in names]


def recoloured(prompt: str, colours: Sequence[Term]) -> list[str]:
    """The prompt with each of its colours exchanged for every other one; empty without colours."""
    found: list[str] = []
    for said in colours:
        english = re.compile(rf"\b{re.escape(said.english)}\b", re.IGNORECASE)
        others = [other for other in colours if other != said]
        if english.search(prompt):
            found += [english.sub(other.english, prompt) for other in others]
        elif said.chinese in prompt:
            found += [prompt.replace(said.chinese, other.chinese) for other in others]
    return found
