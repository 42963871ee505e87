import torch

from common.embedded.image_unet import FRONT
from common.evaluation.figures import scores_of
from common.evaluation.prompt_sets import PromptSet, Request
from common.judging.asked import Asked
from common.judging.judging import look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.zoo.models import load_judge
from tests.common.evaluation.conftest import FIGURES


def best_names(judge, pictures):
    """The emoji that the judge would name each picture, best first."""
    names = load_names()
    texts = ReadTexts(judge, names).of_names("emoji", "en")
    order = (look(judge, pictures).features @ texts.T).argsort(dim=1, descending=True)
    return [[names.emoji[index].key for index in row] for row in order.tolist()]


def test_any_answer_among_the_first_five_names_is_right(zoo):
    judge = load_judge(zoo).model
    pictures = torch.rand(4, 4, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ranked = best_names(judge, pictures)
    answers = [
        (ranked[0][700], ranked[0][4]),  # the second is the fifth name
        (ranked[1][5],),  # the sixth
        (ranked[2][0],),
        ("no such emoji", ranked[3][900]),  # what has no name cannot be given
    ]
    requests = tuple(
        Request("x", FRONT, tuple(Asked("x", "emoji", key) for key in keys)) for keys in answers
    )
    found = scores_of(judge, FIGURES, PromptSet("synonyms", requests), pictures)
    score = found["any_in_top5"]
    assert (score.share.num_right, score.share.num_asked) == (2, 4)
    assert score.ceiling == FIGURES["ceiling/emoji/top5"]
    assert 0 <= score.floor <= 1


def test_scores_have_short_names_and_the_ceiling_of_their_pictures(zoo):
    judge = load_judge(zoo).model
    pictures = torch.zeros(2, 4, 32, 32)
    requests = tuple(
        Request(text, FRONT, (Asked(text, "objects", "car", colour),))
        for text, colour in (("a red car", "red"), ("a blue car", "blue"))
    )
    figures = FIGURES | {"ceiling/objects_pairs/colour": 0.5}
    found = scores_of(judge, figures, PromptSet("pairs", requests), pictures)
    assert set(found) == {"top1", "top5", "colour", "top1_and_colour"}
    assert found["colour"].ceiling == 0.5
    # The same picture twice cannot be best in two colours.
    assert found["colour"].share.num_right <= 1
