"""Gaussians from any file to any other, through the command line."""

from itertools import product

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.errors import InputError
from common.report.json_report import read_record
from run import APPS
from tests.threed.nerfstudio.test_checkpoints import gauss_params, saved
from tests.threed.splats.clouds import CAMERAS, cloud_of, psnr
from tests.threed.splats.test_files import bounded
from threed.convert import Convert
from threed.measures.cloud_views import cloud_back, cloud_pictures, frame_of
from threed.nerfstudio.transforms import load_pictures, read_transforms
from threed.rendering.gaussians import render
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.files import read_splats, write_splats

FORMATS = ("ply", "splat", "spz", "glb")
LEAST_DB = {"ply": 60.0, "glb": 60.0, "spz": 36.0, "splat": 36.0}
"""What a file keeps of bodies of degree 0; lossless ones by far over the bar of 45 dB."""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def convert(path, *changes):
        code = main(["threed/convert", f"method.input={path}", *changes], APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return convert


@pytest.mark.parametrize(("source", "target"), list(product(FORMATS, FORMATS)))
def test_every_format_becomes_every_other(tmp_path, source, target):
    """Axes, bodies and colours: pictures before and after."""
    cloud, first = bounded(degree=0), tmp_path / f"a.{source}"
    write_splats(first, cloud)
    given = Convert(input=first).make()
    assert given.mesh is None
    write_splats(tmp_path / f"b.{target}", given.cloud)
    back = read_splats(tmp_path / f"b.{target}")
    least = min(LEAST_DB[source], LEAST_DB[target]) - 3.0  # two losses add up
    assert psnr(back, cloud) > least
    mirrored = GaussianCloud(cloud.means * torch.tensor([1.0, -1, -1]), cloud.log_scales,
                             cloud.quaternions, cloud.opacity_logits, cloud.sh)  # fmt: skip
    assert psnr(mirrored, cloud) < least - 10  # what a forgotten turn of axes would leave


def test_run_writes_all_formats_and_states_losses_in_decibels(tmp_path, run):
    write_splats(tmp_path / "scene.ply", bounded())
    code, paths, said = run("scene.ply", "export.splats=[ply,splat,spz,glb]")
    assert code == 0, said
    names = [path.name for path in paths]
    assert names == ["scene.ply", "scene.splat", "scene.spz", "scene.glb", "scene.png",
                     "scene.mp4", "report.html"]  # fmt: skip
    (sample,) = read_record(paths[-1].parent).samples
    found = {kind: sample.metrics[f"render_back/splats.{kind}/psnr_db"] for kind in FORMATS}
    assert found["ply"] > 80
    assert found["glb"] > 80
    assert 30 < found["spz"] < 60
    assert found["splat"] < found["spz"]  # harmonics of degree 3 are gone
    assert f"degree 3) become constant (pictures agree to {found['splat']:.1f} dB)" in said
    report = paths[-1].read_text()
    assert "a Release Candidate" in report
    assert "Files of Gaussians" in report


def test_stated_axes_and_up_and_fit_are_followed(tmp_path):
    cloud = bounded(degree=2)
    path = tmp_path / "unity.ply"
    write_splats(path, cloud, "RUF")
    assert psnr(Convert(input=path, axes="RUF").make().cloud, cloud) > 60
    upright = Convert(input=path, axes="RUF", up="+z", fit=2.0).make().cloud
    extents = upright.means.amax(0) - upright.means.amin(0)
    assert float(extents.max()) == pytest.approx(2.0, rel=1e-5)
    # the file's z points up, so it is our y
    before = cloud.means[:, 2] - cloud.means[:, 2].min()
    after = upright.means[:, 1] - upright.means[:, 1].min()
    torch.testing.assert_close(after / after.max(), before / before.max(), atol=1e-5, rtol=0)


def body() -> GaussianCloud:
    """An opaque red ball with a blue cap on top and a green nose in front."""
    points = torch.randn(900, 3, generator=torch.Generator().manual_seed(0))
    points = 0.4 * torch.nn.functional.normalize(points, dim=1)
    colour = torch.tensor([0.9, 0.1, 0.1]).repeat(900, 1)
    colour[points[:, 1] > 0.2] = torch.tensor([0.1, 0.1, 0.9])
    colour[points[:, 2] > 0.3] = torch.tensor([0.1, 0.9, 0.1])
    quaternions = torch.zeros(900, 4)
    quaternions[:, 0] = 1
    sh = ((colour - 0.5) / 0.28209479)[:, None]
    return GaussianCloud(
        points, torch.full((900, 3), -3.4), quaternions, torch.full((900,), 4.0), sh
    )


def test_gaussians_become_a_mesh_that_shows_them(tmp_path, run):
    cloud = body()
    moved = GaussianCloud(10 * cloud.means + 100, cloud.log_scales + np.log(10), cloud.quaternions,
                          cloud.opacity_logits, cloud.sh)  # fmt: skip
    write_splats(tmp_path / "ball.spz", moved)
    code, paths, said = run(
        "ball.spz", "method.meshing={num_cells: 32, num_pictures: 8, picture_px: 128}",
        "method.texture_px=256", "method.max_faces=2000", "export.formats=[obj]",
        "export.dataset_views=3", "export.dataset_px=64",
    )  # fmt: skip
    assert code == 0, said
    names = [path.name for path in paths]
    assert names == ["ball.glb", "ball.obj", "ball_splats.ply", "ball_splats.png",
                     "ball.mp4", "transforms.json", "report.html"]  # fmt: skip
    mesh = Convert(input=paths[0]).make().mesh
    assert len(mesh.faces) <= 2000
    assert np.allclose(mesh.bounds.mean(axis=0), 100, atol=0.3)
    # the shell's middle is 4 m from the centre, a deviation is 0.33 m: half opaque two of them out
    assert np.allclose(mesh.extents, 9.3, atol=0.4)
    colours = mesh.visual.to_color().vertex_colors[:, :3] / 255
    place = (mesh.vertices - 100) / 10
    assert np.allclose(np.median(colours[place[:, 1] > 0.33], 0), [0.1, 0.1, 0.9], atol=0.1)
    assert np.allclose(np.median(colours[place[:, 2] > 0.38], 0), [0.1, 0.9, 0.1], atol=0.1)
    assert np.allclose(np.median(colours[place[:, 2] < -0.3], 0), [0.9, 0.1, 0.1], atol=0.1)
    # the dataset's cameras see the mesh where its pictures show it
    posed = read_transforms(paths[5])
    shown = load_pictures(posed)
    near = render(moved, posed.cameras.to(torch.float32)).rgba
    both = (shown[..., 3] > 0.5) & (near[..., 3] > 0.5)
    either = (shown[..., 3] > 0.5) | (near[..., 3] > 0.5)
    assert float(both.sum() / either.sum()) > 0.93
    assert "wherever both are opaque" in said


def test_splatfacto_checkpoints_are_read(tmp_path, run):
    cloud = cloud_of(40, 1)
    path = saved(tmp_path / "step-000000009.ckpt", gauss_params(cloud))
    code, paths, said = run(path, "export.splats=[ply]")
    assert code == 0, said
    assert len(read_splats(paths[0])) == 40
    write_splats(tmp_path / "a.ply", cloud)
    with pytest.raises(InputError, match="no checkpoint; dataset"):
        Convert(input=tmp_path / "a.ply", dataset=tmp_path).check()


@pytest.mark.parametrize(("name", "changes", "words"), [
    ("a.ply", ["export.formats=[usdz]"], "holds Gaussians, and usdz hold meshes"),
    ("a.ply", ["method.cleaning={}"], "holds no mesh to clean"),
    ("a.ply", ["method.axes=RRR"], "axes are three letters"),
    ("a.obj", ["method.axes=RDF"], "axes are those of a file of Gaussians"),
    ("a.obj", ["method.meshing={}"], "is a mesh already"),
    ("a.json", [], "posed pictures are fitted, not converted"),
    ("empty.splat", [], "between 1 and"),
    ("cut.splat", [], "no multiple of 32"),
    ("cut.spz", [], "cut.spz"),
    ("cut.ckpt", [], "cut.ckpt"),
    ("cut.ply", [], "cut.ply"),
])  # fmt: skip
def test_what_cannot_be_ends_with_code_2(tmp_path, run, name, changes, words):
    write_splats(tmp_path / "a.ply", cloud_of(5, 1))
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "empty.splat").touch()
    for cut in ("cut.splat", "cut.spz", "cut.ckpt"):
        (tmp_path / cut).write_bytes(b"x" * 100)
    (tmp_path / "cut.ply").write_bytes((tmp_path / "a.ply").read_bytes()[:-9])
    code, paths, said = run(name, *changes)
    assert (code, paths) == (2, [])
    assert words in said


def test_keys_without_effect_are_said(tmp_path, run):
    write_splats(tmp_path / "a.ply", bounded(degree=0))
    _, _, said = run("a.ply", "method.max_faces=500")
    assert "method.max_faces has no effect on Gaussians without method.meshing" in said
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    _, _, said = run("a.obj", "export.splats=[spz]")
    assert "export.splats has no effect on a mesh" in said


def test_pictures_are_framed_on_what_is_there():
    """A cloud of any size and place looks the same, and a far floater changes little."""
    cloud = bounded(degree=0)
    wanted = cloud_pictures(cloud, frame_of(cloud))
    large = GaussianCloud(1000 * cloud.means - 7, cloud.log_scales + np.log(1000),
                          cloud.quaternions, cloud.opacity_logits, cloud.sh)  # fmt: skip
    again = cloud_pictures(large, frame_of(large))
    # float32 positions about -7 m of a scene of 1 km
    assert cloud_back(wanted, again).psnr_db > 60
    assert cloud_back(wanted, wanted).psnr_db == 100
    assert cloud_back(wanted, wanted.flip(2)).psnr_db < 25
    seen = render(cloud, CAMERAS.to(torch.float32)).rgba
    assert bool((seen[..., 3] > 0.5).any())
