"""The estimator of the zoo on held-out kit objects, beside what needs no estimator.

``python -m common.training.geometry.geometry_table <cache folder>``
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from common.training.geometry.geometry_scores import BASELINES, geometry_scores
from common.training.geometry.geometry_source import GeometrySource, geometry_source
from common.training.geometry.geometry_trainer import made_maps, true_picture
from common.training.kit.kit_truths import INSTANCE_TRUTHS, load_truths
from common.zoo.geometry_estimator import load_geometry_estimator

NUM_PICTURES = 516
"""Half of those that are held out."""


def geometry_table(held_out: GeometrySource, count: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Figures of the estimator, then of each baseline, on pictures evenly spread.

    Yields:
        A name and `geometry_scores`.
    """
    rows = np.linspace(0, len(held_out) - 1, min(count, len(held_out))).round().astype(int)
    truths = [true_picture(*held_out.row(int(row))) for row in rows]
    net = load_geometry_estimator()
    yield "estimator", geometry_scores(made_maps(net, [one.picture for one in truths]), truths)
    for name, told in BASELINES.items():
        yield name, geometry_scores([told(one) for one in truths], truths)


if __name__ == "__main__":
    source = geometry_source(load_truths(Path(sys.argv[1]), INSTANCE_TRUTHS))
    for name, figures in geometry_table(source, NUM_PICTURES):
        told = ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
        sys.stdout.write(f"{name}: {told}\n")
