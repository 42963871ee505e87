"""What cannot be: one line and exit code 2, in every way from a prompt to an asset."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from common.cli.main import main
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.threed.real_meshes import mesh_file

SMALL = ("prompt=a red mug", "turntable.num_frames=0", "num_threads=1", "device=cpu")
DISTILLED = ("method.views={num_views: 2, size_px: 64}", "method.num_steps=2",
             "method.num_pictures=4", "method.texture_px=256",
             "method.scene.num_cells=16")  # fmt: skip
PRESETS = {
    "threed/sjc_voxel_nerf": DISTILLED,
    "threed/edit_3d": (*DISTILLED, f"method.start.input={mesh_file('spot')}",
                       "method.start.fit_steps=2", "method.start.picture_px=32"),
    "threed/text_to_3d": ("method.size_px=64", "method.sampler.num_steps=2"),
    "threed/texture": (f"method.input={mesh_file('spot')}", "method.size_px=64"),
}  # fmt: skip


@pytest.fixture
def make(tmp_path, monkeypatch, capsys):
    """Run a preset: exit code and messages."""
    monkeypatch.chdir(tmp_path)

    def make(preset, *changes):
        code = main([preset, *SMALL, *PRESETS[preset], *changes], APPS)
        said = capsys.readouterr()
        return code, said.out + said.err

    return make


def last_line(said: str) -> str:
    return said.strip().splitlines()[-1]


@pytest.mark.parametrize("preset", PRESETS)
def test_damaged_models_are_refused(make, tmp_path, lifting_models, preset):  # noqa: F811
    folder = tmp_path / "damaged"
    shutil.copytree(lifting_models, folder)
    shard = next(folder.glob("*image_unet*.safetensors"))
    data = bytearray(shard.read_bytes())
    data[-1] ^= 0xFF
    shard.write_bytes(data)
    code, said = make(preset, f"prior.models_dir={folder}", "method.controls=[]"
                      if preset == "threed/texture" else "seed=0")  # fmt: skip
    assert code == 2, said
    assert "damaged" in last_line(said)
    assert "Traceback" not in said


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize(("preset", "part"), [
    ("threed/sjc_voxel_nerf", "unet"), ("threed/edit_3d", "vae"),
])  # fmt: skip
def test_nan_in_a_checkpoint_is_named(make, tmp_path, checkpoints, preset, part):  # noqa: F811
    folder = tmp_path / "sd15"
    shutil.copytree(checkpoints["sd15"], folder)
    (path,) = (folder / part).glob("*.safetensors")
    tensors = load_file(path)
    name = next(key for key in sorted(tensors) if "decoder" in key or part == "unet")
    tensors[name].view(-1)[0] = torch.nan
    save_file(tensors, path, metadata={"format": "pt"})
    code, said = make(preset, f"prior={{name: pretrained, path: {folder}}}")
    assert code == 2, said
    assert f"'{name}'" in last_line(said)
    assert "not finite" in last_line(said)
    assert not (tmp_path / "outputs").exists() or not list(tmp_path.rglob("*.glb"))


@pytest.mark.parametrize("preset", PRESETS)
def test_prompt_outside_the_domain_is_said_before_the_start(make, preset):
    """By the models that are shipped: untrained ones know no prompt from another."""
    outside, within = (make(preset, f"prompt={prompt}", "--dry-run")
                       for prompt in ("constitutional monarchy", "a red mug"))  # fmt: skip
    assert (outside[0], within[0]) == (0, 0), outside[1] + within[1]
    (note,) = [line for line in outside[1].splitlines() if "outside of what" in line]
    assert note.startswith("note: ")
    assert "outside of what" not in within[1]
