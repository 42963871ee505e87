import json

import pytest
import safetensors.torch
import torch

from common.diffusion.lifted_unet import LiftedUNet, UNetInputs
from common.errors import InputError
from tests.video.animatediff.small_adapter import adapter, unet
from video.animatediff.motion_family import family_of
from video.animatediff.motion_file import read_motion, write_adapter, write_original
from video.animatediff.motion_keys import (
    from_hotshot,
    to_hotshot,
    to_original,
)
from video.animatediff.motion_layers import frame_layers_of

FAMILIES = [("v1", False, 4, 24), ("v2", True, 4, 32), ("v3", False, 4, 32),
            ("sdxl_beta", False, 3, 32), ("hotshot_xl", False, 3, 24)]  # fmt: skip


def original_of(made, length):
    """A file as AnimateDiff stores it: its own names, a sinusoid for each attention."""
    weights = to_original(made.state_dict())
    for key in [key for key in weights if key.endswith("to_q.weight")]:
        block = key.split(".temporal_transformer.")[0] + ".transformer_blocks.0.pos_embed.pe"
        weights[key.removesuffix("to_q.weight") + "pos_encoder.pe"] = made.state_dict()[block]
    return {key: value.clone() for key, value in weights.items()}


@pytest.mark.parametrize(("name", "middle", "levels", "length"), FAMILIES)
def test_family_and_weights_survive_both_layouts(tmp_path, name, middle, levels, length):
    made = adapter(middle, levels, length)
    path = tmp_path / "mm.safetensors"
    given = original_of(made, length)
    if name == "hotshot_xl":
        given = {to_hotshot(key): value for key, value in given.items()}
    safetensors.torch.save_file(given, path)

    first = read_motion(path)
    write_adapter(first, tmp_path / "adapter")
    second = read_motion(tmp_path / "adapter")
    write_original(second, tmp_path / "back.safetensors")

    assert first.family.name == second.family.name == name
    assert first.family.num_stored == length
    back, given = (safetensors.torch.load_file(p) for p in (tmp_path / "back.safetensors", path))
    assert back.keys() == given.keys()
    for key, value in given.items():
        assert torch.equal(back[key], value), key


def test_names_of_hotshot_are_those_of_its_own_network():
    """As its network registers them; what has no place in it is refused."""
    rest = "transformer_blocks.0.attention_blocks.1"
    pairs = {
        f"up_blocks.2.temporal_attentions.1.{rest}.to_out.0.bias":
            f"up_blocks.2.motion_modules.1.temporal_transformer.{rest}.to_out.0.bias",
        f"down_blocks.0.temporal_attentions.0.{rest}.pos_encoder.positional_encoding":
            f"down_blocks.0.motion_modules.0.temporal_transformer.{rest}.pos_encoder.pe",
    }  # fmt: skip
    for hotshot, original in pairs.items():
        assert to_hotshot(original) == hotshot
        assert from_hotshot(hotshot).replace("positional_encoding", "pe") == original
    middle = "mid_block.motion_modules.0.temporal_transformer.norm.weight"
    with pytest.raises(InputError, match="no place in a HotshotXL"):
        to_hotshot(middle)
    with pytest.raises(InputError, match="no weight of a HotshotXL"):
        from_hotshot("mid_block.temporal_attentions.0.norm.weight")


@pytest.mark.parametrize("middle", [False, True])
def test_written_folder_is_diffusers_adapter(tmp_path, middle):
    from diffusers import MotionAdapter

    made = adapter(middle)
    safetensors.torch.save_file(original_of(made, 32), tmp_path / "mm.safetensors")
    write_adapter(read_motion(tmp_path / "mm.safetensors"), tmp_path / "adapter")

    loaded = MotionAdapter.from_pretrained(tmp_path / "adapter")

    for key, value in made.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], value, rtol=0, atol=1e-5)
    config = json.loads((tmp_path / "adapter" / "config.json").read_text())
    assert config["use_motion_mid_block"] is middle


