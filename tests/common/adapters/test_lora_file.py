"""LoRA files: layouts, alphas, and what is refused."""

import json
import pickle

import pytest
import torch

from common.adapters.lora_file import read_lora
from common.errors import InputError
from tests.common.adapters.lora_files import write

A, B = torch.randn(2, 6), torch.randn(5, 2)
PEFT = {"unet.mid.to_q.lora_A.weight": A, "unet.mid.to_q.lora_B.weight": B}


def only(path):
    (layers,) = read_lora(path).values()
    (layer,) = layers
    return layer


@pytest.mark.parametrize(("tensors", "name", "joined"), [
    (PEFT, "mid.to_q", False),
    ({"unet.mid.to_q.lora_A.default.weight": A, "unet.mid.to_q.lora_B.default.weight": B},
     "mid.to_q", False),
    ({"unet.mid.to_q.lora_linear_layer.down.weight": A,
      "unet.mid.to_q.lora_linear_layer.up.weight": B}, "mid.to_q", False),
    ({"unet.mid.processor.to_q_lora.down.weight": A, "unet.mid.processor.to_q_lora.up.weight": B},
     "mid.to_q", False),
    ({"lora_unet_mid_to_q.lora_down.weight": A, "lora_unet_mid_to_q.lora_up.weight": B},
     "mid_to_q", True),
])  # fmt: skip
def test_layouts_say_the_same(tmp_path, tensors, name, joined):
    layer = only(write(tmp_path / "a.safetensors", tensors))
    assert (layer.name, layer.joined, layer.rank, layer.alpha) == (name, joined, 2, 2.0)
    assert torch.equal(layer.down, A)
    assert torch.equal(layer.up, B)


def test_old_text_encoders_are_named_by_their_processors(tmp_path):
    key = "text_encoder.encoder.layers.0.self_attn.to_out_lora"
    path = write(tmp_path / "a.safetensors", {f"{key}.down.weight": A, f"{key}.up.weight": B})
    assert only(path).name == "encoder.layers.0.self_attn.out_proj"


def test_alpha_is_the_tensors_then_the_metadatas_then_the_rank(tmp_path):
    kohya = {"lora_unet_m.lora_down.weight": A, "lora_unet_m.lora_up.weight": B}
    path = tmp_path / "a.safetensors"
    assert only(write(path, kohya | {"lora_unet_m.alpha": torch.tensor(3.0)})).alpha == 3
    settings = {"unet.lora_alpha": 8, "unet.alpha_pattern": {"to_k": 5}}
    stored = {"lora_adapter_metadata": json.dumps(settings)}
    assert only(write(path, PEFT, stored)).alpha == 8
    settings["unet.alpha_pattern"] = {"to_q": 5}
    assert only(write(path, PEFT, {"lora_adapter_metadata": json.dumps(settings)})).alpha == 5
    settings["unet.use_rslora"] = True
    stored = {"lora_adapter_metadata": json.dumps(settings)}
    assert only(write(path, PEFT, stored)).alpha == pytest.approx(5 * 2**0.5)
    assert only(write(path, PEFT, {"lora_adapter_metadata": "{broken"})).alpha == 2


@pytest.mark.parametrize(("tensors", "message"), [
    ({"unet.a.lora_A.weight": A}, "'a' has no up matrix"),
    ({"unet.a.lora_A.weight": A, "unet.a.lora_B.weight": torch.randn(5, 3)}, "its rank"),
    ({"unet.a.lora_A.weight": A * torch.nan, "unet.a.lora_B.weight": B}, "no numbers"),
    ({"lora_unet_a.hada_w1_a": A}, "is LoHa, which is not read"),
    ({"lora_unet_a.lokr_w1": A}, "is LoKr, which is not read"),
    ({"lora_unet_a.dora_scale": A}, "is DoRA, which is not read"),
    ({"conv_in.weight": A}, "no part of a LoRA"),
    ({"transformer.a.lora_A.weight": A}, "model of another family"),
    ({}, "holds no tensors"),
])  # fmt: skip
def test_other_files_are_refused_with_file_and_key(tmp_path, tensors, message):
    path = write(tmp_path / "other.safetensors", tensors)
    with pytest.raises(InputError, match=message) as refused:
        read_lora(path)
    assert "other.safetensors" in str(refused.value)


def test_pickles_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(InputError, match="is missing"):
        read_lora(path)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InputError, match="no safetensors"):
        read_lora(path)
    whole = write(tmp_path / "b.safetensors", PEFT).read_bytes()
    path.write_bytes(whole[:-7])
    with pytest.raises(InputError, match="or damaged"):
        read_lora(path)
