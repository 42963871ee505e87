"""A training run, whatever it trains: steps, previews, figures, stored model, report."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from common.errors import InputError
from common.media.images import write_picture
from common.report.content import Axis, Column, Gallery, MediaItem, Plot, Section, Table, series
from common.runs import state as states
from common.runs.app import Outcome, Run
from common.runs.console import LOGGER, progress_bar
from common.training.emoji.npm_package import default_cache
from common.training.loop import TrainStep, train
from common.training.loop_config import LoopConfig
from common.training.meter import Meter
from common.training.storing import store_package
from common.training.training import Training
from common.training.training_config import TrainingConfig
from common.zoo.quantization import pack, unpack

_MAX_PREVIEWS = 12
_MAX_SAID = 16


def check_start(config: TrainingConfig) -> None:
    """Refuse before anything runs what would only fail when training starts.

    Raises:
        InputError: the run to begin with has no checkpoint.
    """
    if config.init_from is not None and states.load_newest(_checkpoints(config.init_from)) is None:
        raise InputError(f"init_from: {config.init_from} has no checkpoint")


def run_training(
    config: TrainingConfig, loop: LoopConfig, run: Run, opened: Callable[[Path], Training]
) -> Outcome:
    """Train, write previews and figures on the way, and store the averaged model.

    Args:
        config: what every training run is told.
        loop: how long and in which steps to train.
        run: its folder, device, checkpoints and clock.
        opened: loads data and builds the model, given the folder of prepared data.
    """
    with run.clock.stage("data and model"):
        training = opened(config.cache_dir or default_cache())
    last = _train(config, loop, run, training)
    with run.clock.stage("storing"):
        averaged = _averaged(training.model, last)
        package = training.package(averaged)
        before = training.evaluate(averaged)
        stored = unpack(pack(package.model.state_dict(), config.storage.precision))
        package.model.load_state_dict(stored)
        figures = training.evaluate(averaged)
        artefacts = store_package(run.folder.samples, package, config.storage.precision, figures)
    return Outcome(artefacts, _sections(run, before, figures))


def _train(
    config: TrainingConfig, loop: LoopConfig, run: Run, training: Training
) -> Mapping[str, torch.Tensor]:
    """Do the steps that are left; the averaged weights after the last one."""
    restored = run.checkpoints.restored_state
    meter = Meter(restored["meter"] if restored else None)
    state = restored["training"] if restored else None
    if state is None and config.init_from is not None:
        _start_from(training.model, config.init_from)
    weights = state["averaged"] if state else {}
    done = state["step"] if state else 0
    with progress_bar(loop.num_steps, done, "training") as bar:
        steps = train(loop, training, run.device, state)
        while True:
            with run.clock.stage("training"):
                step = next(steps, None)
            if step is None:
                return weights
            weights = step.state["averaged"]
            meter.add(step.losses)
            bar.update(1)
            _observe(loop, run, training, step, meter)
            run.checkpoints.offer(step.step, {"training": step.state, "meter": meter.sums})


def _observe(loop: LoopConfig, run: Run, training: Training, step: TrainStep, meter: Meter) -> None:
    """Write what is due after a step: metrics, a preview, figures."""
    last = step.step == loop.num_steps
    values: dict[str, float] = {}
    if last or step.step % loop.log_every == 0:
        values |= meter.read()
    if last or step.step % loop.evaluate_every == 0:
        with run.clock.stage("evaluation"):
            values |= training.evaluate(step.averaged)
        LOGGER.info("step %d: %s", step.step, _said(values))
    if last or step.step % loop.preview_every == 0:
        with run.clock.stage("previews"):
            path = run.folder.path / "previews" / f"step-{step.step:06d}.png"
            write_picture(path, training.preview(step.averaged))
    if values:
        run.metrics.log(step.step, run.clock.elapsed(), values)


def _said(values: Mapping[str, float]) -> str:
    """The first figures for the log; all of them are in the metrics."""
    shown = [f"{name} {value:.4g}" for name, value in values.items() if "/" in name]
    more = len(shown) - _MAX_SAID
    return ", ".join(shown[:_MAX_SAID]) + (f", {more} more in metrics.jsonl" if more > 0 else "")


def _averaged(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> nn.Module:
    """The model with the averaged weights: training is over, so it can be overwritten."""
    model.load_state_dict(dict(weights))
    return model.eval().requires_grad_(False)


def _start_from(model: nn.Module, folder: Path) -> None:
    """Take the averaged weights of another run's newest checkpoint."""
    found = states.load_newest(_checkpoints(folder))
    assert found is not None
    try:
        model.load_state_dict(found.state["training"]["averaged"])
    except (KeyError, TypeError, RuntimeError) as other:
        raise InputError(f"init_from: the weights of {folder} do not fit: {other}") from other


def _checkpoints(folder: Path) -> Path:
    return folder / "checkpoints"


def _sections(
    run: Run, before: Mapping[str, float], after: Mapping[str, float]
) -> tuple[Section, ...]:
    """Figures before and after storing, previews and the curve of the loss."""
    columns = (Column("Figure", align="left"), Column("In float32"), Column("As stored"))
    rows = tuple((name, before[name], after[name]) for name in after)
    previews = sorted((run.folder.path / "previews").glob("*.png"))
    kept = previews[:: max(len(previews) // _MAX_PREVIEWS, 1)]
    items = tuple(MediaItem(path, path.stem) for path in kept)
    found: list[Section] = [Table("Held-out figures", columns, rows), Gallery("Previews", items)]
    logged: list[dict[str, Any]] = [
        r for r in run.metrics.read() if r.get("train/loss") is not None
    ]
    if len(logged) > 1:
        steps, losses = [r["step"] for r in logged], [r["train/loss"] for r in logged]
        curve = series("loss", steps, losses)
        found.append(Plot("Training", Axis("Step", ""), Axis("Loss", ""), (curve,)))
    return tuple(found)
