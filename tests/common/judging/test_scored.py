import pytest
import torch

from common.errors import InputError
from common.judging.asked import Asked
from common.judging.scored import floor_shares, scored, told_categories
from tests.common.judging.small_judging import read_texts, showing, untrained_judge

FIGURES = {
    "ceiling/objects/top1": 0.93,
    "ceiling/objects/top5": 0.99,
    "ceiling/objects_front/top1": 0.97,
    "ceiling/objects_front/top5": 1.0,
    "ceiling/view/car": 0.96,
    "ceiling/view/house": 0.98,
    "ceiling/view/mug": 0.94,
}
PICTURES = torch.zeros(3, 4, 64, 64)


def of(name: str, azimuth_deg: float | None = None) -> Asked:
    return Asked(f"a {name}", "objects", name, azimuth_deg=azimuth_deg)


def test_scores_stand_between_floor_and_the_manifests_ceiling():
    asked = [of("car"), of("house"), of("mug")]
    found = scored(untrained_judge(), PICTURES, asked, FIGURES)
    assert found.keys() == {"objects/top1", "objects/top5"}
    assert found["objects/top1"].ceiling == 0.93
    assert found["objects/top1"].share.num_asked == 3
    front = scored(untrained_judge(), PICTURES, asked, FIGURES, real="front")
    assert front["objects/top1"].ceiling == 0.97


def test_only_views_that_can_be_told_are_scored():
    assert told_categories(FIGURES) == {"car": 0.96, "house": 0.98}
    asked = [of("car", 0.0), of("house", 90.0), of("mug", 0.0)]
    view = scored(untrained_judge(), PICTURES, asked, FIGURES)["objects/view"]
    assert view.share.num_asked == 2
    assert view.ceiling == pytest.approx(0.97)


def test_judge_without_the_ceiling_is_refused():
    with pytest.raises(
        InputError, match="never measured on real pictures for 'ceiling/emoji/top1'"
    ):
        scored(untrained_judge(), PICTURES[:1], [Asked("fox", "emoji", "1f98a")], FIGURES)


def test_floor_of_pictures_that_all_show_what_was_asked_is_low():
    texts = read_texts()
    names = texts.names.objects[:40]
    asked = [Asked(name.english, "objects", name.key) for name in names]
    seen = showing(texts, [name.english for name in names], [0.0] * 40)
    # No picture keeps its own question, and each fits its own name best.
    assert floor_shares(seen, asked, texts)["objects/top1"] == 0.0