@pytest.mark.parametrize("middle", [False, True])
def test_lifted_unet_with_a_read_file_is_diffusers_motion_unet(tmp_path, middle):
    from diffusers import UNetMotionModel

    made, flat = adapter(middle), unet()
    theirs = UNetMotionModel.from_unet2d(flat, made).eval()
    safetensors.torch.save_file(original_of(made, 32), tmp_path / "mm.safetensors")
    layers = frame_layers_of(read_motion(tmp_path / "mm.safetensors"), flat)
    joint = layers.sizes.transformer.model_copy(update={"norm_over": "joint"})
    for transformer in (t for _, t in layers.places(flat)):
        transformer.sizes = joint  # diffusers' norm spans all frames
    generator = torch.Generator().manual_seed(2)
    clip = torch.randn(1, 4, 5, 8, 8, generator=generator)
    states = torch.randn(1, 3, 16, generator=generator).repeat(5, 1, 1)

    with torch.no_grad():
        expected = theirs(clip, 300.0, states).sample
        found = LiftedUNet(flat, layers)(clip, torch.full((1, 5), 300.0), UNetInputs(states))

    # float32 through the whole network, values about 1.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("suffix", [".ckpt", ".pth"])
def test_wrapped_torch_files_are_read_without_running_code(tmp_path, suffix):
    weights = original_of(adapter(), 32)
    path = tmp_path / f"mm{suffix}"
    wrapped = {f"module.{key}": value for key, value in weights.items()}
    torch.save({"state_dict": wrapped, "epoch": 3}, path)
    assert read_motion(path).family.name == "v3"


class Evil:
    def __reduce__(self):
        return (print, ("ran",))


def test_torch_file_with_code_is_refused(tmp_path, capsys):
    path = tmp_path / "mm.ckpt"
    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(InputError, match="more than weights"):
        read_motion(path)
    assert capsys.readouterr().out == ""


def test_truncated_and_missing_files_are_refused(tmp_path):
    path = tmp_path / "mm.safetensors"
    safetensors.torch.save_file(original_of(adapter(), 32), path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="cannot be read"):
        read_motion(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_motion(tmp_path / "none.safetensors")


@pytest.mark.parametrize(("key", "kind"), [
    ("controlnet_cond_embedding.conv_in.weight", "SparseCtrl"),
    ("down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0"
     ".processor.to_q_lora.down.weight", "LoRA"),
    ("down_blocks.0.resnets.0.norm1.weight", "no motion module"),
])  # fmt: skip
def test_other_kinds_of_checkpoint_are_named(key, kind):
    with pytest.raises(InputError, match=kind):
        family_of({key: torch.zeros(1)})


def test_odd_sinusoid_is_refused():
    key = ("down_blocks.3.motion_modules.0.temporal_transformer.transformer_blocks.0."
           "attention_blocks.0.pos_encoder.pe")  # fmt: skip
    with pytest.raises(InputError, match=r"sinusoids of \[16\] frames"):
        family_of({key: torch.zeros(1, 16, 32)})


def test_missing_and_extra_weights_are_named(tmp_path):
    weights = original_of(adapter(), 32)
    dropped = "up_blocks.1.motion_modules.0.temporal_transformer.proj_out.bias"
    del weights[dropped]
    path = tmp_path / "mm.safetensors"
    safetensors.torch.save_file(weights, path)
    with pytest.raises(InputError, match=r"missing.*up_blocks.1.motion_modules.0.proj_out.bias"):
        frame_layers_of(read_motion(path), unet())


def test_checkpoint_of_another_unet_is_refused(tmp_path):
    path = tmp_path / "mm.safetensors"
    safetensors.torch.save_file(original_of(adapter(levels=3), 32), path)
    with pytest.raises(InputError, match="of 3 levels, this one has 4"):
        frame_layers_of(read_motion(path), unet())
