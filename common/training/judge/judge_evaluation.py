"""What a judge is worth on real pictures that it was not trained on: its ceilings and floors.

Figures are ``ceiling/<part>/<score>`` and ``floor/<part>/<score>`` with the scores of
``common.judging.judgement``, measured by the same code that later scores generated pictures:

==============  ==================================================================================
emoji           emoji stills under augmentations that training never drew, English names
emoji_zh        the same by their Chinese names
objects         held-out kit instances, all views
objects_front   their front views
objects_zh      their front views, asked for in Chinese
objects_pairs   held-out (category, colour) pairs, all views
objects_turned  held-out kit instances, all views, each under a light turned at random
==============  ==================================================================================

``ceiling/view/<category>`` is the share of a category's views in ``objects_turned`` that are told
within 22.5 degrees: by their shape, for which the kit's own light, standing still, would not ask.
``transfer/front_top5`` is how often a front render is given one of the emoji names of its category
among the first five of all emoji names; it is of interest for judges trained on emoji alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from common.embedded.judge import Judge, on_backgrounds
from common.judging.asked import Asked
from common.judging.judgement import shares
from common.judging.judging import Seen, judgements, look
from common.judging.names import Names, load_names
from common.judging.read_texts import ReadTexts
from common.judging.scored import VIEW_FIGURE, floor_shares
from common.kit.captions import Facts, Language, Mention, caption
from common.kit.palette import ColourName
from common.kit.views import FRONT
from common.seeding import generator_for
from common.shapes import Images
from common.training.autoencoder.autoencoder_trainer import to_unit_range
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_split import TEST_AUGMENTATION
from common.training.emoji.emoji_stills import EmojiStills
from common.training.judge.judge_truth import shared_emoji
from common.training.kit.kit_pictures import KitCategorySet
from common.training.pictures.augmentation import Augmentation, augment, uniform

EMOJI_MOVES = Augmentation(
    affine=0.9, max_zoom=1.3, max_shift=0.12, max_turn_deg=12.0, flip=0.0, recolor=0.0, opaque=0.0
)
"""Mirroring is left out: arrows and letters would become others."""
_SAID = Mention(main=True, accent=True)


@dataclass(frozen=True)
class RealPictures:
    """What a judge is measured on."""

    emoji: EmojiStills
    colours: Mapping[str, ColourName | None]
    """The sure colour of emoji by key."""
    instances: tuple[KitCategorySet, ...]
    """Held-out kit objects."""
    pairs: tuple[KitCategorySet, ...]
    """Held-out kit objects in held-out colours."""
    turned: tuple[KitCategorySet, ...]
    """Held-out kit objects under turned light."""


def measured(judge: Judge, real: RealPictures, device: str) -> dict[str, float]:
    """All figures of a judge in evaluation mode."""
    texts = ReadTexts(judge, load_names())
    figures: dict[str, float] = {}
    seen_emoji, asked_emoji = emoji_test(judge, real, texts.names, device)
    figures |= _figures("emoji", seen_emoji, asked_emoji, texts)
    in_chinese = [replace(one, language="zh", colour=None) for one in asked_emoji]
    figures |= _figures("emoji_zh", seen_emoji, in_chinese, texts)
    if real.instances:
        figures |= _kit_figures(judge, real.instances, texts)
        figures["transfer/front_top5"] = transfer_share(judge, real.instances, texts)
    if real.pairs:
        asked = asked_of_kit(real.pairs, "en")
        seen = look_at_kit(judge, real.pairs)
        figures |= _figures("objects_pairs", seen, asked, texts)
    if real.turned:
        figures |= _turned_figures(judge, real.turned, texts)
    return figures


def emoji_test(
    judge: Judge, real: RealPictures, names: Names, device: str
) -> tuple[Seen, list[Asked]]:
    """Each still that has a name to be scored, once, as no training step shows it."""
    known = {name.key: name for name in names.emoji}
    rows = [row for row, key in enumerate(real.emoji.keys) if key in known]
    pictures = [emoji_picture(real.emoji, row) for row in rows]
    colours = {name.key: name for name in names.colours}
    asked = []
    for row in rows:
        name, sure = known[real.emoji.keys[row]], real.colours.get(real.emoji.keys[row])
        colour = sure if sure and not set(colours) & set(name.english.split()) else None
        words = f"{colour} {name.english}" if colour else name.english
        asked.append(Asked(words, "emoji", name.key, colour))
    with torch.no_grad():
        parts = [judge.look_at(some.to(device)) for some in torch.cat(pictures).split(128)]
    features = torch.cat([part.features.cpu() for part in parts])
    return Seen(features, torch.zeros(len(features))), asked


def emoji_picture(stills: EmojiStills, row: int) -> Tensor:
    """The test view of one still, ``(1, 3, h, w)``: moved, on a random colour."""
    generator = generator_for(0, row, TEST_AUGMENTATION)
    plain = to_unit_range(np.asarray(stills.pixels[[row]]), "cpu")
    moved = augment(plain, EMOJI_MOVES, generator) * 2 - 1
    return on_backgrounds(moved, uniform(3, 0.0, 1.0, generator).reshape(1, 3))


def look_at_kit(judge: Judge, sets: Sequence[KitCategorySet]) -> Seen:
    """See all pictures of some sets, a category at a time."""
    parts = [look(judge, to_unit_range(np.array(one.pixels), "cpu") * 2 - 1) for one in sets]
    return Seen(torch.cat([p.features for p in parts]), torch.cat([p.azimuths_deg for p in parts]))


def asked_of_kit(sets: Sequence[KitCategorySet], language: Language) -> list[Asked]:
    """What each picture shows, as if it had been asked for, in the order of ``look_at_kit``."""
    return [
        _asked(shot.facts, view.azimuth_deg, language)
        for one in sets
        for shot in one.shots
        for view in shot.views
    ]


def _asked(facts: Facts, azimuth_deg: float, language: Language) -> Asked:
    text = caption(facts, _SAID, language)
    name = facts.category.name
    return Asked(text, "objects", name, facts.main, facts.accent, azimuth_deg, language)


def _kit_figures(
    judge: Judge, sets: Sequence[KitCategorySet], texts: ReadTexts
) -> dict[str, float]:
    """Ceilings and floors of the kit's instances."""
    seen, asked = look_at_kit(judge, sets), asked_of_kit(sets, "en")
    figures = _figures("objects", seen, asked, texts)
    fronts = [i for i, one in enumerate(asked) if one.azimuth_deg == FRONT.azimuth_deg]
    front = Seen(seen.features[fronts], seen.azimuths_deg[fronts])
    figures |= _figures("objects_front", front, [asked[i] for i in fronts], texts)
    chinese = asked_of_kit(sets, "zh")
    return figures | _figures("objects_zh", front, [chinese[i] for i in fronts], texts)


