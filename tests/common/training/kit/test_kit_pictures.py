import numpy as np
import pytest

from common.errors import InputError
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.render import render_views
from common.kit.split import is_azimuth_held_out, is_colour_held_out, is_held_out
from common.kit.views import FRONT
from common.training.kit import kit_pictures
from common.training.kit.kit_parts import (
    INSTANCES,
    PAIRS,
    TRAIN,
    TURNED,
    TURNED_INSTANCES,
    KitPart,
    objects_of,
    views_of,
)
from common.training.kit.kit_pictures import halved, kit_index, load_kit, prepare_kit
from common.training.pictures.picture_sources import kit_pool

NAMES = ("mug", "chair", "house", "tulip", "apple", "rocket", "die", "gift")
SMALL = KitPart("instances", 2, 3)


@pytest.fixture(scope="module")
def two_categories():
    return tuple(category_named(name) for name in ("mug", "die"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory, two_categories):
    """Two categories, rendered as training finds them."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kit_pictures, "CATEGORIES", two_categories)
        counts = [(category.name, num) for category, num in prepare_kit(folder, SMALL)]
    assert counts == [("mug", 6), ("die", 6)]
    return folder


@pytest.fixture
def sets(cache, two_categories, monkeypatch):
    monkeypatch.setattr(kit_pictures, "CATEGORIES", two_categories)
    return load_kit(cache, SMALL, 128)


def test_training_objects_and_views_obey_every_rule_of_the_split():
    for category in map(category_named, NAMES):
        objects = [one for one, _ in zip(objects_of(TRAIN, category), range(12), strict=False)]
        for one in objects:
            views = views_of(TRAIN, one)
            assert len(views) == TRAIN.num_views
            assert not any(is_held_out(one, view) for view in views)
            fronts = [(view.azimuth_deg + 180) % 360 - 180 for view in views[:2]]
            assert max(map(abs, fronts)) <= 20


def test_measured_parts_hold_what_their_names_say():
    for category in map(category_named, NAMES):
        for one in objects_of(INSTANCES, category):
            assert is_held_out(one)
            assert not is_colour_held_out(category.name, one.facts.main)
            assert views_of(INSTANCES, one)[0] == FRONT
        for one in objects_of(PAIRS, category):
            assert is_colour_held_out(category.name, one.facts.main)
    views = [
        v for seed in range(6) for v in views_of(INSTANCES, instance(category_named("mug"), seed))
    ]
    assert any(is_azimuth_held_out(view.azimuth_deg) for view in views)


def test_turned_parts_are_known_objects_each_view_under_a_light_of_its_own():
    for category in map(category_named, NAMES):
        for part, like in ((TURNED, TRAIN), (TURNED_INSTANCES, INSTANCES)):
            objects, known = list(objects_of(part, category)), objects_of(like, category)
            assert len(objects) == part.num_objects
            assert {one.seed for one in objects} <= {one.seed for one in known}
            views = [view for one in objects for view in views_of(part, one)]
            lights = [view.light_deg for view in views]
            assert len(set(lights)) == len(views)
            # Of as many uniform angles the mean is this far from the middle once in 30,000 tries.
            assert abs(sum(lights) / len(lights) - 180) < 4.2 * 104 / len(lights) ** 0.5
            assert not any(view.light_deg for one in objects for view in views_of(like, one))
        assert not any(
            is_held_out(one, view)
            for one in objects_of(TURNED, category)
            for view in views_of(TURNED, one)
        )


def test_loaded_pictures_are_the_renders_of_their_objects(sets):
    one = sets[0]
    shot = one.shots[1]
    built = instance(one.category, shot.seed)
    assert shot.facts == built.facts
    rgba = render_views(built, shot.views, 128).rgba.numpy()
    rows = one.pixels[one.num_views : 2 * one.num_views]
    # Half of one of 255 levels, and float32 rounding.
    np.testing.assert_allclose(rows / 255, rgba, atol=0.5 / 255 + 1e-5)


def test_half_size_pictures_are_means_of_four_pixels(cache, two_categories, monkeypatch):
    monkeypatch.setattr(kit_pictures, "CATEGORIES", two_categories)
    large, small = (load_kit(cache, SMALL, size)[0].pixels for size in (128, 64))
    np.testing.assert_array_equal(halved(np.array(large)), small)
    block = np.asarray(large[0, 40:42, 60:62], float).mean((0, 1))
    np.testing.assert_allclose(small[0, 20, 30], block, atol=0.5)


def test_pool_groups_the_views_of_each_object(sets):
    pool = kit_pool(sets)
    assert pool.shard_of.tolist() == [0, 0, 1, 1]
    assert pool.first.tolist() == [0, 3, 0, 3]


def test_what_is_prepared_is_not_rendered_again(cache, two_categories, monkeypatch):
    monkeypatch.setattr(kit_pictures, "CATEGORIES", two_categories)
    monkeypatch.setattr(kit_pictures, "rendered", None)
    assert len(list(prepare_kit(cache, SMALL))) == 2


def test_pictures_of_another_kit_are_refused(cache, two_categories, monkeypatch):
    monkeypatch.setattr(kit_pictures, "CATEGORIES", two_categories)
    monkeypatch.setattr(kit_pictures, "kit_digest", lambda: "0" * 64)
    with pytest.raises(InputError, match="prepare/kit"):
        load_kit(cache, SMALL, 128)


def test_damaged_pictures_are_refused(cache, two_categories, monkeypatch, tmp_path):
    monkeypatch.setattr(kit_pictures, "CATEGORIES", two_categories)
    index = kit_index(cache, SMALL, two_categories[0])
    array = index.with_name("mug-128.npy")
    content = array.read_bytes()
    try:
        array.write_bytes(content[:1000])
        with pytest.raises(InputError, match="mug-128"):
            load_kit(cache, SMALL, 128)
    finally:
        array.write_bytes(content)
