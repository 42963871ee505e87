"""Fits where first frames of clips have their things to the clips that motion layers learn from.

    python -m common.training.framing_fit [models folder]

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
from common.training.clip_latents import emoji_clip_latents, kit_clip_latents
from common.training.clip_parts import INSTANCE_CLIPS
from common.training.clip_source import ClipSource
from common.training.frame_batch import FrameBatch, FrameSource
from common.training.initial_weights import initial_weights
from common.training.npm_package import default_cache
from common.zoo.models import ZOO, Loaded, load_prior_models
from common.zoo.storage import Manifest, save_model

NUM_CLIPS = 8192
NUM_STEPS = 2000
_BATCH = 512
_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 0.05
_NOISE = 0.6
"""Deviation of what is added to the vectors, whose values are of unit size: clips are few."""
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
    """Maximum likelihood by AdamW with a falling learning rate, from seeded weights."""
    generator = torch.Generator()
    generator.manual_seed(stream_seed(0, 0, "framing"))
    with initial_weights(0, "framing"):
        framing = Framing(architecture)
    _begin_at(framing, told.boxes, generator)
    optimizer = torch.optim.AdamW(
        framing.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    for _ in range(num_steps):
        rows = torch.randint(len(told.boxes), (_BATCH,), generator=generator)
        vectors = told.vectors[rows]
        vectors = vectors + _NOISE * torch.randn(vectors.shape, generator=generator)
        loss = -framing.log_likelihood(vectors, told.boxes[rows]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    return framing.eval().requires_grad_(False)


@torch.no_grad()
def _begin_at(framing: Framing, boxes: Boxes, generator: torch.Generator) -> None:
    """Let each mode begin at the box of some clip, narrow: modes that begin alike stay together."""
    output = framing.net[-1]
    assert isinstance(output, torch.nn.Linear)
    rows = torch.randperm(len(boxes), generator=generator)[: framing.architecture.num_modes]
    bias = output.bias.unflatten(0, (framing.architecture.num_modes, -1))
    bias[:, 0] = 0
    bias[:, 1:4] = boxes[rows]
    bias[:, 4:] = (boxes.std(0) / 2).log()
    output.weight *= 0.1


@torch.no_grad()
def figures_of(framing: Framing, told: Told) -> dict[str, float]:
    """Mean log likelihood, and mean distances of the likeliest mode from the true boxes."""
    logits, means, _ = framing(told.vectors)
    likeliest = means[torch.arange(len(means)), logits.argmax(1)]
    side, x, y = (likeliest - told.boxes).abs().mean(0).tolist()
    likelihood = float(framing.log_likelihood(told.vectors, told.boxes).mean())
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
    models, cache = load_prior_models(folder), default_cache()
    autoencoder = models["autoencoder"]
    source = ClipSource(
        kit_clip_latents(autoencoder, cache, "cpu"), emoji_clip_latents(autoencoder, cache, "cpu"),
        kit_clip_latents(autoencoder, cache, "cpu", INSTANCE_CLIPS),
        kit_share=0.7, view_dropout=0.5, chinese_share=0.35,
    )  # fmt: skip
    print(dict(fit_framing(models, source, folder).figures))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO)
