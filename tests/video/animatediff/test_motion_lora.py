"""Motion LoRAs and the domain adapter, in every layout they are found in."""

import copy

import pytest
import safetensors.torch
import torch

from common.adapters.lora_merge import merge_loras
from common.diffusion.lifted_unet import LiftedUNet, UNetInputs
from common.errors import InputError
from tests.video.animatediff.small_adapter import adapter, unet
from tests.video.animatediff.test_motion_file import original_of
from video.animatediff.motion_file import read_motion
from video.animatediff.motion_keys import original_key
from video.animatediff.motion_layers import frame_layers_of
from video.animatediff.motion_lora import domain_lora, with_motion_loras
from video.motion_config import MotionLora

RANK = 4
PROJECTIONS = ("to_q", "to_k", "to_v", "to_out.0")


def changes(weights, seed=0):
    """Random matrices for every projection of ``weights``: name of the weight to (down, up)."""
    generator = torch.Generator().manual_seed(seed)
    names = [key for key in weights
             if any(key.endswith(f".{one}.weight") for one in PROJECTIONS)]  # fmt: skip
    return {
        name: (
            0.1 * torch.randn(RANK, weights[name].shape[1], generator=generator),
            0.1 * torch.randn(weights[name].shape[0], RANK, generator=generator),
        )
        for name in names
    }


def stored(found, layout):
    """The same changes as a file of a layout has them."""
    tensors = {}
    for name, (down, up) in found.items():
        layer, _, projection = (
            name.removesuffix(".weight").replace("to_out.0", "to_out").rpartition(".")
        )
        dotted = name.removesuffix(".weight")
        if layout == "original":
            inner = original_key(f"{layer}.to_q.weight").removesuffix(".to_q.weight")
            names = [
                f"{inner}.processor.{projection}_lora.{role}.weight" for role in ("down", "up")
            ]
        elif layout == "old":
            names = [f"unet.{layer}.processor.{projection}_lora.{role}.weight"
                     for role in ("down", "up")]  # fmt: skip
        else:
            names = [f"unet.{dotted}.lora_{role}.weight" for role in "AB"]
        tensors |= dict(zip(names, (down.clone(), up.clone()), strict=True))
    return tensors


@pytest.fixture
def module(tmp_path):
    """A motion module, its weights and its file, with a middle block or without."""

    def module(middle=False):
        made = adapter(middle)
        path = tmp_path / f"mm{middle}.safetensors"
        safetensors.torch.save_file(original_of(made, 32), path)
        return made, read_motion(path)

    return module


def file_of(tmp_path, found, layout, suffix=".safetensors"):
    path = tmp_path / f"{layout}{suffix}"
    tensors = stored(found, layout)
    if suffix == ".safetensors":
        safetensors.torch.save_file(tensors, path)
    else:
        torch.save({"state_dict": {f"module.{key}": value for key, value in tensors.items()}}, path)
    return path


@pytest.mark.parametrize(("layout", "suffix"), [
    ("original", ".safetensors"), ("original", ".ckpt"), ("old", ".safetensors"),
    ("peft", ".safetensors"),
])  # fmt: skip
def test_every_layout_is_the_same_change(tmp_path, module, layout, suffix):
    _, checkpoint = module()
    found = changes(checkpoint.weights)
    lora = MotionLora(path=file_of(tmp_path, found, layout, suffix), scale=0.7)

    changed, notes = with_motion_loras(checkpoint, [lora])

    assert notes == []
    for name, weight in checkpoint.weights.items():
        expected = weight
        if name in found:
            down, up = (part.double() for part in found[name])
            expected = (weight.double() + 0.7 * up @ down).float()
        assert torch.equal(changed.weights[name], expected), name


def test_scale_zero_is_the_module_to_the_bit_and_changes_add_up(tmp_path, module):
    _, checkpoint = module()
    path = file_of(tmp_path, changes(checkpoint.weights), "original")
    none, _ = with_motion_loras(checkpoint, [MotionLora(path=path, scale=0.0)])
    assert all(torch.equal(none.weights[k], v) for k, v in checkpoint.weights.items())
    twice, _ = with_motion_loras(checkpoint, [MotionLora(path=path, scale=0.5)] * 2)
    once, _ = with_motion_loras(checkpoint, [MotionLora(path=path)])
    for name, weight in once.weights.items():
        torch.testing.assert_close(twice.weights[name], weight, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [0.5, 1.0, -1.0])
