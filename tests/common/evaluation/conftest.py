"""A whole untrained zoo: prior and judge."""

import pytest
import torch

from common.embedded.judge import Judge, JudgeArchitecture
from common.judging.motion_classifier import NONE, MotionArchitecture, MotionClassifier
from common.judging.motion_features import feature_names
from common.kit.motions import MOTIONS
from common.training.motion.motion_fit import store_measure
from common.zoo.storage import save_model
from tests.common.zoo.small_zoo import TEXT, store_frame_layers, store_prior

JUDGE = JudgeArchitecture(
    size_px=32, channels=(8, 8, 16), blocks=(1, 1, 1), joint_channels=16, text=TEXT
)
SCORES = ("top1", "top5", "colour", "top1_and_colour", "accent", "order")
PARTS = ("emoji", "objects", "objects_front", "objects_pairs", "objects_zh")
FIGURES = {f"ceiling/{part}/{score}": 0.9 for part in PARTS for score in SCORES} | {
    "ceiling/view/car": 0.97, "ceiling/view/mug": 1.0, "ceiling/view/die": 0.2,
}  # fmt: skip


@pytest.fixture(scope="session")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    with torch.random.fork_rng():
        torch.random.manual_seed(3)
        judge = Judge(JUDGE)
    save_model(
        folder, "judge", judge.state_dict(), "float32", kind="judge",
        architecture=JUDGE.model_dump(mode="json"), requires={}, figures=FIGURES,
    )  # fmt: skip
    store_frame_layers(folder, "motion_layers")
    names = (*(motion.name for motion in MOTIONS), NONE)
    with torch.random.fork_rng():
        torch.random.manual_seed(4)
        measure = MotionClassifier(MotionArchitecture(features=feature_names(), names=names))
    store_measure(measure, {f"{part}/true/right": 0.97 for part in ("instances", "pairs")}, folder)
    return folder
