"""Every category builds sound objects, whatever is drawn."""

import jaxtyping
import numpy as np
import pytest

from common.errors import InputError
from common.kit.catalogue import CATEGORIES
from common.kit.category import Category
from common.kit.face_pose import FacePose
from common.kit.instances import instance
from common.kit.palette import COLOUR_NAMES


@pytest.fixture(autouse=True)
def _whole_numbers_are_numbers():
    """Categories are written with whole degrees; beartype would refuse them for floats."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


SEEDS = range(8)


def built(category: Category, seed: int):
    # Objects are framed at rest, so that a face that talks does not jump.
    return instance(category, seed, pose=FacePose() if category.talks else None).parts


def english(category: Category) -> str:
    return category.noun.english


def test_names_are_unique_in_both_languages():
    for names in (
        [category.noun.english for category in CATEGORIES],
        [category.noun.chinese for category in CATEGORIES],
    ):
        assert len(names) == len(set(names))


@pytest.mark.parametrize("category", CATEGORIES, ids=english)
def test_category_builds_sound_meshes(category):
    for seed in SEEDS:
        parts = built(category, seed)
        assert len(parts) >= 2
        points = np.concatenate([part.mesh.vertices for part in parts])
        assert np.isfinite(points).all()
        # Normalised: the longest side is one and the box is centred, to rounding.
        assert np.ptp(points, axis=0).max() == pytest.approx(1, abs=1e-6)
        assert np.abs(points.min(axis=0) + points.max(axis=0)).max() < 1e-6
        for part in parts:
            faces = part.mesh.faces
            assert len(faces) > 0
            assert faces.min() >= 0
            assert faces.max() < len(part.mesh.vertices)
        assert sum(len(part.mesh.faces) for part in parts) <= 20_000


@pytest.mark.parametrize("category", CATEGORIES, ids=english)
def test_same_seed_builds_the_same_and_another_seed_another(category):
    first, again, other = (
        np.concatenate([part.mesh.vertices for part in built(category, seed)]) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.allclose(first, other)


@pytest.mark.parametrize("category", CATEGORIES, ids=english)
def test_category_names_the_parts_it_builds(category):
    names = {part.name for part in built(category, 0)}
    assert category.main.english in names
    assert category.accent is None or category.accent.english in names


@pytest.mark.parametrize("category", CATEGORIES, ids=english)
def test_instance_can_have_any_colour_of_its_category_and_no_other(category):
    for colour in category.colours:
        assert instance(category, 0, main=colour).facts is not None
    wrong = sorted(set(COLOUR_NAMES) - set(category.colours))
    if wrong:
        with pytest.raises(InputError):
            instance(category, 0, main=wrong[0])
