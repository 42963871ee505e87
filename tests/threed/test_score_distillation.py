"""Score distillation end to end, on untrained models and on a tiny Stable Diffusion."""

import json

import numpy as np
import pytest
import trimesh

from common.cli.main import main
from common.config.load import find_config, load
from common.media.images import write_picture
from common.report.asset_check import check_glb
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.stopped_runs import stopped_at
from threed.app import estimate
from threed.splats.files import read_splats

SMALL = (
    "prompt=a red mug", "method.views={num_views: 2, size_px: 64}", "method.num_steps=3",
    "method.num_pictures=4", "method.texture_px=256", "turntable.num_frames=0", "num_threads=1",
)  # fmt: skip
PRESETS = {
    "threed/sjc_voxel_nerf": ("method.scene.num_cells=16",),
    "threed/sds_hash_nerf": ("method.scene.num_cells=16", "method.scene.log2_table=8",
                             "method.scene.finest_cells=16"),
    "threed/sds_gaussians": ("method.scene.num_gaussians=60", "method.scene.max_gaussians=80",
                             "method.scene.num_cells=16"),
    "threed/vsd_hash_nerf": ("method.scene.num_cells=16", "method.scene.log2_table=8",
                             "method.scene.finest_cells=16", "method.num_particles=2"),
    "threed/hifa_voxel_nerf": ("method.scene.num_cells=16",),
    "threed/sds_sdf": ("method.scene.num_cells=16",),
    "threed/sds_mesh": ("method.scene.texture_px=256",),
    "threed/sds_image_to_3d": (),
}  # fmt: skip


