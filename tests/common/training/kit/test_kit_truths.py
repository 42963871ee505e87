import numpy as np
import pytest

from common.errors import InputError
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.split import is_held_out
from common.training.kit import kit_truths
from common.training.kit.kit_parts import KitPart, objects_of, views_of
from common.training.kit.kit_truths import (
    DEPTH,
    LABEL,
    NORMALS,
    TRAIN_TRUTHS,
    load_truths,
    prepare_truths,
    rendered_truths,
)

SMALL = KitPart("instances", 1, 2)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """One prepared category at a size that renders quickly."""
    monkeypatch.setattr(kit_truths, "CATEGORIES", (category_named("star"),))
    monkeypatch.setattr(kit_truths, "SIZE_PX", 32)
    assert [(c.name, num) for c, num in prepare_truths(tmp_path, SMALL)] == [("star", 2)]
    return tmp_path


def test_loaded_truths_are_the_renders_of_their_objects(cache, monkeypatch):
    (one,) = load_truths(cache, SMALL)
    built = instance(one.category, one.shots[0].seed)
    assert one.shots[0].views == views_of(SMALL, built)
    made = rendered_truths(built, one.shots[0].views)
    np.testing.assert_array_equal(one.pixels, made.pixels)
    np.testing.assert_array_equal(one.truths, made.truths)
    monkeypatch.setattr(kit_truths, "rendered_truths", None)
    assert len(list(prepare_truths(cache, SMALL))) == 1, "not rendered again"


def test_all_truths_are_there_where_the_object_is(cache):
    (one,) = load_truths(cache, SMALL)
    there = one.truths[..., LABEL] > 0
    assert there.any()
    assert ((one.truths[..., DEPTH] > 0) == there).all()
    assert ((one.truths[..., NORMALS] > 0).any(-1) == there).all()
    # Alpha reaches a pixel further: it is averaged over the pixel, truths are at its centre.
    assert (one.pixels[..., 3][there] > 0).all()


def test_parts_of_one_name_have_one_label():
    car = instance(category_named("car"), 1)
    names = {part.name for part in car.parts}
    assert len(names) < len(car.parts), "several wheels"
    made = rendered_truths(car, views_of(SMALL, car))
    labels = set(np.unique(made.truths[..., LABEL]).tolist())
    assert labels <= set(range(len(names) + 1))
    assert len(labels) > 3


def test_training_obeys_the_split():
    for one in objects_of(TRAIN_TRUTHS, category_named("star")):
        assert not any(is_held_out(one, view) for view in views_of(TRAIN_TRUTHS, one))


def test_damaged_truths_are_refused(cache):
    (array,) = (cache / "kit_truths" / "instances").glob("*-truth-32.npy")
    array.write_bytes(array.read_bytes()[:1000])
    with pytest.raises(InputError, match="truth-32"):
        load_truths(cache, SMALL)


def test_what_is_not_prepared_is_named_with_its_preset(tmp_path):
    with pytest.raises(InputError, match="prepare/truths"):
        load_truths(tmp_path, SMALL)
