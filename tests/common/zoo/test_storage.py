import pytest
import torch
from torch import nn

from common.errors import InputError
from common.zoo.storage import check_requires, fill, load_model, read_manifest, save_model


def save(folder, weights, **changes):
    settings = {
        "kind": "autoencoder", "architecture": {"latent_channels": 4}, "requires": {},
        "figures": {"psnr": 31.0}, **changes,
    }  # fmt: skip
    return save_model(folder, "small", weights, "float32", **settings)


@pytest.fixture
def weights():
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(8, 8, generator=generator) for name in "abc"}


def test_saved_model_loads_equal(tmp_path, weights):
    manifest = save(tmp_path, weights)
    stored = load_model(tmp_path, "small", "autoencoder")
    assert stored.manifest == manifest == read_manifest(tmp_path, "small")
    assert all(torch.equal(stored.weights[name], weights[name]) for name in weights)


def test_shards_stay_below_the_limit_and_load_as_one(tmp_path, weights):
    manifest = save(tmp_path, weights, max_shard_bytes=600)
    assert len(manifest.shards) == 2
    loaded = load_model(tmp_path, "small", "autoencoder").weights
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)


def test_one_changed_bit_is_refused(tmp_path, weights):
    path = tmp_path / save(tmp_path, weights).shards[0].file
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="SHA-256"):
        load_model(tmp_path, "small", "autoencoder")


def test_missing_shard_and_missing_model_are_named(tmp_path, weights):
    (tmp_path / save(tmp_path, weights).shards[0].file).unlink()
    with pytest.raises(InputError, match=r"small-1-of-1\.safetensors"):
        load_model(tmp_path, "small", "autoencoder")
    with pytest.raises(InputError, match="no model other"):
        load_model(tmp_path, "other", "autoencoder")


def test_other_kind_is_refused(tmp_path, weights):
    save(tmp_path, weights)
    with pytest.raises(InputError, match="of kind autoencoder, not judge"):
        load_model(tmp_path, "small", "judge")


def test_damaged_manifest_is_refused(tmp_path, weights):
    save(tmp_path, weights)
    (tmp_path / "small.json").write_text('{"format": 1, "shards": []}', encoding="utf-8")
    with pytest.raises(InputError, match="describes no model"):
        load_model(tmp_path, "small", "autoencoder")


def test_identity_follows_weights_build_and_base_but_not_figures(tmp_path, weights):
    identity = save(tmp_path, weights).identity
    assert save(tmp_path, weights, figures={"psnr": 1.0}).identity == identity
    assert save(tmp_path, weights, architecture={"latent_channels": 8}).identity != identity
    assert save(tmp_path, weights, requires={"text": "00"}).identity != identity
    assert save(tmp_path, weights | {"a": weights["a"] + 1}).identity != identity


def test_model_on_another_base_is_refused(tmp_path, weights):
    manifest = save(tmp_path, weights, requires={"text_encoder": "a" * 64})
    check_requires(manifest, {"text_encoder": "a" * 64, "autoencoder": "c" * 64})
    with pytest.raises(InputError, match=r"aaaaaaaaaaaa.*bbbbbbbbbbbb"):
        check_requires(manifest, {"text_encoder": "b" * 64})
    with pytest.raises(InputError, match="at hand is none"):
        check_requires(manifest, {})


def test_weights_of_another_shape_are_refused(tmp_path):
    save(tmp_path, nn.Linear(3, 2).state_dict())
    stored = load_model(tmp_path, "small", "autoencoder")
    model = nn.Linear(3, 2)
    fill(model, stored)
    assert torch.equal(model.weight, stored.weights["weight"])
    with pytest.raises(InputError, match="do not fit"):
        fill(nn.Linear(4, 2), stored)