def _turned_figures(
    judge: Judge, sets: Sequence[KitCategorySet], texts: ReadTexts
) -> dict[str, float]:
    """The same under turned light, and how often each category's views are told there."""
    seen, asked = look_at_kit(judge, sets), asked_of_kit(sets, "en")
    figures = _figures("objects_turned", seen, asked, texts)
    of_category: dict[str, list[int]] = {}
    for row, one in enumerate(asked):
        of_category.setdefault(str(one.concept), []).append(row)
    for name, rows in of_category.items():
        views = [replace(asked[row], colour=None, accent=None) for row in rows]
        some = Seen(seen.features[rows], seen.azimuths_deg[rows])
        told = shares(judgements(some, views, texts))
        figures[VIEW_FIGURE + name] = told["objects/view"].value
    return figures


def _figures(part: str, seen: Seen, asked: Sequence[Asked], texts: ReadTexts) -> dict[str, float]:
    """Ceilings and floors of one set of real pictures."""
    found = shares(judgements(seen, asked, texts))
    floors = floor_shares(seen, asked, texts, num_ways=1)
    figures: dict[str, float] = {}
    for name, share in found.items():
        score = name.partition("/")[2]
        figures[f"ceiling/{part}/{score}"] = share.value
        figures[f"floor/{part}/{score}"] = floors[name]
    return figures


def transfer_share(judge: Judge, sets: Sequence[KitCategorySet], texts: ReadTexts) -> float:
    """Share of front renders that get an emoji name of their category among the first five."""
    shared = shared_emoji(load_concepts())
    place = {name.key: index for index, name in enumerate(texts.names.emoji)}
    said = texts.of_names("emoji", "en")
    hits: list[bool] = []
    for one in sets:
        right = {place[key] for key in shared.get(one.category.name, ()) if key in place}
        if right:
            fronts = front_pictures(one)
            best = (look(judge, fronts).features @ said.T).topk(5, dim=1).indices
            hits += [bool(right & set(row)) for row in best.tolist()]
    return sum(hits) / max(len(hits), 1)


def front_pictures(one: KitCategorySet) -> Images:
    """The exact front views of a set, in [-1, 1]."""
    rows = [
        shot * one.num_views + view
        for shot, seen in enumerate(one.shots)
        for view, camera in enumerate(seen.views)
        if camera == FRONT
    ]
    return to_unit_range(np.asarray(one.pixels[rows]), "cpu") * 2 - 1
