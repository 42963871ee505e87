"""Fits how things move as a whole to the clips that motion layers learn from.

    python -m common.training.frames.trajectory_fit [models folder]

prints how well held-out clips are told, and stores ``trajectories`` beside the motion layers.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.prior import EmbeddedPrior
from common.embedded.registration import registered, unexplained
from common.embedded.tokenizer import load_tokenizer
from common.embedded.trajectory import Told, Trajectories, TrajectoryArchitecture
from common.seeding import stream_seed
from common.shapes import Clips
from common.training.emoji.npm_package import default_cache
from common.training.facts.mixture_fit import NUM_STEPS, fit_mixture
from common.training.frames.clip_source import prepared_clip_source
from common.training.frames.frame_batch import FrameBatch, FrameSource
from common.training.initial_weights import initial_weights
from common.zoo.models import ZOO, Loaded, load_prior_models
from common.zoo.storage import Manifest, save_model

NUM_CLIPS = 2560
_NOISE = 0.8
_AT_ONCE = 32
_SIZE_PX = 128
_MISSED_PX = 32
"""Pictures that misses are measured on."""


class Observed(NamedTuple):
    """Prompts and how their clips move."""

    vectors: Float[Tensor, "n d"]
    told: Told
    clips: Clips
    """Small."""


@torch.inference_mode()
def observed(batch: FrameBatch, prior: EmbeddedPrior) -> Observed:
    """The prompt's vector and the track of every clip."""
    vectors, tracks, missed, seen = [], [], [], []
    for start in range(0, len(batch.prompts), _AT_ONCE):
        at = slice(start, start + _AT_ONCE)
        views = [None if row is None else row[0] for row in batch.views[at]]
        vectors.append(prior.embed(batch.prompts[at], views).vector)
        clips = _small(torch.from_numpy(batch.latents[at]), prior)
        found = registered(clips)
        tracks.append(found.tracks)
        missed.append(found.unexplained)
        seen.append(clips)
    told = Told(torch.cat(tracks), torch.cat(missed))
    return Observed(torch.cat(vectors), told, torch.cat(seen))


def _small(latents: Float[Tensor, "b z f y x"], prior: EmbeddedPrior) -> Clips:
    made = []
    for part in rearrange(latents, "b z f y x -> (b f) z y x").split(_AT_ONCE):
        size = (_MISSED_PX, _MISSED_PX)
        pictures = prior.decode(part).clamp(-1, 1)
        made.append(torch.nn.functional.interpolate(pictures, size=size, mode="area"))
    return rearrange(torch.cat(made), "(b f) c h w -> b c f h w", b=len(latents))


def fit(
    vectors: Float[Tensor, "n d"],
    told: Told,
    architecture: TrajectoryArchitecture,
    num_steps: int = NUM_STEPS,
) -> Trajectories:
    """Principal components of the tracks, then the mixture over them."""
    with initial_weights(0, "trajectories"):
        found = Trajectories(architecture)
    flat = rearrange(told.tracks[:, 1:], "n f m -> n (f m)")
    found.mean.copy_(flat.mean(0))
    _, deviations, directions = torch.linalg.svd(flat - found.mean, full_matrices=False)
    # Of few clips or frames there are fewer components; the others stay zero.
    made = (deviations[:, None] / len(flat) ** 0.5 * directions)[: architecture.num_components]
    found.components[: len(made)] = made
    values = found.values(told)
    fit_mixture(found.mixture, vectors, values, "trajectories", num_steps, _NOISE)
    return found.eval().requires_grad_(False)


@torch.no_grad()
def figures_of(found: Trajectories, seen: Observed) -> dict[str, float]:
    """What the likeliest tracks of held-out clips leave unexplained, and what their own do."""
    told = found.of_values(found.mixture.likeliest(seen.vectors))
    missed = {"told": told.tracks, "own": seen.told.tracks}
    likelihood = found.mixture.log_likelihood(seen.vectors, found.values(seen.told)).mean()
    return {"log_likelihood": float(likelihood)} | {
        f"unexplained/{name}": float(unexplained(seen.clips, tracks).median())
        for name, tracks in missed.items()
    }


def fit_trajectories(
    models: Mapping[str, Loaded], source: FrameSource, folder: Path, num_clips: int = NUM_CLIPS
) -> Manifest:
    """Fit to the source's clips and store; the figures are of its held-out clips."""
    autoencoder, text_encoder, unet = (
        models[kind].model for kind in ("autoencoder", "text_encoder", "image_unet")
    )
    size = (_SIZE_PX, _SIZE_PX)
    prior = EmbeddedPrior(autoencoder, text_encoder, unet, load_tokenizer(), size)
    rng = np.random.default_rng(stream_seed(0, 0, "trajectory clips"))
    seen = observed(source.draw(num_clips, rng), prior)
    num_frames = seen.told.tracks.shape[1]
    sizes = TrajectoryArchitecture(features=seen.vectors.shape[1], num_frames=num_frames)
    found = fit(seen.vectors, seen.told, sizes)
    return save_model(
        folder, "trajectories", found.state_dict(), "bfloat16", kind="trajectories",
        architecture=found.architecture.model_dump(mode="json"),
        requires={"text_encoder": models["text_encoder"].identity},
        figures=figures_of(found, observed(source.held_out(), prior)),
    )  # fmt: skip


def main(folder: Path) -> None:
    """Fit to the prepared clips of ``prepare/clips``, and print the figures."""
    models = load_prior_models(folder)
    source = prepared_clip_source(models["autoencoder"], default_cache())
    print(dict(fit_trajectories(models, source, folder).figures))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO)
