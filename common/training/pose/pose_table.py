"""The estimator of the zoo on held-out kit things, beside what needs no estimator.

``python -m common.training.pose.pose_table <cache folder>``
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from common.training.kit.kit_truths import INSTANCE_TRUTHS, TRAIN_TRUTHS, load_truths
from common.training.pose.pose_scores import floor_of, pose_scores
from common.training.pose.pose_source import PoseSource, pose_source
from common.training.pose.pose_trainer import found_poses, true_poses
from common.zoo.pose_estimator import load_pose_estimator


def pose_table(trained: PoseSource, held_out: PoseSource) -> Iterator[tuple[str, dict[str, float]]]:
    """Figures of the estimator, then of the usual places of training.

    Yields:
        A name and `pose_scores`.
    """
    pictures, truths = true_poses(held_out)
    yield "estimator", pose_scores(found_poses(load_pose_estimator(), pictures), truths)
    floor = floor_of(true_poses(trained)[1])
    yield "usual places", pose_scores([floor.told(one) for one in truths], truths)


if __name__ == "__main__":
    sources = [
        pose_source(load_truths(Path(sys.argv[1]), part))
        for part in (TRAIN_TRUTHS, INSTANCE_TRUTHS)
    ]
    for name, figures in pose_table(*sources):
        told = ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
        sys.stdout.write(f"{name}: {told}\n")
