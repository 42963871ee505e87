"""Fits where first frames of clips have their things to the clips that motion layers learn from.

    python -m common.training.frames.framing_fit [models folder]

prints how well boxes of held-out clips are told, and stores ``framing`` beside the motion layers.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.framing import Boxes, Framing, FramingArchitecture, boxes_of
from common.embedded.prior import EmbeddedPrior
from common.embedded.tokenizer import load_tokenizer
from common.seeding import stream_seed
from common.training.emoji.npm_package import default_cache
from common.training.facts.mixture_fit import NUM_STEPS, fit_mixture
from common.training.frames.clip_source import prepared_clip_source
from common.training.frames.frame_batch import FrameBatch, FrameSource
from common.training.initial_weights import initial_weights
from common.zoo.models import ZOO, Loaded, load_prior_models
from common.zoo.storage import Manifest, save_model

NUM_CLIPS = 8192
_AT_ONCE = 64
_SIZE_PX = 128


class Told(NamedTuple):
    """Prompts and what their clips begin with."""

    vectors: Float[Tensor, "n d"]
    boxes: Boxes


@torch.inference_mode()
def told_of(batch: FrameBatch, prior: EmbeddedPrior) -> Told:
    """The prompt's vector and the first frame's box of every clip."""
    vectors, boxes = [], []
    for start in range(0, len(batch.prompts), _AT_ONCE):
        at = slice(start, start + _AT_ONCE)
        views = [None if row is None else row[0] for row in batch.views[at]]
        vectors.append(prior.embed(batch.prompts[at], views).vector)
        boxes.append(boxes_of(prior.decode(torch.from_numpy(batch.latents[at, :, 0]))))
    return Told(torch.cat(vectors), torch.cat(boxes))


def fit(told: Told, architecture: FramingArchitecture, num_steps: int = NUM_STEPS) -> Framing:
    """The framing of the told boxes."""
    with initial_weights(0, "framing"):
        framing = Framing(architecture)
    fit_mixture(framing.mixture, told.vectors, told.boxes, "framing", num_steps)
    return framing.eval().requires_grad_(False)


@torch.no_grad()
def figures_of(framing: Framing, told: Told) -> dict[str, float]:
    """Mean log likelihood, and mean distances of the likeliest mode from the true boxes."""
    likeliest = framing.mixture.likeliest(told.vectors)
    side, x, y = (likeliest - told.boxes).abs().mean(0).tolist()
    likelihood = float(framing.mixture.log_likelihood(told.vectors, told.boxes).mean())
    return {"log_likelihood": likelihood, "side_off": side, "x_off": x, "y_off": y}


def fit_framing(
    models: Mapping[str, Loaded], source: FrameSource, folder: Path, num_clips: int = NUM_CLIPS
) -> Manifest:
    """Fit to the source's clips and store; the figures are of its held-out clips."""
    autoencoder, text_encoder, unet = (
        models[kind].model for kind in ("autoencoder", "text_encoder", "image_unet")
    )
    size = (_SIZE_PX, _SIZE_PX)
    prior = EmbeddedPrior(autoencoder, text_encoder, unet, load_tokenizer(), size)
    rng = np.random.default_rng(stream_seed(0, 0, "framing clips"))
    told = told_of(source.draw(num_clips, rng), prior)
    framing = fit(told, FramingArchitecture(features=told.vectors.shape[1]))
    held_out = told_of(source.held_out(), prior)
    return save_model(
        folder, "framing", framing.state_dict(), "bfloat16", kind="framing",
        architecture=framing.architecture.model_dump(mode="json"),
        requires={"text_encoder": models["text_encoder"].identity},
        figures=figures_of(framing, held_out),
    )  # fmt: skip


def main(folder: Path) -> None:
    """Fit to the prepared clips of ``prepare/clips``, and print the figures."""
    models = load_prior_models(folder)
    source = prepared_clip_source(models["autoencoder"], default_cache())
    print(dict(fit_framing(models, source, folder).figures))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO)
