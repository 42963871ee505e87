"""The held-out split is valid for the present catalogue and is obeyed."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from common.kit.catalogue import CATEGORIES, category_named
from common.kit.instances import instance
from common.kit.motions import MOTIONS, motion_named, suits
from common.kit.split import (
    SPLIT_FILE,
    draw_split,
    is_azimuth_held_out,
    is_colour_held_out,
    is_held_out,
    is_instance_held_out,
    is_motion_held_out,
    read_split,
)
from common.kit.views import FRONT, View

NAMES = {category.name: category for category in CATEGORIES}


def test_colours_of_the_split_are_colours_of_its_categories():
    for name, colour in read_split().colours:
        assert colour in NAMES[name].colours


def test_motions_of_the_split_suit_its_categories():
    for name, motion in read_split().motions:
        assert suits(motion_named(motion), NAMES[name])


def test_file_repeats_nothing_and_is_in_order():
    data = json.loads(SPLIT_FILE.read_text(encoding="utf-8"))
    for table in (data["colours"], data["motions"]):
        assert list(table) == sorted(table)
        assert all(rows == sorted(set(rows)) and rows for rows in table.values())


def test_file_is_what_was_drawn():
    assert json.loads(SPLIT_FILE.read_text(encoding="utf-8")) == draw_split()
    assert draw_split(4) != draw_split(5)


def test_a_tenth_of_the_pairs_is_held_out():
    num_colours = sum(len(category.colours) for category in CATEGORIES)
    num_motions = sum(suits(motion, category) for category in CATEGORIES for motion in MOTIONS)
    assert len(read_split().colours) / num_colours == pytest.approx(0.1, abs=0.005)
    assert len(read_split().motions) / num_motions == pytest.approx(0.1, abs=0.005)


def test_bands_are_a_tenth_of_the_circle_away_from_the_front():
    bands = read_split().azimuth_bands_deg
    assert sum(high - low for low, high in bands) == pytest.approx(36)
    assert all(0 <= low < high <= 360 for low, high in bands)
    assert all(bands[i][1] < bands[i + 1][0] for i in range(len(bands) - 1))
    assert not any(is_azimuth_held_out(azimuth) for azimuth in range(-45, 46))


def test_every_category_can_be_learnt_in_most_of_its_own_colours():
    for category in CATEGORIES:
        kept = [name for name in category.usual if not is_colour_held_out(category.name, name)]
        if len(category.usual) == len(category.colours):
            # Any colour is usual: some may be held out.
            assert len(kept) >= len(category.usual) / 2
        else:
            assert kept == list(category.usual)


def test_every_colour_and_motion_is_learnt_with_most_categories():
    # So a held-out pair is new in its combination, never in its colour or motion.
    colours = Counter(colour for _, colour in read_split().colours)
    motions = Counter(motion for _, motion in read_split().motions)
    assert max(colours.values()) < len(CATEGORIES) / 4
    for motion in MOTIONS:
        suited = sum(suits(motion, category) for category in CATEGORIES)
        assert motions[motion.name] < suited / 3
        assert motions[motion.name] >= 1


@pytest.mark.parametrize(
    ("azimuth", "held"),
    [
        (0, False), (49.999, False), (50, True), (61.999, True), (62, False), (168, True),
        (180, False), (179.9, True), (292, True), (-68, True), (360 + 55, True), (298, False),
    ],
)  # fmt: skip
def test_bands_are_half_open_and_wrap_round(azimuth: float, held: bool):
    assert is_azimuth_held_out(azimuth) == held


@pytest.mark.parametrize("name", ["mug", "face", "car"])
def test_a_tenth_of_the_instances_is_held_out(name: str):
    count = sum(is_instance_held_out(name, seed) for seed in range(2000))
    low, high = binom.interval(0.999, 2000, 0.1)
    assert low <= count <= high


def test_instances_are_held_out_independently_of_the_category():
    mugs, cars = (
        np.array([is_instance_held_out(name, seed) for seed in range(2000)])
        for name in ("mug", "car")
    )
    low, high = binom.interval(0.999, 2000, 0.01)
    assert low <= (mugs & cars).sum() <= high


def trained_instance():
    """A mug that no rule holds out."""
    seed = next(seed for seed in range(99) if not is_instance_held_out("mug", seed))
    colours = category_named("mug").colours
    colour = next(name for name in colours if not is_colour_held_out("mug", name))
    return instance(category_named("mug"), seed, main=colour)


def test_each_rule_alone_holds_a_sample_out():
    one = trained_instance()
    assert not is_held_out(one)
    assert not is_held_out(one, FRONT, "grow")
    assert is_held_out(one, View(55.0, 12.0, 25.0))
    assert is_motion_held_out("mug", "tip over")
    assert is_held_out(one, FRONT, "tip over")
    other_seed = next(seed for seed in range(99) if is_instance_held_out("mug", seed))
    assert is_held_out(replace(one, seed=other_seed))
    colour = next(colour for name, colour in read_split().colours if name == "mug")
    assert is_held_out(instance(category_named("mug"), one.seed, main=colour))


def test_held_out_pair_belongs_to_its_category_only():
    assert is_colour_held_out("mug", "green")
    assert not is_colour_held_out("drum", "green")
    assert is_motion_held_out("mug", "tip over")
    assert not is_motion_held_out("drum", "tip over")
