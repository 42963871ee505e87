"""The train_video app: config -> data and model -> training steps -> stored model -> report."""

from pathlib import Path
from typing import assert_never

from common.embedded.autoencoder import DOWNSAMPLING
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.training.frames.clip_latents import SIZE_PX
from common.training.kit.clip_parts import NUM_FRAMES
from common.training.training import Training
from common.training.training_run import check_start, run_training
from video.causal_autoencoder.groups import num_groups
from video.causal_autoencoder.memory import num_weights as num_causal_weights
from video.spacetime_dit.memory import training_bytes
from video.training.causal_autoencoder_trainer import (
    TrainCausalAutoencoder,
    causal_training_bytes,
    open_causal_training,
)
from video.training.config import TrainVideoConfig
from video.training.spacetime_dit_trainer import (
    TrainSpacetimeDiT,
    num_latent_frames,
    open_spacetime_training,
)

_LIBRARIES_BYTES = 700 * 2**20


def check(config: TrainVideoConfig, apps: Apps) -> list[str]:
    """Refuse before anything runs what would only fail when training starts."""
    check_start(config)
    match config.method:
        case TrainSpacetimeDiT() as method:
            num_latent_frames(method)  # refuses missing models
            if method.frames_at_once == 1 and "picture_share" in method.model_fields_set:
                return [
                    "method.picture_share has no effect: frames_at_once is 1, which is pictures "
                    "alone"
                ]
        case TrainCausalAutoencoder() as method:
            if not method.pixel_weight and "pixel_crops" in method.model_fields_set:
                return ["method.pixel_crops has no effect: pixel_weight is 0"]
        case _:
            assert_never(config.method)
    return []


def estimate(config: TrainVideoConfig) -> Estimate:
    """Sizes, memory and steps."""
    match config.method:
        case TrainSpacetimeDiT() as method:
            side = method.size_px // DOWNSAMPLING
            num_weights, num_bytes = training_bytes(
                method.architecture, (num_latent_frames(method), side, side),
                method.loop.batch_size,
            )  # fmt: skip
            clips = {"clips": _shown(method.frames_at_once, method.size_px)}
        case TrainCausalAutoencoder() as method:
            sizes = method.architecture
            num_weights = num_causal_weights(sizes)
            num_bytes = causal_training_bytes(method)
            codes = num_groups(NUM_FRAMES, sizes.frames_per_code)
            cells = f"{SIZE_PX // DOWNSAMPLING} x {SIZE_PX // DOWNSAMPLING}"
            clips = {
                "clips": _shown(NUM_FRAMES, SIZE_PX),
                "codes": f"{sizes.latent_channels} x {codes} x {cells}",
            }
        case _:
            assert_never(config.method)
    loop = config.method.loop
    sizes_said = {
        "parameters": f"{num_weights:,}",
        "batch_size": f"{loop.batch_size} x {loop.num_accumulated}",
        **clips,
        "samples": f"{loop.batch_size * loop.num_accumulated * loop.num_steps:,}",
    }
    return Estimate(sizes_said, _LIBRARIES_BYTES + num_bytes, loop.num_steps)


def _shown(frames: int, side: int) -> str:
    return f"{frames} frames of {side} x {side} pixels"


def run(config: TrainVideoConfig, run: Run) -> Outcome:
    """Train, write previews and figures on the way, and store the averaged model."""

    def opened(cache: Path) -> Training:
        match config.method:
            case TrainSpacetimeDiT() as method:
                return open_spacetime_training(method, cache, config.seed, run.device)
            case TrainCausalAutoencoder() as method:
                return open_causal_training(method, cache, config.seed, run.device)
            case _:
                assert_never(config.method)

    return run_training(config, config.method.loop, run, opened)


APP = App(TrainVideoConfig, run, estimate, check)
"""The keys of the train_video app."""
