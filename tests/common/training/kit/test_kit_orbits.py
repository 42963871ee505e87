import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.split import is_azimuth_held_out, is_colour_held_out, is_held_out, read_split
from common.kit.views import View as KitView
from common.training.kit import kit_orbits
from common.training.kit.kit_orbits import (
    load_orbits,
    orbit_digest,
    orbit_index,
    prepare_orbits,
    rendered_orbit,
)
from common.training.kit.kit_parts import KitPart, objects_of
from common.training.kit.orbit_parts import (
    INSTANCE_ORBITS,
    PAIR_ORBITS,
    TRAIN_ORBITS,
    orbit_views_of,
    trained_azimuth_deg,
)

SMALL = KitPart("instances", 2, 3)
NAMES = ("star", "die")


@pytest.fixture
def two_categories(monkeypatch):
    """Two categories at a size that renders quickly."""
    monkeypatch.setattr(kit_orbits, "CATEGORIES", tuple(map(category_named, NAMES)))
    monkeypatch.setattr(kit_orbits, "SIZE_PX", 32)


@pytest.fixture
def cache(tmp_path, two_categories):
    """Two prepared categories."""
    assert [(c.name, num) for c, num in prepare_orbits(tmp_path, SMALL)] == [
        ("star", 6),
        ("die", 6),
    ]
    return tmp_path


@pytest.mark.parametrize("name", ["star", "tulip"])
def test_training_obeys_every_rule_of_the_split(name):
    objects = list(objects_of(TRAIN_ORBITS, category_named(name)))
    assert len(objects) == 48
    for one in objects:
        views = orbit_views_of(TRAIN_ORBITS, one)
        assert len(views) == 12
        assert not any(
            is_held_out(one, KitView(view.azimuth_deg, view.elevation_deg, 25.0)) for view in views
        )
        assert all(-10 <= view.elevation_deg <= 35 for view in views)
        for view in views[:2]:
            assert abs((view.azimuth_deg + 180) % 360 - 180) <= 10
            assert 5 <= view.elevation_deg <= 20


def test_training_views_go_all_round_every_object():
    one = instance(category_named("star"), 1)
    azimuths = [view.azimuth_deg for view in orbit_views_of(TRAIN_ORBITS, one)[2:]]
    gaps = np.diff([*azimuths, azimuths[0] + 360])
    # Two tenths of what is trained on, 64.8 degrees, and one band of 12 between them.
    assert 0 < gaps.min() <= gaps.max() < 77
    assert orbit_views_of(TRAIN_ORBITS, instance(category_named("star"), 2))[2:] != tuple(
        orbit_views_of(TRAIN_ORBITS, one)[2:]
    )


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_trained_azimuths_are_spread_evenly_outside_the_bands(share):
    azimuth = trained_azimuth_deg(share)
    assert 0 <= azimuth < 360 + 1e-9
    assert not is_azimuth_held_out(azimuth - 1e-9)
    bands = read_split().azimuth_bands_deg
    left_out = sum(min(high, azimuth) - low for low, high in bands if azimuth > low)
    width = 360 - sum(high - low for low, high in bands)
    assert (azimuth - left_out) / width == pytest.approx(share, abs=1e-9)


def test_measured_views_are_eighths_of_a_turn():
    star = category_named("star")
    for part, count in ((INSTANCE_ORBITS, 4), (PAIR_ORBITS, 1)):
        held_out_colours = sum(name == "star" for name, _ in read_split().colours)
        objects = list(objects_of(part, star))
        assert len(objects) == (count if part.name == "instances" else held_out_colours)
        for one in objects:
            assert is_held_out(one)
            assert is_colour_held_out("star", one.facts.main) == (part.name == "pairs")
            views = orbit_views_of(part, one)
            assert [view.azimuth_deg for view in views] == [45.0 * i for i in range(8)]
            assert {view.elevation_deg for view in views} == {12.0}


def test_loaded_pictures_are_the_renders_of_their_objects(cache):
    for one in load_orbits(cache, SMALL):
        for place, shot in enumerate(one.shots):
            built = instance(one.category, shot.seed)
            assert shot.facts == built.facts
            assert shot.views == orbit_views_of(SMALL, built)
            np.testing.assert_array_equal(one.pictures(place), rendered_orbit(built, shot.views))


@pytest.mark.parametrize("name", ["gift", "church", "cheese"])
def test_no_object_reaches_the_border(name, monkeypatch):
    # Houses alone do, from above 30 degrees at their corners.
    monkeypatch.setattr(kit_orbits, "SIZE_PX", 64)
    one = instance(category_named(name), 1)
    corners = [(azimuth, elevation) for azimuth in (45.0, 135.0) for elevation in (-10.0, 35.0)]
    views = tuple(kit_orbits.View(*corner) for corner in corners)
    alpha = rendered_orbit(one, views)[..., 3]
    assert alpha[:, 16:-16, 16:-16].any()
    assert not alpha[:, [0, -1]].any()
    assert not alpha[:, :, [0, -1]].any()


def test_what_is_prepared_is_not_rendered_again(cache, monkeypatch):
    monkeypatch.setattr(kit_orbits, "rendered_orbit", None)
    assert len(list(prepare_orbits(cache, SMALL))) == 2


def test_category_killed_half_way_is_done_again(tmp_path, two_categories, monkeypatch):
    drawn = []

    def killed(one, views):
        if len(drawn) == 3:
            raise KeyboardInterrupt
        drawn.append(one.category)
        return rendered_orbit(one, views)

    with monkeypatch.context() as patch:
        patch.setattr(kit_orbits, "rendered_orbit", killed)
        with pytest.raises(KeyboardInterrupt):
            list(prepare_orbits(tmp_path, SMALL))
    assert drawn == ["star", "star", "die"]
    folder = orbit_index(tmp_path, SMALL, category_named("die")).parent
    assert sorted(path.name for path in folder.iterdir()) == ["star-32.npy", "star.json"]
    with pytest.raises(InputError, match="prepare/orbits"):
        load_orbits(tmp_path, SMALL)
    list(prepare_orbits(tmp_path, SMALL))
    assert len(load_orbits(tmp_path, SMALL)) == 2


def test_other_cameras_void_what_is_prepared(cache, monkeypatch):
    monkeypatch.setattr(kit_orbits, "DISTANCE_M", 4.0)
    with pytest.raises(InputError, match="prepare/orbits"):
        load_orbits(cache, SMALL)


def test_other_kit_is_prepared_anew(cache, monkeypatch):
    index = orbit_index(cache, SMALL, category_named("die"))
    before = index.read_bytes()
    monkeypatch.setattr(kit_orbits, "kit_digest", lambda: "0" * 64)
    with pytest.raises(InputError, match="prepare/orbits"):
        load_orbits(cache, SMALL)
    list(prepare_orbits(cache, SMALL))
    assert len(load_orbits(cache, SMALL)) == 2
    assert index.read_bytes() != before


def test_number_of_objects_and_views_counts():
    parts = (
        TRAIN_ORBITS,
        TRAIN_ORBITS._replace(num_views=11),
        TRAIN_ORBITS._replace(num_objects=4),
    )
    assert len({orbit_digest(part) for part in parts}) == 3


def test_damaged_pictures_are_refused(cache):
    array = orbit_index(cache, SMALL, category_named("die")).with_name("die-32.npy")
    array.write_bytes(array.read_bytes()[:1000])
    with pytest.raises(InputError, match="die-32"):
        load_orbits(cache, SMALL)
