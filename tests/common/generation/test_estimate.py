import pytest

from common.config.load import load_tree
from common.config.tree import Tree
from common.generation.estimate import generation_estimate
from run import APPS
from tests.common.zoo.small_zoo import store_frame_layers, store_prior


def estimate(models, size, **changes):
    values = {
        "app": "image", "name": "x", "prompt": "mug",
        "prior": {"name": "embedded", "models_dir": str(models)}, **changes,
    }  # fmt: skip
    return generation_estimate(load_tree(Tree(values, {}), "", (), APPS).config, size)


def test_sizes_are_of_pictures_and_latents(models):
    made = estimate(models, (128, 72), num_samples=5, batch_size=2)
    assert made.sizes["size"] == "4 x 128 x 72"
    assert made.sizes["latents"] == "4 x 16 x 9"
    assert made.steps == 3 * 25 * 2


def test_every_frame_of_a_clip_has_latents(tmp_path):
    store_prior(tmp_path)
    store_frame_layers(tmp_path, "motion_layers")
    made = estimate(tmp_path, (3, 64, 72))
    assert made.sizes["latents"] == "4 x 3 x 8 x 9"


def test_memory_grows_with_the_batch_by_the_latents(models):
    one, nine, large = (
        estimate(models, size, num_samples=16, batch_size=count).memory_bytes
        for size, count in (((64, 64), 1), ((64, 64), 9), ((128, 128), 1))
    )
    per_sample = (nine - one) / 8
    # Four times the cells: the same for each sample, and the picture that is decoded.
    assert large - one > 3 * per_sample
    assert per_sample == pytest.approx(4 * 1800 * 64)


def test_memory_counts_the_stored_weights(models):
    stored = sum(path.stat().st_size for path in models.glob("*.safetensors")
                 if not path.name.startswith("domain"))  # fmt: skip
    libraries = (450 + 90) * 2**20
    assert estimate(models, (64, 64)).memory_bytes >= libraries + 4 * stored
