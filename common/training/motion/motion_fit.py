"""Fits the motion measure to ground-truth clips of the kit, and measures it on held-out ones.

    python -m common.training.motion.motion_fit [models folder] [cache folder] [processes]

renders what the cache folder does not have (1,500 trained clips at 64 px, 700 held-out ones at
128 px), fits, prints how true clips, stills and shuffled frames are told, and stores the measure as
the model ``motion_measure``. Nothing generated is ever shown to it.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Int64
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.judging.motion_classifier import (
    KIND,
    NONE,
    MotionArchitecture,
    MotionClassifier,
    MotionMeasure,
)
from common.judging.motion_features import feature_names
from common.kit.motions import MOTIONS
from common.seeding import generator_for
from common.training.emoji.npm_package import default_cache
from common.training.motion.motion_clips import (
    MOTION_PARTS,
    MotionPart,
    load_motion_clips,
    prepare_motion_clips,
)
from common.training.motion.motion_references import steadiness_figures
from common.training.motion.motion_samples import MotionSamples, training_samples
from common.training.motion.motion_trials import (
    NUM_CODED,
    Trial,
    beginning,
    coded_changes,
    plain_changes,
    trial,
    trial_figures,
)
from common.zoo.models import ZOO, load_autoencoder
from common.zoo.storage import Manifest, save_model

PER_MOTION: dict[MotionPart, int] = {"trained": 150, "instances": 40, "pairs": 30}
NAMES = (*(motion.name for motion in MOTIONS), NONE)
NONE_WEIGHT = 3.0
"""Of all samples of no motion together, when those of each motion weigh 1."""
NUM_STEPS, BATCH = 3000, 256
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 0.02
SMOOTHING = 0.02


def fit_classifier(
    samples: MotionSamples, num_steps: int = NUM_STEPS, seed: int = 0
) -> MotionClassifier:
    """A classifier by AdamW on batches in which every motion weighs the same.

    Features are standardised by their mean and deviation over all samples; the learning rate falls
    to 0 along half a cosine.
    """
    generator = generator_for(seed, 0, "motion fit")
    classifier = MotionClassifier(MotionArchitecture(features=feature_names(), names=NAMES))
    _start(classifier, samples, generator)
    labels = torch.tensor([NAMES.index(name) for name in samples.names])
    weights = _sample_weights(labels)
    optimizer = torch.optim.AdamW(
        classifier.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
    )
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    for _ in range(num_steps):
        chosen = torch.multinomial(weights, BATCH, replacement=True, generator=generator)
        logits = classifier(samples.features[chosen])
        loss = F.cross_entropy(logits, labels[chosen], label_smoothing=SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        falling.step()
    return classifier.eval().requires_grad_(False)


def store_measure(
    classifier: MotionClassifier, figures: Mapping[str, float], folder: Path
) -> Manifest:
    """Write ``motion_measure.json`` and its weights, in float32 (they are few)."""
    return save_model(
        folder, KIND, classifier.state_dict(), "float32", kind=KIND,
        architecture=classifier.architecture.model_dump(mode="json"), requires={}, figures=figures,
    )  # fmt: skip


def measured(
    measure: MotionMeasure, cache: Path, autoencoder: Autoencoder | None
) -> Iterator[tuple[str, Trial]]:
    """Every trial on both held-out parts, by ``<part>/<change>``."""
    coded = coded_changes(autoencoder) if autoencoder else {}
    for part in MOTION_PARTS[1:]:
        clips = load_motion_clips(cache, part, PER_MOTION[part])
        for name, change in plain_changes().items():
            yield f"{part}/{name}", trial(measure, clips, change, name)
        for name, change in coded.items():
            yield f"{part}/{name}", trial(measure, beginning(clips, NUM_CODED), change, name)


def table(confusion: Int64[Tensor, "true told"], names: tuple[str, ...]) -> str:
    """A confusion matrix as text: a row for each true motion, a column for each name told."""
    rows = [" " * 12 + "".join(f"{name[:11]:>12}" for name in names)]
    for name, row in zip(names, confusion.tolist(), strict=True):
        if sum(row):
            rows.append(f"{name:<12}" + "".join(f"{count:>12}" for count in row))
    return "\n".join(rows)


def report(models: Path, cache: Path, num_processes: int = 1) -> Iterator[str]:
    """Prepare, fit, measure, store; line by line what came of it.

    Clips go through an autoencoder too where the folder of models has one.
    """
    there = (models / "autoencoder.json").is_file()
    autoencoder = load_autoencoder(models).model if there else None
    for part, per_motion in PER_MOTION.items():
        num_files = sum(1 for _ in prepare_motion_clips(cache, part, per_motion, num_processes))
        yield f"{part}: {per_motion * len(MOTIONS)} clips in {num_files} files"
    clips = load_motion_clips(cache, "trained", PER_MOTION["trained"])
    samples = training_samples(cache, clips, num_processes)
    yield f"{len(samples.names)} samples of {samples.features.shape[1]} numbers"
    classifier = fit_classifier(samples)
    measure = MotionMeasure(classifier, "", {})  # stored in float32, so this is as stored
    trials = {}
    for name, one in measured(measure, cache, autoencoder):
        trials[name] = one
        yield (
            f"{name}: right {one.right:.3f}, none {one.rejected:.3f}, "
            f"guessed right {one.guessed_right:.3f}"
        )
        if name.endswith("/true"):
            yield table(one.confusion, one.names)
    held_out = load_motion_clips(cache, "instances", PER_MOTION["instances"])
    steadiness = steadiness_figures(beginning(held_out, NUM_CODED), autoencoder)
    yield from (f"{name}: {value:.4f}" for name, value in steadiness.items())
    manifest = store_measure(classifier, trial_figures(trials) | steadiness, models)
    yield f"stored {models / KIND}.json, {manifest.num_bytes} bytes, {manifest.identity}"


def main(models: Path, cache: Path, num_processes: int) -> None:
    """Print the report."""
    for line in report(models, cache, num_processes):
        print(line, flush=True)  # noqa: T201


def _start(
    classifier: MotionClassifier, samples: MotionSamples, generator: torch.Generator
) -> None:
    """Set the standardisation, and draw the weights with a generator of our own."""
    deviation = samples.features.std(0, correction=0)
    classifier.mean.copy_(samples.features.mean(0))
    classifier.scale.copy_(torch.where(deviation > 1e-6, deviation, 1.0))
    with torch.no_grad():
        for layer in (classifier.inner, classifier.outer):
            bound = layer.in_features**-0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.zero_()


def _sample_weights(labels: Int64[Tensor, " n"]) -> Tensor:
    """Chances with which samples are drawn: each motion 1 in all, none `NONE_WEIGHT`."""
    counts = torch.bincount(labels, minlength=len(NAMES)).clamp_min(1)
    per_name = torch.tensor([NONE_WEIGHT if name == NONE else 1.0 for name in NAMES])
    return (per_name / counts)[labels]


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO,
        Path(sys.argv[2]) if len(sys.argv) > 2 else default_cache() / "motion",
        int(sys.argv[3]) if len(sys.argv) > 3 else 1,
    )
