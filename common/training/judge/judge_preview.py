"""A page of real pictures with what a judge says of them."""

from typing import TypeVar

import numpy as np
import torch

from common.embedded.judge import Judge, on_backgrounds
from common.judging.judging import look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.shapes import Picture
from common.training.autoencoder.autoencoder_trainer import to_unit_range
from common.training.judge.judge_evaluation import RealPictures, emoji_picture
from common.training.kit.kit_pictures import KitCategorySet

Item = TypeVar("Item")
_NUM_EMOJI, _NUM_RENDERS = 18, 18
_NUM_COLUMNS = 6
_PAGE = (0.86, 0.86, 0.86)


@torch.no_grad()
def preview_sheet(judge: Judge, real: RealPictures, device: str) -> Picture:
    """Augmented stills with the names they are given, and renders with name and azimuth."""
    names = load_names()
    texts = ReadTexts(judge, names)
    known = {name.key for name in names.emoji}
    rows = _spread([row for row, key in enumerate(real.emoji.keys) if key in known], _NUM_EMOJI)
    stills = torch.cat([emoji_picture(real.emoji, row) for row in rows])
    said = texts.of_names("emoji", "en")
    best = (judge.look_at(stills.to(device)).features.cpu() @ said.T).argmax(1)
    shown = [to_picture(picture) for picture in stills]
    words = [names.emoji[index].english for index in best.tolist()]
    nouns = texts.of_names("objects", "en")
    for number, one in enumerate(_spread(list(real.instances), _NUM_RENDERS)):
        render = _render(one, number)
        seen = look(judge, render)
        noun = names.objects[int((seen.features[0] @ nouns.T).argmax())].english
        shown.append(to_picture(on_backgrounds(render, torch.tensor([_PAGE]))[0]))
        words.append(f"{noun}, {float(seen.azimuths_deg[0]):.0f} degrees")
    return picture_sheet(shown, captions=words, num_columns=_NUM_COLUMNS)


def _spread(items: list[Item], count: int) -> list[Item]:
    """About ``count`` items at even distances."""
    return items[:: max(len(items) // count, 1)][:count]


def _render(one: KitCategorySet, number: int) -> torch.Tensor:
    """One picture of a set, another one for every number, ``(1, 4, h, w)`` in [-1, 1]."""
    return to_unit_range(np.asarray(one.pixels[[number % len(one.pixels)]]), "cpu") * 2 - 1
