"""Texture end to end, on untrained models and on a tiny Stable Diffusion."""

import shutil

import diffusers
import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from common.cli.main import main
from common.media.images import read_picture, write_picture
from common.media.video_read import read_clip
from common.raster.mesh import TriangleMesh
from common.report.asset_check import check_glb
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.common.pretrained.tiny_pipelines import shaken
from tests.common.zoo.small_zoo import store_control_net
from tests.stopped_runs import stopped_at
from tests.threed.real_meshes import mesh_file
from threed.drawable import drawable_mesh
from threed.mesh_files import read_mesh
from threed.texturing.grid_charts import grid_charts

SMALL = (
    "threed/texture", "prompt=a red mug", "method.size_px=64", "method.sampler.num_steps=2",
    "method.texture_px=256", "turntable={num_frames: 2, size_px: 32}", "num_threads=1",
    "method.extra_views=[{azimuth_deg: 0, elevation_deg: 80}]", "method.upscale=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def painting_models(lifting_models, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("painting")
    for path in lifting_models.iterdir():
        shutil.copy(path, folder)
    store_control_net(folder)
    return folder


@pytest.fixture
def make(tmp_path, monkeypatch, capsys, painting_models):
    """Run ``threed/texture``: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def make(*changes, mesh=mesh_file("spot")):  # noqa: B008
        own = any(change.startswith("prior=") for change in changes)
        prior = [] if own else [f"prior.models_dir={painting_models}"]
        code = main([*SMALL, f"method.input={mesh}", *prior, *changes], APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return make


@pytest.fixture
def two_materials(tmp_path):
    """A ball and a box side by side as GLB, their materials named, one texture each."""
    scene = trimesh.Scene()
    for number, name in enumerate(("skin", "metal")):
        one = trimesh.creation.icosphere(3) if number == 0 else trimesh.creation.box()
        one.apply_translation([2.5 * number, 0, 0])
        page = grid_charts(TriangleMesh(
            torch.tensor(one.vertices).float(), torch.tensor(one.faces).int()
        ), 64)  # fmt: skip
        one = trimesh.Trimesh(one.triangles.reshape(-1, 3), page.uv_faces.numpy(), process=False)
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
        material = trimesh.visual.material.PBRMaterial(
            name=name, baseColorTexture=Image.fromarray(pixels), metallicFactor=0.0
        )
        one.visual = trimesh.visual.TextureVisuals(uv=page.uvs.numpy(), material=material)
        scene.add_geometry(one, geom_name=name)
    path = tmp_path / "two.glb"
    scene.export(path)
    return path


def test_run_writes_the_users_mesh_with_a_texture(make):
    code, paths, said = make("method.front_deg=180")

    assert code == 0, said
    assert [path.name for path in paths] == [
        "textured.glb", "turntable.mp4", "views.png", "texture.png", "report.html",
    ]  # fmt: skip
    check_glb(paths[0])
    assert read_clip(paths[1]).frames.shape == (2, 32, 32, 3)
    given = trimesh.load_mesh(mesh_file("spot"), process=False)
    found = trimesh.load_mesh(paths[0], process=False)
    # the same triangles in the same order and frame, to the bit of float32
    assert np.array_equal(found.triangles.astype(np.float32), given.triangles.astype(np.float32))
    # texture coordinates of its own stay, shrunk onto the page as Spot's reach beyond it
    before, after = (one.visual.uv[one.faces].reshape(-1, 2) for one in (given, found))
    scale = np.ptp(after, 0) / np.ptp(before, 0)
    assert np.allclose(scale, scale[0], atol=1e-5)
    assert np.allclose(after - after.min(0), scale * (before - before.min(0)), atol=1e-5)
    assert np.asarray(found.visual.material.baseColorTexture).shape[:2] == (256, 256)
    assert read_picture(paths[3]).shape[:2] == (256, 256)


def test_mesh_without_coordinates_gets_some(make):
    code, paths, said = make(mesh=mesh_file("suzanne"))
    assert code == 0, said
    found = trimesh.load_mesh(paths[0], process=False)
    given = trimesh.load_mesh(mesh_file("suzanne"), process=False)
    assert np.array_equal(found.triangles.astype(np.float32), given.triangles.astype(np.float32))
    assert found.visual.uv.min() >= 0
    assert found.visual.uv.max() <= 1


@pytest.mark.parametrize("way", ["synchronised", "progressive"])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_run_that_is_stopped_ends_in_the_same_texture(make, tmp_path, way, step):
    """Of the steps the first two are of the ring, or of its front; later ones are given it."""
    changes = (f"method.way={way}", "embed_provenance=false", "method.num_views=2")
    whole = make("name=whole", *changes)[1][0].read_bytes()
    with stopped_at(step):
        code, _, _ = make("name=stopped", *changes)
    assert code == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert (folder / "samples" / "textured.glb").read_bytes() == whole


def test_ways_differ_and_seeds_too(make):
    def texture(*changes):
        code, paths, said = make(*changes)
        assert code == 0, said
        return read_picture(paths[3])

    first = texture("method.way=projected")
    assert np.array_equal(first, texture("method.way=projected"))
    for change in (("method.way=synchronised",), ("method.way=projected", "seed=1"),
                   ("method.way=projected", "method.controls=[]"),
                   ("method.way=projected", "method.delight=false")):  # fmt: skip
        assert not np.array_equal(first, texture(*change)), change


def test_texels_outside_of_a_mask_stay_to_the_byte(make, tmp_path):
    first = make()[1][0]
    mask = np.zeros((256, 256, 3), np.uint8)
    mask[:, 128:] = 255
    write_picture(tmp_path / "mask.png", mask)

    code, paths, said = make("seed=5", f"method.mask={tmp_path / 'mask.png'}", mesh=first)

    assert code == 0, said
    before, after = (
        np.asarray(trimesh.load_mesh(one, process=False).visual.material.baseColorTexture)
        for one in (first, paths[0])
    )
    assert np.array_equal(before[:, :128], after[:, :128])
    assert not np.array_equal(before[:, 128:], after[:, 128:])


def test_other_materials_stay_to_the_byte(make, two_materials):
    """Two textures side by side are one of 2 to 1, which gets room below it."""
    before = drawable_mesh(read_mesh(two_materials).mesh).texture

    code, paths, said = make("method.materials=[metal]", mesh=two_materials)

    assert code == 0, said
    after = torch.from_numpy(read_picture(paths[3]).copy()).float() / 255
    height, width = before.shape[:2]
    assert after.shape[:2] == (width, width)
    changed = (after[:height] != before).any(-1)
    columns = changed.any(0).nonzero()[:, 0]
    assert int(columns.max() - columns.min()) < width // 2 + 2  # one of the two
    assert float(changed.float().mean()) > 0.1
    code, _, said = make("method.materials=[wood]", mesh=two_materials)
    assert code == 2
    assert "its materials are metal, skin" in said


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("way", ["synchronised", "progressive"])
def test_stable_diffusion_paints_with_a_depth_control_net(make, checkpoints, pipelines, tmp_path,  # noqa: F811
                                                         way):  # fmt: skip
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        net = diffusers.ControlNetModel.from_unet(
            pipelines["sd15"].unet, conditioning_embedding_out_channels=(4, 8, 8, 8)
        )
    shaken(net, 3).save_pretrained(tmp_path / "depth", safe_serialization=True)
    prior = f"prior={{name: pretrained, path: {checkpoints['sd15']}}}"

    def texture(*changes):
        code, paths, said = make(prior, f"method.way={way}", "device=cpu", *changes)
        assert code == 0, said
        return read_picture(paths[3])

    followed = f'method.controls=[{{kind: depth, path: "{tmp_path / "depth"}"}}]'
    assert not np.array_equal(texture(followed), texture("method.controls=[]"))


@pytest.mark.parametrize(("changes", "message"), [
    (("prompt=",), "prompt is empty"),
    (("method.size_px=60",), "multiple of 8"),
    (("method.size_px=512",), "64 to 256"),
    (("method.num_views=9",), "less than or equal to 8"),
    (("method.mask=nowhere.png",), "has no texture of which a part could stay"),
    (("method.mask=a.png", "method.materials=[b]"), "give one of them"),
    (("method.controls=[{kind: depth, path: net}]",), "leave path out"),
    (("method.controls=[{kind: smell}]",), "smell"),
    (("prior={name: pretrained, path: nowhere}", "method.delight=true"), "leave it out"),
    (("prior.controls=[{kind: depth, image: a.png}]",), "leave prior.controls out"),
])  # fmt: skip
def test_wrong_settings_end_with_code_2(make, tmp_path, changes, message):
    code, paths, said = make(*changes)
    assert (code, paths) == (2, [])
    assert message in said
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("content", "message"), [
    ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"),
    ("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "area"),
    ("v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n", ""),
])  # fmt: skip
def test_meshes_that_cannot_be_painted_end_with_code_2(make, tmp_path, content, message):
    path = tmp_path / "bad.obj"
    path.write_text(content)
    code, paths, said = make(mesh=path)
    assert (code, paths) == (2, [])
    assert message in said


def test_a_missing_file_ends_with_code_2(make):
    code, _, said = make(mesh="nowhere.obj")
    assert code == 2
    assert "there is no such file" in said


def test_dry_run_says_sizes_and_memory(make, tmp_path):
    few = make("--dry-run")
    many = make("--dry-run", "method.num_views=8", "method.size_px=256", "method.texture_px=4096")
    assert few[0] == many[0] == 0
    assert any("5 x 64 x 64" in path.name or "5 x 64 x 64" in str(path) for path in few[1])
    assert few[1] != many[1]
    assert not any(tmp_path.iterdir())
