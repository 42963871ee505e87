"""Switches of ``prior.compute`` on the embedded prior, end to end on untrained models."""

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.diffusion.compute_config import FeatureCacheConfig
from common.diffusion.feature_cache import reusing_features
from common.embedded.prior_config import EmbeddedComputeConfig, EmbeddedPriorConfig
from common.errors import InputError
from common.generation.picture_switches import refuse_picture_switches
from common.zoo.models import load_embedded_prior
from run import APPS
from tests.common.image.test_embedded_run import pixels
from tests.stopped_runs import stopped_at

CACHE = ("prior.compute.feature_cache.every=3", "sampler.num_steps=5")


def drawn(draw, *changes):
    code, paths, said = draw(*changes)
    assert code == 0, said
    return pixels(paths)


def test_reused_features_change_pictures_and_repeat_to_the_byte(draw):
    plain = drawn(draw, "sampler.num_steps=5")
    once, again = drawn(draw, *CACHE), drawn(draw, *CACHE)
    assert np.abs(once[0] - plain[0]).max() > 0
    assert all(map(np.array_equal, once, again))


def test_pictures_of_a_batch_do_not_depend_on_the_batches_before(draw):
    """What was reused in one batch is forgotten in the next."""
    together = drawn(draw, *CACHE, "num_samples=2", "batch_size=1")
    alone = drawn(draw, *CACHE, "num_samples=1", "batch_size=1")
    assert np.array_equal(together[0], alone[0])
    swapped = drawn(draw, *CACHE, "num_samples=2", "batch_size=2")
    # Products of a batch of two are summed in another order than those of one.
    assert np.abs(together[1] - swapped[1])[swapped[1][..., 3] > 25].max() <= 1


def test_a_run_that_is_stopped_within_a_batch_ends_in_the_same_bytes(draw, tmp_path, capsys):
    changes = (*CACHE, "num_samples=2", "batch_size=1")
    expected = drawn(draw, *changes)
    with stopped_at(7):
        code, _, _ = draw(*changes, "name=stopped")
    assert code == 130
    assert main(["resume", "stopped"], APPS) == 0
    paths = [tmp_path / line for line in capsys.readouterr().out.splitlines()]
    assert all(map(np.array_equal, pixels(paths), expected))


def test_the_prior_reuses_what_the_cache_says(models):
    compute = EmbeddedComputeConfig(feature_cache=FeatureCacheConfig(every=2))
    reusing = load_embedded_prior((64, 64), models, compute=compute)
    plain = load_embedded_prior((64, 64), models)
    cache = reusing_features(plain.unet, 2)
    generator = torch.Generator().manual_seed(0)
    cond, other = reusing.embed(["a mug"]), plain.embed(["a mug"])
    with torch.no_grad():
        for timestep in (900.0, 700.0, 500.0):
            latents = torch.randn(1, 4, 8, 8, generator=generator)
            times = torch.tensor([timestep])
            with cache.evaluating(other, latents, times):
                expected = plain.predict(latents, times, other)
            assert torch.equal(reusing.predict(latents, times, cond), expected)


def test_bfloat16_is_near_and_gives_float32(models):
    half, whole = (
        load_embedded_prior((64, 64), models, compute=EmbeddedComputeConfig(dtype=dtype))
        for dtype in ("bfloat16", "float32")
    )
    latents, times = torch.randn(2, 4, 8, 8), torch.tensor([900.0, 100.0])
    with torch.no_grad():
        one, two = (p.predict(latents, times, p.embed(["mug", "car"])) for p in (half, whole))
    assert one.dtype == torch.float32
    # Rounding of every feature by 2^-8, relative to the features' size.
    assert 0 < float((one - two).abs().mean() / two.std()) < 0.03


@pytest.mark.parametrize(("changes", "message"), [
    (("prior.compute.feature_cache.every=2", "sampler.name=heun"), "heun evaluates each twice"),
    (("prior.compute.feature_cache.levels=2",), "1 to 1 can be computed every time"),
    (("prior.compute.compile=true", "prior.compute.feature_cache.every=2"), "leave one out"),
    (("prior.compute.feature_cache.every=1",), "every"),
])  # fmt: skip
def test_switches_that_do_not_go_together_end_with_code_2(draw, changes, message):
    code, paths, said = draw(*changes)
    assert (code, paths) == (2, [])
    assert message in said
    assert "Traceback" not in said


def test_compilation_is_refused_without_a_compiler(draw, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    code, paths, said = draw("prior.compute.compile=true")
    assert (code, paths) == (2, [])
    assert "needs a C++ compiler on a CPU (g++, clang++, c++)" in said


@pytest.mark.parametrize(("change", "key"), [
    ({"compute": EmbeddedComputeConfig(compile=True)}, "compute.compile"),
    ({"compute": EmbeddedComputeConfig(feature_cache=FeatureCacheConfig())},
     "compute.feature_cache"),
])  # fmt: skip
def test_views_and_scores_refuse_switches_of_pictures(change, key):
    with pytest.raises(InputError, match=f"prior.{key} is for pictures"):
        refuse_picture_switches(EmbeddedPriorConfig(**change))