@pytest.fixture
def make(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run a preset: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def make(preset, *changes):
        own = any(change.startswith("prior=") for change in changes)
        prior = [] if own else [f"prior.models_dir={lifting_models}"]
        code = main([preset, *SMALL, *PRESETS[preset], *prior, *changes], APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return make


@pytest.mark.parametrize("preset", [name for name in PRESETS if "image" not in name])
def test_preset_writes_an_asset_and_its_renders(make, preset):
    code, paths, said = make(preset)

    assert code == 0, said
    names = [path.name for path in paths]
    assert names[0] == "asset.glb"
    assert names[-2:] == ["views.png", "report.html"]
    check_glb(paths[0])
    if preset == "threed/sds_gaussians":
        assert names[1] == "splats.ply"
        assert len(read_splats(paths[1])) == 60


@pytest.mark.parametrize("preset", [name for name in PRESETS if "image" not in name])
def test_run_that_is_stopped_ends_in_the_same_asset(make, tmp_path, preset):
    whole = make(preset, "name=whole", "embed_provenance=false")[1][0].read_bytes()
    with stopped_at(2):
        code, _, _ = make(preset, "name=stopped", "embed_provenance=false")
    assert code == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert (folder / "samples" / "asset.glb").read_bytes() == whole


def test_run_of_latents_that_is_stopped_ends_in_the_same_asset(make, tmp_path):
    chosen = "threed/sjc_voxel_nerf", "method.colours=latents", "embed_provenance=false"
    whole = make(*chosen, "name=whole")[1][0].read_bytes()
    with stopped_at(2):
        assert make(*chosen, "name=stopped")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert (folder / "samples" / "asset.glb").read_bytes() == whole


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_dry_run_says_that_latents_need_no_encoder(make, tmp_path, checkpoints):  # noqa: F811
    prior = f"prior={{name: pretrained, path: {checkpoints['sd15']}}}", "device=cpu"
    said, memory = {}, {}
    for colours in ("rgb", "latents"):
        keys = f"method.colours={colours}", "method.views.size_px=128", "--dry-run"
        code, paths, errors = make("threed/sjc_voxel_nerf", *prior, *keys)
        assert code == 0, errors
        said[colours] = [str(path.relative_to(tmp_path)) for path in paths]
        chosen = (*SMALL, *PRESETS["threed/sjc_voxel_nerf"], *prior, *keys[:2])
        config = load(find_config("threed/sjc_voxel_nerf"), chosen, APPS).config
        memory[colours] = estimate(config).memory_bytes
    assert any(
        "4 latents rendered at 16 x 16, encoder not used" in line for line in said["latents"]
    )
    assert not any("latents" in line for line in said["rgb"])
    # two views of 128 pixels, 40 kB a pixel
    assert memory["rgb"] - memory["latents"] > 0.99 * 2 * 128**2 * 40_000
    assert not any(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize(("preset", "change"), [
    ("threed/sds_hash_nerf", "method.loss.guidance={name: perp_neg, other_sides: true}"),
    ("threed/sds_gaussians",
     "method.views={num_views: 2, size_px: 64, "
     "stages: [{until: 0.4, render_px: 16, num_views: 3}]}"),
    ("threed/sjc_voxel_nerf", "method.colours=latents"),
])  # fmt: skip
def test_presets_take_a_checkpoint(make, checkpoints, preset, change):  # noqa: F811
    code, paths, said = make(
        preset, f"prior={{name: pretrained, path: {checkpoints['sd15']}}}", change, "device=cpu"
    )
    assert code == 0, said
    check_glb(paths[0])
    if "latents" in change:
        rows = (paths[-1].parent / "metrics.jsonl").read_text().splitlines()
        assert json.loads(rows[0])["distil/render_px"] == 8, "as large as the latents"
    if "stages" in change:
        assert "from step 1: 3 views of 16 pixels" in said
        assert "from step 2: 2 views of 64 pixels" in said


@pytest.mark.parametrize("own", [True, False])
def test_front_is_held_to_a_picture(make, tmp_path, checkpoints, own):  # noqa: F811
    picture = np.zeros((48, 48, 4), np.uint8)
    picture[8:40, 12:36] = (230, 20, 20, 255)
    write_picture(tmp_path / "block.png", picture)
    prior = (
        () if own else (f"prior={{name: pretrained, path: {checkpoints['sd15']}}}", "device=cpu")
    )
    code, paths, said = make(
        "threed/sds_image_to_3d", "method.front.input=block.png", "method.start.input=block.png",
        "method.start.fit_steps=20", "method.start.picture_px=48", "method.scene.num_cells=16",
        *prior,
    )  # fmt: skip
    assert code == 0, said
    rows = [json.loads(line)
            for line in (paths[-1].parent / "metrics.jsonl").read_text().splitlines()]  # fmt: skip
    shown = [row["distil/front_colour"] for row in rows if "distil/front_colour" in row]
    assert len(shown) == 3
    # weights of 10: a blown-up block is nearly right at once
    assert max(shown) < 10 * 0.02
    shape = trimesh.load_mesh(paths[0]).extents
    assert shape[0] < 0.95 * shape[1], "higher than wide, as in the picture"


@pytest.mark.parametrize(("change", "message"), [
    ("method.loss={name: sds, guidance: {name: perp_neg, other_sides: true}}", "told cameras"),
    ("method.loss={name: sds, guidance: {name: perp_neg}}", "needs a negative_prompt"),
    ("method.views={num_views: 2, size_px: 64, stages: [{until: 0.5, num_views: 3}]}",
     "leave num_views out of the stages"),
    ("method.front={input: none.png}", "none.png: there is no such file"),
    ("method.views.max_elevation_deg=60", "looks from -10 to 60 degrees; the embedded view layers"),
    ("method.loss={name: ism, interval: 0.5}", "interval 0.5 begins before time 0"),
    ("prompt=", "prompt is empty"),
    ("method.views.size_px=512", "512"),
    ("method.colours=latents", "scene.name is gaussians; use voxel_nerf, hash_nerf"),
])  # fmt: skip
def test_what_cannot_be_ends_with_code_2(make, tmp_path, change, message):
    code, paths, said = make("threed/sds_gaussians", change)

    assert (code, paths) == (2, [])
    assert message in said
    assert not any(tmp_path.iterdir())


def test_text_to_3d_names_the_presets_for_a_checkpoint(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    code = main(["threed/text_to_3d", "prior={name: pretrained, path: nowhere}"], APPS)

    assert code == 2
    assert "threed/sds_gaussians" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("loss", ["sds", "csd", "nfsd", "sdi", "bridge", "vsd", "hifa"])
def test_stable_diffusion_is_distilled_with_words_for_views(make, checkpoints, loss):  # noqa: F811
    code, paths, said = make(
        "threed/sjc_voxel_nerf", f"prior={{name: pretrained, path: {checkpoints['sd15']}}}",
        f"method.loss={{name: {loss}}}", "device=cpu",
    )  # fmt: skip

    assert code == 0, said
    check_glb(paths[0])
