"""Other systems' settings: what they mean here, and configs that load."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from common.cli.main import main
from common.config.load import load
from common.errors import InputError
from run import APPS
from threed.distillation.loss_config import SDS, SJC, VSD, HiFA
from threed.distillation.times_config import Falling, Narrowing
from threed.peers.description import described_peer
from threed.peers.schedules import ramp_of
from threed.scenes.scene_config import Gaussians, HashNerf, VoxelNerf

STUDIO = {
    "name": "mine", "seed": 3, "data_type": "random-camera-datamodule",
    "data": {"batch_size": 2, "width": 96, "height": 96, "elevation_range": [-5, 40],
             "camera_distance_range": [2.0, 3.0], "fovy_range": [30, 60]},
    "system_type": "dreamfusion-system",
    "system": {
        "geometry_type": "implicit-volume",
        "geometry": {"radius": 1.5, "density_bias": "blob_magic3d", "density_blob_scale": 9.0,
                     "density_blob_std": 0.5,
                     "pos_encoding_config": {"n_levels": 10, "n_features_per_level": 4,
                                             "log2_hashmap_size": 14, "base_resolution": 8,
                                             "per_level_scale": 1.5}},
        "prompt_processor": {"prompt": "a pear"},
        "guidance_type": "stable-diffusion-guidance",
        "guidance": {"guidance_scale": 40.0, "min_step_percent": 0.05, "max_step_percent": 0.9,
                     "weighting_strategy": "fantasia3d"},
        "loss": {"lambda_sds": 2.0, "lambda_sparsity": 4.0, "lambda_orient": 1.0},
        "optimizer": {"name": "Adam", "args": {"lr": 0.02, "betas": [0.9, 0.99]}},
    },
    "trainer": {"max_steps": 4000},
}  # fmt: skip
GAUSSIAN = {
    "prompt": "a pear", "iters": 300, "radius": 2.0, "fovy": 60.0, "num_pts": 700,
    "position_lr_init": 0.002, "position_lr_final": 1e-4, "feature_lr": 0.03, "opacity_lr": 0.04,
    "scaling_lr": 0.006, "rotation_lr": 0.007, "densification_interval": 40,
    "density_end_iter": 150, "anneal_timestep": True, "batch_size": 4,
}  # fmt: skip


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Describe settings: the lines, and the written config as our loader reads it."""
    monkeypatch.chdir(tmp_path)

    def imported(settings, name="theirs"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(settings, sort_keys=False))
        lines = described_peer(path)
        return lines, load(tmp_path / f"{name}.extrude.yaml", (), APPS).config

    return imported


def changed(settings, **keys):
    """A copy with dotted keys (``__`` for the dot) set."""
    copy = yaml.safe_load(yaml.safe_dump(settings))
    for key, value in keys.items():
        *way, last = key.split("__")
        block = copy
        for part in way:
            block = block[part]
        block[last] = value
    return copy


def test_threestudio_is_read_whole(imported):
    lines, config = imported(STUDIO)
    method = config.method
    assert (config.seed, config.prompt, method.num_steps) == (3, "a pear", 4000)
    assert isinstance(method.loss, SDS)
    assert method.loss.guidance.guidance_scale == 41.0, "cond + s (cond - uncond)"
    assert method.loss.weight == "alpha_sigma_squared"
    assert (method.times.min_time, method.times.max_time) == (0.05, 0.9)
    views = method.views
    assert (views.num_views, views.size_px) == (2, 512)
    assert (views.min_elevation_deg, views.max_elevation_deg) == (-5.0, 40.0)
    scene = method.scene
    assert isinstance(scene, HashNerf)
    assert (scene.num_levels, scene.num_features, scene.log2_table) == (10, 4, 14)
    assert (scene.coarsest_cells, scene.finest_cells) == (8, math.floor(8 * 1.5**9))
    assert scene.rate == 0.02
    assert scene.start.radius_m == pytest.approx(0.5 / 1.5 * 0.6)
    # 4 * 2 (w sum of squares) beside sums over 16,384 elements
    assert scene.losses.sparsity == pytest.approx(4 / (2 * 16384))
    text = "\n".join(lines)
    assert "guidance_scale = 40.0: cond + s (cond - uncond) there" in text
    assert "method.scene.losses.orientation" in text


