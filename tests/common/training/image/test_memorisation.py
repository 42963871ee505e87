import numpy as np
import pytest
import torch

from common.embedded.autoencoder import Autoencoder
from common.errors import InputError
from common.kit.catalogue import category_named
from common.training.image.memorisation import NearestDistances, nearest, nearest_distances
from common.training.kit import kit_pictures
from common.training.kit.kit_parts import KitPart
from common.training.kit.kit_pictures import load_kit, prepare_kit
from tests.common.training.small_training import ARCHITECTURE

TRAIN, INSTANCES = KitPart("train", 3, 3), KitPart("instances", 2, 2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kit_pictures, "CATEGORIES", (category_named("mug"), category_named("die")))
        for part in (TRAIN, INSTANCES):
            list(prepare_kit(folder, part))
        yield folder


def test_nearest_is_the_least_root_mean_square_difference():
    generator = np.random.default_rng(0)
    queries, known = generator.normal(size=(5, 7)), generator.normal(size=(9, 7))
    wanted = [min(np.sqrt(((q - k) ** 2).mean()) for k in known) for q in queries]
    found = nearest(torch.from_numpy(queries).float(), torch.from_numpy(known).float())
    # Matrix products in float32.
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_copies_are_near_and_held_out_renders_are_not(cache):
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        model = Autoencoder(ARCHITECTURE).eval()
    pixels = load_kit(cache, TRAIN, 128)[0].pixels
    copies = torch.from_numpy(np.array(pixels[[0, 1, 3]])).permute(0, 3, 1, 2).float() / 127.5 - 1
    found = nearest_distances(model, cache, copies, ("mug",) * 3, 128)
    assert found.samples.max() < 1e-3
    assert len(found.held_out) == 2
    assert found.held_out.min() > 0.01
    assert found.ratio < 0.1
    with pytest.raises(InputError, match="teapot"):
        nearest_distances(model, cache, copies, ("teapot",) * 3, 128)


def test_ratio_is_of_medians():
    distances = NearestDistances(np.array([1, 2, 30], np.float32), np.array([4, 4], np.float32))
    assert distances.ratio == 0.5
