import numpy as np
import pytest

from common.kit.motions import MOTIONS
from common.training.pictures.subjects import in_motion


def drawn(caption: str, language: str) -> set[str]:
    rng = np.random.default_rng(0)
    return {in_motion(caption, language, rng) for _ in range(400)}  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_motion_is_said_at_the_end_of_a_caption(language: str) -> None:
    subject = "a red car" if language == "en" else "一辆红色汽车"

    said = {text.removeprefix(subject).strip() for text in drawn(subject, language)}

    assert said == {m.english if language == "en" else m.chinese for m in MOTIONS}
