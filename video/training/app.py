"""The train_video app: config -> data and model -> training steps -> stored model -> report."""

from common.embedded.autoencoder import DOWNSAMPLING
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.training.training_run import check_start, run_training
from video.spacetime_dit.memory import training_bytes
from video.training.config import TrainVideoConfig
from video.training.spacetime_dit_trainer import open_spacetime_training

_LIBRARIES_BYTES = 700 * 2**20


def check(config: TrainVideoConfig, apps: Apps) -> list[str]:
    """Refuse before anything runs what would only fail when training starts."""
    check_start(config)
    method = config.method
    if method.frames_at_once == 1 and "picture_share" in method.model_fields_set:
        return ["method.picture_share has no effect: frames_at_once is 1, which is pictures alone"]
    return []


def estimate(config: TrainVideoConfig) -> Estimate:
    """Sizes, memory and steps."""
    method, loop = config.method, config.method.loop
    side = method.size_px // DOWNSAMPLING
    num_weights, num_bytes = training_bytes(
        method.architecture, (method.frames_at_once, side, side), loop.batch_size
    )
    sizes = {
        "parameters": f"{num_weights:,}",
        "batch_size": f"{loop.batch_size} x {loop.num_accumulated}",
        "clips": f"{method.frames_at_once} frames of {method.size_px} x {method.size_px} pixels",
        "samples": f"{loop.batch_size * loop.num_accumulated * loop.num_steps:,}",
    }
    return Estimate(sizes, _LIBRARIES_BYTES + num_bytes, loop.num_steps)


def run(config: TrainVideoConfig, run: Run) -> Outcome:
    """Train, write previews and figures on the way, and store the averaged model."""
    return run_training(
        config, config.method.loop, run,
        lambda cache: open_spacetime_training(config.method, cache, config.seed, run.device),
    )  # fmt: skip


APP = App(TrainVideoConfig, run, estimate, check)
"""The keys of the train_video app."""