@pytest.mark.parametrize(("changes", "scale"), [
    ({}, 41.0), ({"system__prompt_processor__use_perp_neg": True}, 40.0),
    ({"system__guidance_type": "stable-diffusion-vsd-guidance"}, 40.0),
    ({"system__guidance__use_sjc": True}, 41.0),
    ({"system__guidance__use_img_loss": True}, 41.0),
])  # fmt: skip
def test_true_guidance_scale_follows_the_branch(imported, changes, scale):
    _, config = imported(changed(STUDIO, **changes))
    assert config.method.loss.guidance.guidance_scale == scale


def test_losses_by_their_settings(imported):
    for change, kind in (
        ({"system__guidance_type": "stable-diffusion-vsd-guidance"}, VSD),
        ({"system__guidance__use_sjc": True}, SJC),
        ({"system__guidance__use_img_loss": True}, HiFA),
    ):  # fmt: skip
        assert isinstance(imported(changed(STUDIO, **change), kind.__name__)[1].method.loss, kind)


def test_annealed_times_fall_once(imported):
    _, config = imported(
        changed(STUDIO, system__guidance__max_step_percent_annealed=0.5,
                system__guidance__anneal_start_step=1000)
    )  # fmt: skip
    times = config.method.times
    assert (times.max_time, times.late_max_time, times.late_from) == (0.9, 0.5, 0.25)
    _, ramped = imported(
        changed(STUDIO, system__guidance__max_step_percent=[1000, 0.9, 0.6, 3000]), "ramped"
    )
    times = ramped.method.times
    assert (times.max_time, times.late_max_time, times.late_from) == (0.9, 0.6, 0.5)


def test_ranges_that_move_from_the_first_step_keep_moving(imported):
    """MVDream's: both ends fall."""
    lines, config = imported(
        changed(STUDIO, system__guidance__min_step_percent=[0, 0.98, 0.02, 3200],
                system__guidance__max_step_percent=[0, 0.98, 0.5, 3200])
    )  # fmt: skip
    times = config.method.times
    assert isinstance(times, Narrowing)
    assert (times.min_time, times.late_min_time) == (0.98, 0.02)
    assert (times.max_time, times.late_max_time, times.until) == (0.98, 0.5, 0.8)
    assert "late_min_time" in "\n".join(lines)


def test_milestones_are_stages(imported):
    """Stable Zero123's: 64, 128 and 256 pixels, 12, 8 and 4 views."""
    _, config = imported(
        changed(STUDIO, data__height=[64, 128, 256], data__batch_size=[12, 8, 4],
                data__resolution_milestones=[800, 2000])
    )  # fmt: skip
    views = config.method.views
    assert [(one.until, one.render_px, one.num_views) for one in views.stages] == [
        (0.2, 64, 12), (0.5, 128, 8), (1.0, 256, None),
    ]  # fmt: skip
    assert [views.at(share) for share in (0.0, 0.3, 0.5, 1.0)] == [
        (12, 64), (8, 128), (4, 256), (4, 256),
    ]  # fmt: skip


def test_perp_neg_moves_away_from_other_sides(imported):
    lines, config = imported(changed(STUDIO, system__prompt_processor__use_perp_neg=True))
    assert config.method.loss.guidance.other_sides
    assert "perp_neg with other_sides" in "\n".join(lines)


def test_sjc_is_a_voxel_grid_with_emptiness(imported):
    grid = changed(
        STUDIO, system_type="sjc-system", system__geometry_type="volume-grid",
        system__geometry={"grid_size": [100, 100, 100]},
        system__loss={"lambda_sds": 1.0, "lambda_emptiness": [2000, 1e4, 2e5, 2001]},
        system__optimizer={"name": "Adamax", "args": {"lr": 0.05}, "params": {
            "geometry": {"lr": 0.03}, "background": {"lr": 0.001}}},
    )  # fmt: skip
    lines, config = imported(grid)
    scene = config.method.scene
    assert isinstance(scene, VoxelNerf)
    assert config.method.in_latents
    assert (scene.num_cells, scene.optimizer, scene.rate) == (100, "adamax", 0.03)
    assert scene.losses.emptiness == pytest.approx(1e4 / 16384)
    assert scene.losses.late_emptiness == pytest.approx(2e5 / 16384)
    assert not any("unknown here: system.optimizer" in line for line in lines)


