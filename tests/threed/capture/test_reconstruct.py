"""Posed pictures of a known object become an asset that shows pictures nobody fitted."""

import math

import pytest
import torch
import trimesh

from common.cameras import orbit_cameras
from common.cli.main import main
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.render import render
from common.kit.textured import textured_mesh
from common.report.json_report import read_record
from run import APPS
from threed.nerfstudio.transforms import write_transforms

SCALE, SHIFT = 4.0, torch.tensor([2.0, 1.0, -3.0])
"""The dataset's world: metres are quarters of its unit, and the object stands elsewhere."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A mug from twenty sides."""
    turns = [(i * 137.5) % 360 for i in range(20)]
    heights = [math.degrees(math.asin(-0.4 + 1.2 * (i + 0.5) / 20)) for i in range(20)]
    cameras = orbit_cameras(turns, heights, 3.0, 25.0, 64, 64)
    pictures = render(textured_mesh(instance(category_named("mug"), 3).parts), cameras)
    moved = cameras.w2c.clone()
    moved[:, :3, 3] = SCALE * cameras.w2c[:, :3, 3] - cameras.w2c[:, :3, :3] @ SHIFT
    placed = type(cameras)(moved.double(), cameras.intrinsics.double(), 64, 64)
    folder = tmp_path_factory.mktemp("data")
    return write_transforms(folder / "mug", placed, pictures.rgba).parent


@pytest.mark.parametrize(
    ("scene", "least_db"),
    [
        ("{name: gaussians, num_steps: 150, num_gaussians: 1000, max_gaussians: 1500}", 27.0),
        ("{name: voxel_nerf, num_steps: 60, num_cells: 32}", 24.0),
    ],
)
def test_dataset_becomes_an_asset(tmp_path, dataset, monkeypatch, capsys, scene, least_db):
    """Bounds are a few decibels below what was measured; a camera that is wrong leaves 15."""
    monkeypatch.chdir(tmp_path)
    code = main(
        ["threed/reconstruct", f"method.input={dataset}", f"method.scene={scene}",
         "method.meshing={num_cells: 32, fit_steps: 20}", "method.texture_px=256",
         "method.hold_out=5", "turntable.num_frames=4", "turntable.size_px=64", "num_threads=1",
         "seed=0"], APPS
    )  # fmt: skip
    said = capsys.readouterr()
    assert code == 0, said.err
    paths = [tmp_path / line for line in said.out.splitlines()]
    kinds = [path.suffix for path in paths]
    splats = [".ply", ".png"] if "gaussians" in scene else []
    assert kinds == [".glb", *splats, ".mp4", ".html"]
    (sample,) = read_record(paths[-1].parent).samples
    figures = sample.metrics
    assert figures["held_out/scene/psnr_db"] > least_db
    assert figures["held_out/mesh/psnr_db"] > least_db - 3
    assert figures["held_out/mesh/silhouette_iou"] > 0.93
    # it stands where the dataset has it, as large as it is there
    box = trimesh.load_mesh(paths[0]).bounds
    truth = textured_mesh(instance(category_named("mug"), 3).parts).vertices * SCALE + SHIFT
    expected = torch.stack([truth.amin(0), truth.amax(0)])
    assert torch.allclose(torch.tensor(box).float(), expected, atol=0.05 * SCALE)


def test_dataset_that_is_not_there_is_refused_before_a_run_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["threed/reconstruct", "method.input=nowhere"], APPS) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert not (tmp_path / "outputs").exists()
