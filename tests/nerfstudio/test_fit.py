import json

import pytest
import torch

from common.media.images import read_picture
from tests.nerfstudio.conftest import FIT, ROOT, done, run, train
from tests.nerfstudio.object_dataset import CENTRE, cameras_round, displaced, lopsided
from threed.capture.posed_object import RADIUS_M, framed_cameras
from threed.measures.cloud_views import Frame
from threed.nerfstudio.checkpoint import read_checkpoint
from threed.nerfstudio.dataparser import read_dataparser_transform
from threed.nerfstudio.transforms import read_transforms
from threed.nerfstudio.voxel_checkpoint import trained_field
from threed.rendering.volume import render


def checkpoint(folder, step):
    return folder / "nerfstudio_models" / f"step-{step:09d}.ckpt"


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def test_fit_shows_the_pictures_that_were_held_out(place, fitted):
    run("ns-eval", "--load-config", str(fitted / "config.yml"), "--output-path", "eval.json",
        "--render-output-path", "eval", cwd=place)  # fmt: skip
    results = json.loads((place / "eval.json").read_text())["results"]
    assert results["psnr"] > 24  # 41 steps; the picture's own white is 8 dB
    assert results["ssim"] > 0.8
    assert results["opacity_error"] < 0.03
    pair = read_picture(place / "eval" / "eval_img_0000.png")
    assert pair.shape == (48, 96, 3)
    assert pair.std() > 10


def test_checkpoint_is_a_field_in_the_training_world(place, fitted):
    """Our renderer shows the held-out pictures with the dataset's own cameras, brought there."""
    posed = read_transforms(place / "object")
    moved = read_dataparser_transform(fitted, posed)
    assert torch.allclose(moved.turn, torch.eye(3, dtype=torch.float64), atol=1e-6)
    x, y, z = moved.shift.tolist()
    frame = Frame((-x, -z, y), RADIUS_M / moved.scale)  # +Z up to +Y up, by hand
    assert (torch.tensor(frame.centre) - torch.tensor(CENTRE)).norm() < 0.5
    field = trained_field(read_checkpoint(checkpoint(fitted, 40)))
    cameras = framed_cameras(displaced(cameras_round(5)), frame, RADIUS_M).to(torch.float32)
    error = render(field, cameras).rgba - render(lopsided(), cameras_round(5)).rgba
    assert -10 * error.square().mean().log10() > 24


def test_resumed_fit_ends_in_the_same_bits(place, fitted):
    again = train(
        place, "extrude", "resumed", *FIT, "--max-num-iterations", "20",
        "--load-checkpoint", str(checkpoint(fitted, 20)),
    )  # fmt: skip
    ends = [torch.load(checkpoint(one, 40), weights_only=True) for one in (fitted, again)]
    assert max(ends[0]["pipeline"]["_model.voxel_density"].shape) == 65  # cells have halved
    assert same(*ends)


def test_render_commands_draw_it(place, fitted):
    config = str(fitted / "config.yml")
    run("ns-render", "dataset", "--load-config", config, "--output-path", "renders",
        "--split", "test", "--rendered-output-names", "rgb", "accumulation", "depth",
        cwd=place)  # fmt: skip
    (first, _) = sorted((place / "renders" / "test" / "rgb").iterdir())
    picture = read_picture(first)
    assert picture.shape[:2] == (48, 48)
    assert picture.std() > 10


def test_convert_makes_a_mesh_of_it(place, fitted):
    told = [f"method.input={checkpoint(fitted, 40)}", "method.dataset=object",
            "method.meshing={num_cells: 32, num_pictures: 8, picture_px: 96, fit_steps: 0}",
            "method.texture_px=256", "turntable.num_frames=0"]  # fmt: skip
    run("python", str(ROOT / "run.py"), "threed/convert", *told, cwd=place)
    import trimesh

    (path,) = (place / "outputs/convert/latest/samples").glob("*.glb")
    low, high = trimesh.load(path, force="mesh").bounds
    # CENTRE and twice the field's body of radius 0.25, its arm to +x and its nose to +z
    assert low == pytest.approx([2.5, 0.5, -2.5], abs=0.15)
    assert high == pytest.approx([3.8, 1.5, -1.12], abs=0.15)


def test_dataset_that_is_none_is_refused_by_name(place):
    (place / "empty").mkdir()
    refused = done("ns-train", "extrude", "--data", "empty", "--vis", "tensorboard", cwd=place)
    assert refused.returncode != 0
    assert "transforms.json: there is no such file" in refused.stderr
