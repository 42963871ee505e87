"""Finding mouths and measuring them: on faces of the kit, whose mouths are known."""

import numpy as np
import pytest
import torch

from common.embedded.mouth import MouthFinderArchitecture, with_mouths
from common.training.talking.face_shots import (
    CLOSED,
    MILD,
    measured_objects,
    shots_of,
    talking_categories,
)
from common.training.talking.mouth_fit import FaceLatents, figures_of, fit
from common.training.talking.mouth_measure import mouth_measure, through
from common.zoo.models import load_autoencoder, load_mouth_finder


@pytest.fixture(scope="module")
def autoencoder():
    return load_autoencoder()


@pytest.fixture(scope="module")
def dog():
    return list(measured_objects(1))[1]


def test_a_spot_is_found_wherever_it_is():
    generator = torch.Generator().manual_seed(0)
    at = torch.randint(2, 8, (40, 2), generator=generator)
    latents = torch.zeros(40, 1, 8, 10, 10)
    for row, (right, down) in enumerate(at.tolist()):
        latents[row, 0, :, down, right] = 3.0
    places = torch.cat([(at + 0.5) / 10, torch.full((40, 1), 0.2)], 1)
    faces = FaceLatents(latents, places)
    sizes = MouthFinderArchitecture(channels=8, num_blocks=1)
    untrained = figures_of(fit(faces, sizes, 1), faces)
    found = figures_of(fit(faces, sizes, 150), faces)
    assert found["right_off"] < min(0.05, untrained["right_off"] / 2)
    assert found["down_off"] < min(0.05, untrained["down_off"] / 2)
    assert found["width_off"] < 0.03


def test_held_out_categories_are_not_trained_on():
    trained, held_out = (
        {one.name for one in talking_categories(held_out)} for held_out in (False, True)
    )
    assert held_out == {"koala face", "crab"}
    assert not trained & held_out


def test_only_the_mouth_changes(dog):
    face = shots_of(dog, MILD, [CLOSED, (0.9, 0.6, 0.1)])
    x, y, wide = face.place * 128
    changed = np.abs(np.diff(face.pictures.astype(int), axis=0))[0].max(-1) > 12
    rows, columns = np.nonzero(changed)
    assert changed.sum() > 30
    assert abs(columns.mean() - x) < 0.3 * wide
    assert abs(rows.mean() - y) < 0.8 * wide
    assert np.ptp(columns) < 2 * wide


def test_shipped_finder_and_measure_agree_on_a_held_out_face(autoencoder, dog):
    measure = mouth_measure(autoencoder.model, dog, MILD)
    openings = np.array([0.0, 0.3, 0.6, 0.9])
    mouths = [(opening, 0.5, 0.0) for opening in openings.tolist()]
    face = shots_of(dog, MILD, mouths)
    true = measure.openings(through(autoencoder.model, face.clip))
    assert np.abs(true - openings).mean() < 0.1

    finder = load_mouth_finder(autoencoder)
    assert finder is not None
    first = autoencoder.model.encode(face.clip[None, :, 0])
    place = finder(first)
    assert np.abs(place[0].numpy() - face.place).max() < 0.08
    drawn = with_mouths(face.clip[None, :, 0], place, torch.tensor(mouths))[0]
    found = measure.openings(drawn)
    assert (np.diff(found) > 0).all()
    assert np.corrcoef(found, openings)[0, 1] > 0.9
