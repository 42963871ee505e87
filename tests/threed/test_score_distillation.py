"""Score distillation end to end, on untrained models and on a tiny Stable Diffusion."""

import pytest

from common.cli.main import main
from common.report.asset_check import check_glb
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.stopped_runs import stopped_at
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


@pytest.mark.parametrize("preset", PRESETS)
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


@pytest.mark.parametrize("preset", PRESETS)
def test_run_that_is_stopped_ends_in_the_same_asset(make, tmp_path, preset):
    whole = make(preset, "name=whole", "embed_provenance=false")[1][0].read_bytes()
    with stopped_at(2):
        code, _, _ = make(preset, "name=stopped", "embed_provenance=false")
    assert code == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert (folder / "samples" / "asset.glb").read_bytes() == whole


@pytest.mark.parametrize(("change", "message"), [
    ("method.views.max_elevation_deg=60", "looks from -10 to 60 degrees; the embedded view layers"),
    ("method.loss={name: ism, interval: 0.5}", "interval 0.5 begins before time 0"),
    ("prompt=", "prompt is empty"),
    ("method.views.size_px=512", "512"),
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
