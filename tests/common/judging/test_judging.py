import pytest
import torch

from common.embedded.judge import Judge
from common.errors import InputError
from common.judging.asked import Asked
from common.judging.judgement import Judgement, Share, shares
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from tests.common.judging.small_judging import read_texts, showing, untrained_judge

WHITE_WHEELS = Asked("a red car with white wheels", "objects", "car", "red", "white", 10.0)


def judged(shown: list[str], asked: list[Asked], azimuths: list[float] | None = None):
    texts = read_texts()
    return judgements(showing(texts, shown, azimuths or [0.0] * len(shown)), asked, texts)


def test_picture_of_what_was_asked_is_right_in_every_way():
    (one,) = judged(["a red car with white wheels"], [WHITE_WHEELS], [350.0])
    assert (one.colour, one.accent, one.order) == (True, True, True)
    assert one.azimuth_error_deg == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("shown", "colour", "accent"),
    [("a blue car with white wheels", False, None), ("a red car with green wheels", None, False)],
)
def test_picture_in_another_colour_is_wrong_there(shown, colour, accent):
    (one,) = judged([shown], [WHITE_WHEELS])
    assert colour is None or one.colour is colour
    assert accent is None or one.accent is accent


def test_picture_with_its_colours_exchanged_is_out_of_order():
    (one,) = judged(["a white car with red wheels"], [WHITE_WHEELS])
    assert one.order is False


def test_rank_counts_the_names_that_fit_better():
    asked = [Asked("car", "objects", "car"), Asked("mug", "objects", "mug")]
    first, second = judged(["a car", "a car"], asked)
    assert first.rank == 0
    assert second.rank > 0


def test_concepts_compete_in_the_language_they_were_asked_in():
    asked = [Asked("狐狸", "emoji", "1f98a", language="zh"), Asked("fox", "emoji", "1f98a")]
    chinese, english = judged(["狐狸", "狐狸"], asked)
    assert chinese.rank == 0
    assert english.rank > 0


def test_what_was_not_asked_is_not_scored():
    (one,) = judged(["a car"], [Asked("a car", "objects")])
    assert one == Judgement("objects")
    assert shares([one]) == {}


def test_as_many_pictures_as_questions():
    with pytest.raises(InputError, match="2 pictures and 1 things asked"):
        judged(["a car", "a mug"], [WHITE_WHEELS])


def test_shares_are_counted_over_what_was_asked():
    found = shares([
        Judgement("objects", rank=0, colour=True, azimuth_error_deg=22.5),
        Judgement("objects", rank=4, colour=True, azimuth_error_deg=22.6),
        Judgement("objects", rank=5, colour=False),
        Judgement("emoji", rank=0),
    ])  # fmt: skip
    assert found == {
        "emoji/top1": Share(1, 1),
        "emoji/top5": Share(1, 1),
        "objects/top1": Share(1, 3),
        "objects/top5": Share(2, 3),
        "objects/colour": Share(2, 3),
        "objects/top1_and_colour": Share(1, 3),
        "objects/view": Share(1, 2),
    }
    assert found["objects/colour"].value == pytest.approx(2 / 3)


def test_looking_lays_pictures_on_each_background_and_averages():
    judge = untrained_judge()
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(3, 4, 64, 64, generator=generator) * 2 - 1
    pictures[:, :3] = torch.minimum(pictures[:, :3], pictures[:, 3:])
    light, dark = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    one, two = look(judge, pictures, [light]).features, look(judge, pictures, [dark]).features
    mean = torch.nn.functional.normalize((one + two) / 2, dim=1)
    torch.testing.assert_close(look(judge, pictures, [light, dark]).features, mean)


def test_background_does_not_show_through_opaque_pictures():
    judge = untrained_judge()
    pictures = torch.rand(2, 4, 64, 64) * 2 - 1
    pictures[:, 3] = 1.0
    one, two = (look(judge, pictures, [colour]) for colour in ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)))
    torch.testing.assert_close(one.features, two.features)


def test_pictures_without_alpha_are_refused():
    with pytest.raises(InputError, match="not 3 channels"):
        look(untrained_judge(), torch.zeros(1, 3, 64, 64))


def test_judge_of_another_vocabulary_is_refused():
    judge = untrained_judge()
    text = judge.architecture.text.model_copy(update={"num_tokens": 300})
    other = Judge(judge.architecture.model_copy(update={"text": text}))
    with pytest.raises(InputError, match="the judge knows 300 tokens"):
        ReadTexts(other, load_names())