def test_dreamgaussian_is_read_whole(imported):
    lines, config = imported(GAUSSIAN)
    method, scene = config.method, config.method.scene
    assert isinstance(scene, Gaussians)
    assert method.loss.guidance.guidance_scale == 100.0, "uncond + s (cond - uncond)"
    assert isinstance(method.times, Falling)
    assert (method.num_steps, method.views.num_views) == (300, 4)
    assert [method.views.at(share)[1] for share in (0.0, 0.3, 0.6)] == [128, 256, 512]
    unit = 0.85 / (2.0 * math.tan(math.radians(30.0)))  # metres for a unit there
    assert scene.means_rate == pytest.approx(10 * 0.002 * unit)
    assert scene.final_means_rate == pytest.approx(10 * 1e-4 * unit)
    assert scene.start.radius_m == pytest.approx(0.5 * unit, abs=1e-6)
    assert (scene.num_gaussians, scene.densify_every, scene.densify_until) == (700, 40, 0.5)
    assert (scene.colours_rate, scene.opacities_rate) == (0.03, 0.04)
    assert (scene.scales_rate, scene.rotations_rate) == (0.006, 0.007)
    assert any("10 there: 0.02 units" in line for line in lines)


def test_references_and_exponents_are_followed(imported):
    _, config = imported(
        changed(GAUSSIAN, num_pts="${iters}", position_lr_init="2e-3", feature_lr="3.e-2")
    )
    assert config.method.scene.num_gaussians == 300
    assert config.method.scene.colours_rate == 0.03


def test_every_key_is_either_explained_or_named_as_unknown(imported):
    for name, settings in (("studio", STUDIO), ("gaussian", GAUSSIAN)):
        lines, _ = imported(changed(settings, wobble=7), name)
        text = "\n".join(lines)
        for key in flat(settings):
            assert f"{key} = " in text, key
        assert "unknown here: wobble = 7" in text


def flat(block, prefix=""):
    for name, value in block.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_an_edited_config_is_not_written_over(imported, tmp_path):
    imported(GAUSSIAN)
    lines, _ = imported(GAUSSIAN)
    assert "says the same already" in lines[-1]
    target = tmp_path / "theirs.extrude.yaml"
    target.write_text(target.read_text() + "# mine\n")
    lines, _ = imported(GAUSSIAN)
    assert "is there already and differs" in lines[-1]
    assert target.read_text().endswith("# mine\n")


@pytest.mark.parametrize("settings", [STUDIO, GAUSSIAN], ids=["threestudio", "DreamGaussian"])
def test_any_value_of_any_key_is_read_or_refused_in_one_line(tmp_path, monkeypatch, settings):
    monkeypatch.chdir(tmp_path)
    path, refused = tmp_path / "theirs.yaml", 0
    for key in flat(settings):
        for value in (0, -1, float("inf"), float("nan"), 1e300, 10**400, "x", [], [1], None, True):
            path.write_text(yaml.safe_dump(changed(settings, **{key.replace(".", "__"): value})))
            try:
                described_peer(path)
            except InputError:
                refused += 1
            (tmp_path / "theirs.extrude.yaml").unlink(missing_ok=True)
    assert refused > 40, "most of these are no settings"


@pytest.mark.parametrize(("text", "message"), [
    ("a: 1", "is no config of Extrude"), ("- 1", "holds no block"), ("a: [", "not valid YAML"),
    ("num_pts: 2\nposition_lr_init: 0.1\niters: 5", "num_gaussians"),
    ("num_pts: many\nposition_lr_init: 0.1\niters: 5", "num_pts is 'many'"),
    ("iters: ${num_pts}\nnum_pts: ${iters}\nposition_lr_init: 1", "in a circle"),
])  # fmt: skip
def test_what_means_nothing_is_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "theirs.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        described_peer(path)
    assert not (tmp_path / "theirs.extrude.yaml").exists()


def test_inspect_prints_it_and_knows_our_own_configs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "theirs.yaml"
    path.write_text(yaml.safe_dump(GAUSSIAN))
    assert main(["inspect", str(path)], APPS) == 0
    assert "settings of DreamGaussian" in capsys.readouterr().out
    path.write_text("app: threed\nname: x\n")
    assert main(["inspect", str(path)], APPS) == 0
    assert "a config of Extrude" in capsys.readouterr().out


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 100), st.integers(101, 1000))
def test_ramps_read_one_three_or_four_numbers(first, last, begins, ends):
    assert (ramp_of("k", first).first, ramp_of("k", first).last) == (first, first)
    four, three = ramp_of("k", [begins, first, last, ends]), ramp_of("k", [first, last, ends])
    assert (four.first, four.last, four.middle) == (first, last, (begins + ends) / 2)
    assert (three.begins, three.first, three.last) == (0.0, first, last)
    with pytest.raises(InputError):
        ramp_of("k", [first, last])
