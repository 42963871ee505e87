"""Scores of one prompt set: what the judge says, its ceiling, and the floor."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from common.embedded.judge import Judge
from common.evaluation.prompt_sets import PromptSet
from common.judging.asked import Asked
from common.judging.judgement import Share
from common.judging.judging import Seen, judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.judging.scored import NUM_SCRAMBLES, Score, scored
from common.shapes import Images
from common.zoo.models import ZOO
from common.zoo.storage import load_model

TOP = 5
"""An answer counts as given when it is among so many names."""


def judge_figures(folder: Path | None) -> Mapping[str, float]:
    """What was measured of the judge in a folder; None is the zoo."""
    return load_model(folder or ZOO, "judge", "judge").manifest.figures


def scores_of(
    judge: Judge, figures: Mapping[str, float], prompts: PromptSet, pictures: Images
) -> dict[str, Score]:
    """Every score of a set by its short name.

    Args:
        judge: that looks and reads.
        figures: of its manifest, for the ceilings.
        prompts: the set.
        pictures: premultiplied RGBA in [-1, 1], one a request.

    Raises:
        InputError: the judge has no ceiling for a score.
    """
    if prompts.name == "synonyms":
        return {f"any_in_top{TOP}": _any_answer(judge, figures, prompts, pictures)}
    asked = [request.asked[0] for request in prompts.requests]
    found = scored(judge, pictures, asked, figures, prompts.real)
    return {name.partition("/")[2]: score for name, score in found.items()}


def _any_answer(
    judge: Judge, figures: Mapping[str, float], prompts: PromptSet, pictures: Images
) -> Score:
    """How often one of several answers is among the first names.

    Answers that are none of the judge's names cannot be given and are left out. The floor moves the
    answers on by one picture, then by two, and so on.
    """
    texts = ReadTexts(judge, load_names())
    known = {name.key for name in texts.names.emoji}
    answers = [
        [one for one in request.asked if one.concept in known] for request in prompts.requests
    ]
    seen = look(judge, pictures)
    floors = [
        _share_answered(seen, [*answers[way:], *answers[:way]], texts).value
        for way in range(1, NUM_SCRAMBLES + 1)
    ]
    ceiling = figures[f"ceiling/emoji/top{TOP}"]
    return Score(_share_answered(seen, answers, texts), ceiling, sum(floors) / len(floors))


def _share_answered(seen: Seen, answers: Sequence[Sequence[Asked]], texts: ReadTexts) -> Share:
    """The pictures of which any answer is among the first names."""
    rows = [row for row, some in enumerate(answers) for _ in some]
    repeated = Seen(seen.features[rows], seen.azimuths_deg[rows])
    said = judgements(repeated, [one for some in answers for one in some], texts)
    right = {
        row for row, one in zip(rows, said, strict=True) if one.rank is not None and one.rank < TOP
    }
    return Share(len(right), len(answers))
