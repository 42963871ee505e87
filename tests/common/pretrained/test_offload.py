"""Models that wait elsewhere compute the same, and are reckoned as what is there at once."""

import pytest
import torch
from torch import nn

from common.diffusion.compute_config import FeatureCacheConfig
from common.diffusion.sampler_config import DDIM
from common.errors import InputError
from common.generation.picture_switches import (
    check_compute,
    refuse_offload,
    refuse_picture_switches,
)
from common.pretrained import build
from common.pretrained.build import build_pretrained_prior, build_unet_prior
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig
from common.pretrained.memory import pretrained_need
from common.pretrained.offload import Work, check_offload, device_bytes, num_bytes
from tests.common.pretrained.test_compute import made_by
from tests.common.pretrained.tiny_pipelines import SIZE

KIND = {"sd15": None, "sdxl": FeatureCacheConfig()}


def config_of(folder, offload, cache=None):
    compute = ComputeConfig(offload=offload, feature_cache=cache)
    return PretrainedPriorConfig(path=str(folder), compute=compute)


@pytest.mark.parametrize("offload", ["model", "sequential"])
@pytest.mark.parametrize("family", KIND)
def test_offloaded_models_compute_the_same_bits(checkpoints, family, offload, monkeypatch):
    """The moving is real, though from the CPU to itself; only the refusal of that is left out."""
    plain = build_pretrained_prior(config_of(checkpoints[family], "none", KIND[family]), SIZE)
    monkeypatch.setattr(build, "check_offload", lambda offload, device: None)
    moved = build_pretrained_prior(config_of(checkpoints[family], offload, KIND[family]), SIZE)
    models = (moved.unet, moved.autoencoder, *(one.model for one in moved.text.encoders))
    for one, two in zip(made_by(plain), made_by(moved), strict=True):
        assert torch.equal(one, two)
    assert moved.device == torch.device("cpu")
    for model in models:
        held = {weight.device.type for weight in model.parameters()}
        # Layer by layer nothing stays between two uses.
        assert held == ({"meta"} if offload == "sequential" else {"cpu"})


def test_each_model_sends_the_one_before_it_away(checkpoints, monkeypatch):
    monkeypatch.setattr(build, "check_offload", lambda offload, device: None)
    prior = build_pretrained_prior(config_of(checkpoints["sdxl"], "model"), SIZE)
    first, second = (one.model for one in prior.text.encoders)
    order = [first, second, prior.unet, prior.autoencoder]
    for before, model in zip(order[-1:] + order[:-1], order, strict=True):
        assert model._hf_hook.prev_module_hook.model is before


def test_offloading_needs_a_gpu_and_pictures(checkpoints):
    config = config_of(checkpoints["sd15"], "model")
    with pytest.raises(InputError, match=r"offload=model moves .* the device is cpu: leave it out"):
        build_pretrained_prior(config, SIZE)
    with pytest.raises(InputError, match="for drawing pictures"):
        build_unet_prior(config, SIZE, "cuda")
    check_offload("sequential", "cuda")
    check_offload("none", "cpu")


def test_offloading_is_refused_before_a_run_and_where_not_only_pictures_are_drawn():
    def prior(**compute):
        return PretrainedPriorConfig(path="x", compute=ComputeConfig(**compute))

    offloaded, sampler = prior(offload="model"), DDIM(num_steps=2)
    with pytest.raises(InputError, match=r"offload=model moves models .* the device is cpu: leave"):
        check_compute(offloaded, sampler, "cpu")
    check_compute(offloaded, sampler, "cuda")
    with pytest.raises(InputError, match=r"offload is for drawing pictures: leave it out of views"):
        refuse_picture_switches(offloaded)
    with pytest.raises(InputError, match=r"offload is for drawing pictures: leave it out of tra"):
        refuse_offload(offloaded, "trainings")
    refuse_offload(prior(), "trainings")


def test_what_is_on_the_device_is_reckoned_for_each_way():
    text, net, control = nn.Linear(10, 10), nn.Sequential(*[nn.Linear(20, 20)] * 3), nn.Linear(5, 5)
    layers = nn.Sequential(nn.Linear(20, 20), nn.Linear(20, 30))
    assert num_bytes(control) == 4 * 30
    work = [Work((text,)), Work((layers,), 1000), Work((net,), 7)]
    sizes = {"text": 4 * 110, "layers": 4 * (420 + 630), "control": 4 * 30}
    whole = sum(map(num_bytes, (text, layers, net, control))) + 1000
    assert device_bytes(work, [control], "none") == whole
    assert device_bytes(work, [control], "model") == sizes["control"] + sizes["layers"] + 1000
    assert device_bytes(work, [control], "sequential") == 4 * 630 + 1000


def test_dry_run_says_the_memory_of_each_way(checkpoints):
    needs = {
        offload: pretrained_need(config_of(checkpoints["sdxl"], offload), SIZE, 1)
        for offload in ("none", "model", "sequential")
    }
    assert needs["none"].offloaded_bytes is None
    on_device = [needs[one].offloaded_bytes for one in ("sequential", "model")]
    assert on_device[0] < on_device[1] < needs["none"].peak_bytes
    assert needs["none"].activation_bytes < on_device[0]
    # The weights are all in the machine's memory; what is computed is not.
    kept = needs["model"]
    assert kept.peak_bytes == kept.weights_bytes + kept.reading_bytes < needs["none"].peak_bytes
