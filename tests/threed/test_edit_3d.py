"""Edits end to end, on untrained models."""

import numpy as np
import pytest
import trimesh

from common.cli.main import main
from common.report.asset_check import check_glb
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.stopped_runs import stopped_at
from tests.threed.test_score_distillation import SMALL
from threed.mesh_files import read_mesh
from threed.splats.files import read_splats

CENTRE = (3.0, 1.0, -2.0)
SCENES = {
    "voxel_nerf": ("method.scene.num_cells=16",),
    "hash_nerf": ("method.scene={name: hash_nerf, num_cells: 16, log2_table: 8, "
                  "finest_cells: 16}",),
    "gaussians": ("method.scene={name: gaussians, num_gaussians: 60, max_gaussians: 80, "
                  "num_cells: 16}",),
    "mesh": ("method.scene={name: mesh, texture_px: 256}",),
}  # fmt: skip


@pytest.fixture
def edit(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run the preset on a ball of two metres: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)
    ball = trimesh.creation.icosphere(3, radius=1.0)
    ball.apply_translation(CENTRE)
    ball.visual = trimesh.visual.ColorVisuals(ball, vertex_colors=[220, 40, 30, 255])
    ball.export("ball.ply")

    def edit(*changes, scene="voxel_nerf", preset="threed/edit_3d"):
        embedded = not any(change.startswith("prior=") for change in changes)
        own = [
            *([f"prior.models_dir={lifting_models}"] if embedded else []),
            "method.start.input=ball.ply", "method.start.fit_steps=20",
            "method.start.num_pictures=6", "method.start.picture_px=48", *SCENES[scene],
        ]  # fmt: skip
        code = main([preset, *SMALL, *own, *changes], APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return edit


@pytest.mark.parametrize("scene", SCENES)
def test_edit_is_written_where_the_file_was(edit, scene):
    code, paths, said = edit(scene=scene)

    assert code == 0, said
    names = [path.name for path in paths]
    assert names[0] == "asset.glb"
    assert "before_after.png" in names
    check_glb(paths[0])
    mesh = read_mesh(paths[0]).mesh
    # a rough fit on coarse cells of 0.15 m; Gaussians are soft beyond the surface
    assert np.abs(mesh.bounds.mean(0) - CENTRE).max() < 0.4
    assert 1.4 < mesh.extents.max() < (4.5 if scene == "gaussians" else 2.9)
    if scene == "mesh":
        assert np.allclose(mesh.extents, 2.0, atol=0.1), "its own triangles"
    if scene == "gaussians":
        (file,) = (path for path in paths if path.name == "splats.ply")
        assert np.abs(read_splats(file).means.mean(0).numpy() - CENTRE).max() < 0.4


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_checkpoint_edits_too(edit, checkpoints):  # noqa: F811
    code, paths, said = edit(
        f"prior={{name: pretrained, path: {checkpoints['sd15']}}}", "device=cpu"
    )
    assert code == 0, said
    check_glb(paths[0])


def test_stopped_edit_ends_in_the_same_asset(edit, tmp_path):
    whole = edit("name=whole", "embed_provenance=false")[1][0].read_bytes()
    with stopped_at(2):
        code, _, _ = edit("name=stopped", "embed_provenance=false")
    assert code == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert (folder / "samples" / "asset.glb").read_bytes() == whole


def test_other_presets_start_from_a_file_too(edit):
    code, paths, said = edit(
        "method.scene.losses={}", "method.scene.coarse_share=0.5", preset="threed/sjc_voxel_nerf"
    )
    assert code == 0, said
    mesh = read_mesh(paths[0]).mesh
    assert np.abs(mesh.bounds.mean(0) - CENTRE).max() < 0.8


@pytest.mark.parametrize(("change", "message"), [
    ("method.source_prompt=a red mug", "prompt and method.source_prompt are both 'a red mug'"),
    ("method.source_prompt=", "method.source_prompt"),
    ("method.start.input=none.glb", "none.glb: there is no such file"),
    ("method.start.size_m=null", "reaches 4 m from the origin"),
    ("method.scene.coarse_share=0.3", "would blur what is edited"),
])  # fmt: skip
def test_what_cannot_be_edited_ends_with_code_2(edit, change, message):
    code, paths, said = edit(change)

    assert (code, paths) == (2, [])
    assert message in said
