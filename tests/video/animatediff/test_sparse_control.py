"""SparseCtrl: against diffusers' network at equal weights, both layouts, wrong files."""

import json
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from einops import rearrange, repeat

from common.cli.main import main
from common.diffusion.lifted_unet import UNetInputs
from common.errors import InputError
from common.media.images import read_picture, write_picture
from run import APPS
from tests.common.pretrained.tiny_pipelines import SIZE
from tests.video.animatediff.small_adapter import unet
from video.animatediff.motion_file import position_tables
from video.animatediff.motion_keys import is_position_table, to_original
from video.animatediff.sparse_control import SparseControl, build_sparse, with_sparse_controls
from video.animatediff.sparse_file import (
    read_sparse,
    write_sparse_folder,
    write_sparse_original,
)

KINDS = ("rgb", "scribble")
FRAMES = 5


def diffusers_model(kind):
    from diffusers import SparseControlNetModel

    with torch.random.fork_rng():
        torch.random.manual_seed(3)
        made = SparseControlNetModel(
            in_channels=4, conditioning_channels=4 if kind == "rgb" else 3,
            block_out_channels=(32, 64, 64, 96), layers_per_block=2, cross_attention_dim=16,
            attention_head_dim=8, use_simplified_condition_embedding=kind == "rgb",
        )  # fmt: skip
        for weight in made.parameters():  # also where training starts from zero
            torch.nn.init.normal_(weight, std=0.05)
    return made.eval()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Encoders as diffusers stores them, by kind."""
    root = tmp_path_factory.mktemp("sparse")
    for kind in KINDS:
        diffusers_model(kind).save_pretrained(root / kind)
    return root


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_features_are_those_of_diffusers(folders, kind):
    theirs, checkpoint = diffusers_model(kind), read_sparse(folders / kind)
    assert checkpoint.kind == kind
    generator = torch.Generator().manual_seed(1)
    side, channels = (8, 4) if kind == "rgb" else (64, 3)
    pictures = torch.rand(2, channels, side, side, generator=generator)
    control = SparseControl(
        *build_sparse(checkpoint, unet(), "joint"), kind, {0: pictures[0], 3: pictures[1]}, 0.7
    )
    states = torch.randn(2, 3, 16, generator=generator)
    latents, times = torch.randn(2, 4, FRAMES, 8, 8, generator=generator), torch.tensor([300.0])

    condition = torch.zeros(2, channels, FRAMES, side, side)
    condition[:, :, 0], condition[:, :, 3] = pictures[0], pictures[1]
    mask = torch.zeros(2, 1, FRAMES, side, side)
    mask[:, :, [0, 3]] = 1
    rows = repeat(states, "b l d -> (b f) l d", f=FRAMES)
    down, middle = theirs(
        latents, times, rows, condition, conditioning_scale=0.7, conditioning_mask=mask,
        return_dict=False,
    )  # fmt: skip

    flat = times.expand(2 * FRAMES)
    made = with_sparse_controls(
        [control], UNetInputs(rows), latents, flat, flat / 999, torch.arange(FRAMES)
    )
    # float32 through half a network, values about 1.
    for found, expected in zip((*made.down, made.middle), (*down, middle), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert max(float(one.abs().max()) for one in made.down) > 0.1

    twice = with_sparse_controls(
        [control], made, latents, flat, flat / 999, torch.arange(FRAMES)
    )  # several add up
    torch.testing.assert_close(twice.middle, 2 * made.middle)
    outside = SparseControl(control.model, control.layers, kind, control.shown, 0.7, (0.0, 0.2))
    idle = with_sparse_controls(
        [outside], UNetInputs(rows), latents, flat, flat / 999, torch.arange(FRAMES)
    )
    assert idle.down is None


def test_windows_see_their_own_key_frames(folders):
    pictures = torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    control = SparseControl(
        *build_sparse(read_sparse(folders / "rgb"), unet()), "rgb", {2: pictures[0], 9: pictures[1]}
    )
    found = control.condition(torch.tensor([8, 9, 0, 1, 2]))
    assert found.shape == (5, 5, 8, 8)
    assert torch.equal(found[1, :4], pictures[1])
    assert torch.equal(found[4, :4], pictures[0])
    assert found[:, 4].amax((1, 2)).tolist() == [0, 1, 0, 0, 1]
    assert not found[[0, 2, 3]].any()


@pytest.mark.parametrize("kind", KINDS)
def test_both_layouts_hold_the_same_weights(folders, tmp_path, kind):
    """diffusers' folder, to the original's file, read wrapped as released, and back."""
    from diffusers import SparseControlNetModel

    first = read_sparse(folders / kind)
    write_sparse_original(first, tmp_path / "original.safetensors")
    stored = safetensors.torch.load_file(tmp_path / "original.safetensors")
    moving = {key: value for key, value in first.weights.items() if ".motion_modules." in key}
    named = to_original(moving)
    expected = set(named) | set(position_tables(named, 32)) | (set(first.weights) - set(moving))
    assert set(stored) == expected
    assert not any("attention_blocks.1." in key for key in stored), "one attention a block"
    torch.save({"controlnet": {f"module.{k}": v for k, v in stored.items()}}, tmp_path / "o.ckpt")
    second = read_sparse(tmp_path / "o.ckpt")
    write_sparse_folder(second, tmp_path / "folder")

    given = safetensors.torch.load_file(folders / kind / "diffusion_pytorch_model.safetensors")
    back = safetensors.torch.load_file(tmp_path / "folder/diffusion_pytorch_model.safetensors")
    assert back.keys() == given.keys()
    for key, value in given.items():
        if is_position_table(key):  # a formula, in float32 of another order
            torch.testing.assert_close(back[key], value, rtol=0, atol=1e-5)
        else:
            assert torch.equal(back[key], value), key
    loaded = SparseControlNetModel.from_pretrained(tmp_path / "folder")
    assert loaded.config.use_simplified_condition_embedding is (kind == "rgb")
    assert tuple(loaded.config.block_out_channels) == (32, 64, 64, 96)


def test_wrong_files_are_refused(folders, modules, tmp_path):
    with pytest.raises(InputError, match="is no SparseCtrl encoder"):
        read_sparse(modules["v3"][1])
    flat = {key: value for key, value in read_sparse(folders / "rgb").weights.items()
            if ".motion_modules." not in key}  # fmt: skip
    safetensors.torch.save_file(flat, tmp_path / "flat.safetensors")
    with pytest.raises(InputError, match="it is a ControlNet of pictures"):
        read_sparse(tmp_path / "flat.safetensors")
    shutil.copytree(folders / "rgb", tmp_path / "other")
    config = tmp_path / "other/config.json"
    config.write_text(json.dumps({"_class_name": "UNet2DConditionModel"}))
    safetensors.torch.save_file(
        {"conv_in.weight": torch.zeros(1)}, tmp_path / "other/diffusion_pytorch_model.safetensors"
    )
    with pytest.raises(InputError, match="is UNet2DConditionModel; a SparseCtrl encoder"):
        read_sparse(tmp_path / "other")
    short = read_sparse(folders / "rgb")
    del short.weights["conv_in.bias"]
    with pytest.raises(InputError, match=r"SparseCtrl rgb.*missing.*conv_in.bias"):
        build_sparse(short, unet())
    with pytest.raises(InputError, match="do not fit"):
        build_sparse(read_sparse(folders / "rgb"), unet(levels=3))


def test_a_clip_is_drawn_through_its_key_frames(
    checkpoint, modules, folders, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "a.png", np.full((*SIZE, 3), 200, np.uint8))

    def draw(name, *changes, frames=(1,), kind="rgb"):
        keys = [{"frame": frame, "input": "a.png"} for frame in frames]
        sparse = [{"path": str(folders / kind), "key_frames": keys}] if frames else []
        method = {"name": "text_to_video", "num_frames": 3, "height": SIZE[0], "width": SIZE[1],
                  "motion": {"path": str(modules["v3"][1]), "sparse_controls": sparse}}  # fmt: skip
        arguments = [
            "video/animatediff_sd15", f"prior.path={checkpoint}", f"method={json.dumps(method)}",
            "sampler.num_steps=1", "export.formats=[png]", f"name={name}", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    def pictures(paths):
        first = next(p for p in paths if p.parent.name == "000_frames")
        shown = [read_picture(path) for path in sorted(first.parent.glob("*.png"))]
        return rearrange(np.stack(shown).astype(int), "f h w c -> f h w c")

    code, paths, said = draw("plain", frames=())
    assert code == 0, said
    plain = pictures(paths)
    for kind in KINDS:
        code, paths, said = draw(kind, kind=kind)
        assert code == 0, said
        assert np.abs(pictures(paths) - plain).max() > 0, kind
    code, paths, said = draw("late", frames=(3,))
    assert (code, paths) == (2, [])
    assert "key frame 3 of motion.sparse_controls is none of the clip's 3 frames" in said
    code, paths, said = draw("twice", frames=(1, 1))
    assert code == 2
    assert "frame 1 is given twice" in said
