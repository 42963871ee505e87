"""The train app: config -> data and model -> training steps -> stored model -> report."""

from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.training.build import build_training, training_estimate
from common.training.folder.folder_check import check_folder_training
from common.training.folder.folder_config import FolderTraining
from common.training.storing import check_precision
from common.training.train_config import TrainConfig
from common.training.training_run import check_start, run_training


def check(config: TrainConfig, apps: Apps) -> list[str]:
    """Refuse before anything runs what would only fail when training starts."""
    check_start(config)
    if isinstance(config.method, FolderTraining):
        check_precision(config.storage.precision)
        return check_folder_training(config.method)
    return []


def estimate(config: TrainConfig) -> Estimate:
    """Sizes and memory of the run."""
    return training_estimate(config.method)


def run(config: TrainConfig, run: Run) -> Outcome:
    """Train, write previews and figures on the way, and store the averaged model."""
    return run_training(
        config, config.method.loop, run,
        lambda cache: build_training(config.method, cache, config.seed, run.device),
    )  # fmt: skip


APP = App(TrainConfig, run, estimate, check)
"""From a training config to what the loop trains, and what it will take."""