def test_clip_is_that_of_diffusers_with_the_same_lora(tmp_path, module, scale):
    from diffusers import UNetMotionModel

    made, checkpoint = module()
    flat, found = unet(), changes(checkpoint.weights)
    theirs = UNetMotionModel.from_unet2d(copy.deepcopy(flat), made).eval()
    theirs.load_lora_adapter(stored(found, "peft"), prefix="unet", adapter_name="moves")
    theirs.set_adapters("moves", scale)
    lora = MotionLora(path=file_of(tmp_path, found, "original"), scale=scale)
    layers = frame_layers_of(with_motion_loras(checkpoint, [lora])[0], flat, "joint")
    generator = torch.Generator().manual_seed(2)
    clip = torch.randn(1, 4, 5, 8, 8, generator=generator)
    states = torch.randn(1, 3, 16, generator=generator).repeat(5, 1, 1)

    with torch.no_grad():
        expected = theirs(clip, 300.0, states).sample
        ours = LiftedUNet(flat, layers)(clip, torch.full((1, 5), 300.0), UNetInputs(states))
        plain = LiftedUNet(flat, frame_layers_of(checkpoint, flat, "joint"))(
            clip, torch.full((1, 5), 300.0), UNetInputs(states)
        )

    # float32 through the whole network, values about 1.
    torch.testing.assert_close(ours, expected, rtol=0, atol=2e-5)
    assert float((ours - plain).abs().max()) > 1e-2


def test_middle_block_of_version_2_is_left_out_loudly(tmp_path, module):
    _, with_middle = module(middle=True)
    _, without = module()
    found = changes(with_middle.weights)
    changed, notes = with_motion_loras(
        without, [MotionLora(path=file_of(tmp_path, found, "original"))]
    )
    middle = sum(name.startswith("mid_block") for name in found)
    assert middle > 0
    assert f"changes {middle} weights of the middle block" in notes[0]
    assert changed.weights.keys() == without.weights.keys()


def test_domain_adapter_changes_the_unet(tmp_path):
    flat = unet()
    spatial = changes({k: v for k, v in flat.state_dict().items() if ".attn" in k}, seed=3)
    path = tmp_path / "adapter.ckpt"
    tensors = {key.removeprefix("unet."): value for key, value in stored(spatial, "old").items()}
    torch.save({"state_dict": tensors}, path)
    before = copy.deepcopy(flat.state_dict())

    merge_loras({"unet": flat}, [domain_lora(MotionLora(path=path, scale=0.5))])

    for name, weight in flat.state_dict().items():
        expected = before[name]
        if name in spatial:
            down, up = spatial[name]
            expected = expected + 0.5 * up @ down
        torch.testing.assert_close(weight, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("make", "message"), [
    (lambda f: {"a.b.weight": torch.zeros(2, 2)}, "is no part of a LoRA"),
    (lambda f: dict(list(stored(f, "original").items())[:1]), "has one matrix"),
    (lambda f: {k: v.double() / 0 for k, v in stored(f, "original").items()}, "no numbers"),
    (lambda f: {k: v[:, :1].clone() if ".down." in k else v
                for k, v in stored(f, "original").items()}, "it is for another family"),
    (lambda f: {k.replace("motion_modules", "attentions"): v for k, v in stored(f, "old").items()},
     "which is no motion module"),
    (lambda f: {k.replace("blocks.0.", "blocks.7."): v for k, v in stored(f, "old").items()},
     "are not in these motion modules"),
    (lambda f: {}, "holds no tensors"),
])  # fmt: skip
def test_wrong_files_are_refused_by_name(tmp_path, module, make, message):
    _, checkpoint = module()
    path = tmp_path / "wrong.safetensors"
    safetensors.torch.save_file(make(changes(checkpoint.weights)), path)
    with pytest.raises(InputError, match=message) as refused:
        with_motion_loras(checkpoint, [MotionLora(path=path)])
    assert str(path) in str(refused.value)


def test_motion_lora_is_no_domain_adapter(tmp_path, module):
    _, checkpoint = module()
    path = file_of(tmp_path, changes(checkpoint.weights), "original")
    with pytest.raises(InputError, match=r"put it under method\.motion\.loras"):
        domain_lora(MotionLora(path=path))
