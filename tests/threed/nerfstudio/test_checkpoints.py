import json
import os

import numpy as np
import pytest
import torch

from common.errors import InputError
from tests.reference.splat_scipy import draw
from tests.threed.nerfstudio import nerfacto_twin
from tests.threed.splats.clouds import CAMERAS, cloud_of, psnr
from threed.nerfstudio.checkpoint import inventory, read_checkpoint
from threed.nerfstudio.dataparser import read_dataparser_transform
from threed.nerfstudio.nerfacto import NerfactoSettings, nerfacto_field
from threed.nerfstudio.splatfacto import splatfacto_cloud, splatfacto_tensors
from threed.nerfstudio.transforms import read_transforms, write_transforms
from threed.nerfstudio.write_checkpoint import FILE_NAME, write_checkpoint


def saved(path, tensors, **more):
    """A file as nerfstudio's trainer writes it: old pickle protocol, NumPy's numbers in it."""
    rate = np.float64(1.6e-4)  # what its schedules compute
    torch.save({
        "step": 29_999, "pipeline": tensors,
        "optimizers": {"means": {"state": {}, "param_groups": [{"lr": rate, "eps": 1e-15}]}},
        "schedulers": {"means": {"_last_lr": [rate], "lr_lambdas": [None]}}, "scalers": {}, **more,
    }, path)  # fmt: skip
    return path


def gauss_params(cloud, prefix="_model.gauss_params."):
    """A cloud as splatfacto's tensors, in its training world as it stands."""
    return {
        f"{prefix}means": cloud.means, f"{prefix}scales": cloud.log_scales,
        f"{prefix}quats": cloud.quaternions, f"{prefix}opacities": cloud.opacity_logits[:, None],
        f"{prefix}features_dc": cloud.sh[:, 0].clone(),
        f"{prefix}features_rest": cloud.sh[:, 1:].clone(),
        "_model.camera_optimizer.pose_adjustment": torch.zeros(3, 6),
        "datamanager.train_camera_optimizer.x": torch.zeros(1),
    }  # fmt: skip


@pytest.mark.parametrize("prefix", ["_model.gauss_params.", "_model."])
def test_splatfacto_stands_up(tmp_path, prefix):
    cloud = cloud_of(20, degree=3)
    read = read_checkpoint(saved(tmp_path / "step-000029999.ckpt", gauss_params(cloud, prefix)))
    assert (read.step, read.method) == (29_999, "splatfacto")
    found = splatfacto_cloud(read)
    x, y, z = cloud.means.T  # z up, front -y
    assert torch.equal(found.means, torch.stack([x, z, -y], 1))
    assert torch.equal(found.opacity_logits, cloud.opacity_logits)
    assert len(found) == 20
    assert found.degree == 3


def test_colours_of_degree_zero_are_logits(tmp_path):
    cloud = cloud_of(6, degree=0)
    read = read_checkpoint(saved(tmp_path / "a.ckpt", gauss_params(cloud)))
    shown = 0.5 + 0.28209479177387814 * splatfacto_cloud(read).sh[:, 0]
    assert torch.allclose(shown, cloud.sh[:, 0].sigmoid(), atol=1e-6)
    with pytest.raises(InputError, match="logits"):
        splatfacto_tensors(cloud)


@pytest.fixture
def run(tmp_path):
    """A dataset that applied a transform to its original data, and a run's dataparser file."""
    path = write_transforms(tmp_path / "scene", CAMERAS, draw(cloud_of(5, 0), CAMERAS).clamp(0, 1))
    content = json.loads(path.read_text())
    content["applied_transform"] = [[0, 1, 0, 0.25], [1, 0, 0, -1], [0, 0, -1, 0.5]]
    path.write_text(json.dumps(content))
    c, s = 0.8, 0.6
    transform = [[c, -s, 0, 0.3], [0, 0, -1, -0.2], [s, c, 0, 1.1]]
    (tmp_path / "dataparser_transforms.json").write_text(
        json.dumps({"transform": transform, "scale": 0.37})
    )
    return path


def test_training_world_is_undone_to_the_world_of_the_cameras(tmp_path, run):
    posed = read_transforms(run)
    transform = read_dataparser_transform(tmp_path, posed)
    # by hand, a point: original data -> file's world, and original data -> training world
    original = np.array([0.4, -0.7, 1.9])
    applied = np.array(json.loads(run.read_text())["applied_transform"])
    to_training = json.loads((tmp_path / "dataparser_transforms.json").read_text())
    matrix = np.array(to_training["transform"])
    x, y, z = applied[:, :3] @ original + applied[:, 3]
    trained = to_training["scale"] * (matrix[:, :3] @ original + matrix[:, 3])
    cloud = cloud_of(4, degree=2)
    cloud.means[0] = torch.from_numpy(trained)
    read = read_checkpoint(saved(tmp_path / "a.ckpt", gauss_params(cloud)))
    found = splatfacto_cloud(read, transform)
    assert found.means[0].tolist() == pytest.approx([x, z, -y], abs=1e-6)
    expected = cloud.log_scales - np.log(0.37)
    assert torch.allclose(found.log_scales, expected, atol=1e-6)


def test_checkpoint_shows_the_datasets_cameras_what_was_put_in(tmp_path, run):
    """The border, by pictures, there and back."""
    cloud, posed = cloud_of(40, degree=3), read_transforms(run)
    transform = read_dataparser_transform(tmp_path, posed)
    tensors = splatfacto_tensors(cloud, transform)
    read = read_checkpoint(saved(tmp_path / "a.ckpt", tensors))
    back = splatfacto_cloud(read, transform)
    assert psnr(back, cloud) > 90  # float32's rounding
    seen = draw(back, posed.cameras)
    assert torch.allclose(seen, draw(cloud, CAMERAS), rtol=0, atol=1e-4)
    assert psnr(splatfacto_cloud(read), cloud) < 30  # without it, somewhere else


def test_dataparser_files_that_say_too_little_are_refused(tmp_path, run):
    posed = read_transforms(run)
    file = tmp_path / "dataparser_transforms.json"
    for content, reason in (
        ({"transform": np.eye(4)[:3].tolist(), "scale": 0}, "not above 0"),
        ({"transform": (2 * np.eye(4)[:3]).tolist(), "scale": 1}, "not a rotation"),
        ({"transform": [1], "scale": 1}, "no matrix"),
        ({"scale": 1}, "no matrix"),
    ):
        file.write_text(json.dumps(content))
        with pytest.raises(InputError, match=reason):
            read_dataparser_transform(tmp_path, posed)
    file.unlink()
    with pytest.raises(InputError, match="no such file"):
        read_dataparser_transform(tmp_path, posed)
    run.write_text(run.read_text().replace('"frames"', '"applied_scale": 2.0, "frames"'))
    file.write_text(json.dumps({"transform": np.eye(4)[:3].tolist(), "scale": 1}))
    with pytest.raises(InputError, match="applied_scale"):
        read_dataparser_transform(tmp_path, read_transforms(run))


class Runs:
    def __reduce__(self):
        return os.system, ("exit 3",)


def test_files_with_more_than_weights_are_not_opened(tmp_path):
    path = tmp_path / "a.ckpt"
    tensors = gauss_params(cloud_of(4, 1))
    with pytest.raises(InputError, match="more than weights"):
        read_checkpoint(saved(path, tensors, callbacks=Runs()))
    whole = saved(path, tensors).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        read_checkpoint(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="damaged"):
        read_checkpoint(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_checkpoint(tmp_path / "gone.ckpt")
    torch.save({"state_dict": {}}, path)
    with pytest.raises(InputError, match="no 'pipeline'"):
        read_checkpoint(path)
    with pytest.raises(InputError, match="no model"):
        read_checkpoint(saved(path, {"datamanager.x": torch.zeros(1)}))


def test_wrong_tensors_are_refused(tmp_path):
    path = tmp_path / "a.ckpt"
    tensors = gauss_params(cloud_of(4, 1))
    for change, reason in (
        ({"_model.gauss_params.quats": torch.zeros(4, 3)}, "quats is"),
        ({"_model.gauss_params.features_rest": torch.zeros(4, 9)}, "features_rest is"),
        ({"_model.gauss_params.features_rest": torch.zeros(4, 5, 3)}, "coefficients"),
        ({"_model.gauss_params.means": torch.full((4, 3), torch.nan)}, "no numbers"),
    ):
        with pytest.raises(InputError, match=reason):
            splatfacto_cloud(read_checkpoint(saved(path, tensors | change)))
    del tensors["_model.gauss_params.opacities"]
    with pytest.raises(InputError, match="lacks opacities"):
        splatfacto_cloud(read_checkpoint(saved(path, tensors)))


@pytest.mark.parametrize("contract", [True, False])
@pytest.mark.parametrize("average", [True, False])
def test_nerfacto_is_its_definition_point_by_point(tmp_path, contract, average):
    tensors = nerfacto_twin.state()
    read = read_checkpoint(saved(tmp_path / "a.ckpt", tensors))
    assert read.method == "nerfacto"
    settings = NerfactoSettings(nerfacto_twin.BASE, 0.7, contract, average)
    field = nerfacto_field(read, settings)
    generator = torch.Generator().manual_seed(3)
    points = 1.2 * torch.randn(40, 3, generator=generator)
    points[0] = torch.tensor([0.5, -0.25, 0.0])  # on the lines of the grid
    directions = torch.nn.functional.normalize(torch.randn(40, 3, generator=generator), dim=-1)
    density, features = field.density_and_features(points)
    colours = field.colour(directions, features)
    twins = [
        nerfacto_twin.evaluate(
            tensors, p.tolist(), d.tolist(), contract=contract, init_density=0.7, average=average
        )
        for p, d in zip(points, directions, strict=True)
    ]
    # float32, and positions that are scaled before they are rounded
    assert torch.allclose(density, torch.tensor([d for d, _ in twins]), rtol=1e-3, atol=1e-5)
    assert torch.allclose(colours, torch.stack([c for _, c in twins]), rtol=0, atol=1e-3)
    assert bool((density == 0).any()) != contract
    assert colours.std() > 0.05


def test_nerfactos_older_names_are_read(tmp_path):
    new = read_checkpoint(saved(tmp_path / "a.ckpt", nerfacto_twin.state()))
    old = read_checkpoint(saved(tmp_path / "b.ckpt", nerfacto_twin.state(model="")))
    settings = NerfactoSettings(nerfacto_twin.BASE)
    points = torch.rand(9, 3, generator=torch.Generator().manual_seed(1))
    one, other = (nerfacto_field(c, settings).density_and_features(points)[0] for c in (new, old))
    assert torch.equal(one, other)


def test_nerfacto_that_cannot_be_read_is_refused_by_name(tmp_path):
    path = tmp_path / "a.ckpt"
    tcnn = read_checkpoint(saved(path, nerfacto_twin.state(implementation="tcnn")))
    assert "field.mlp_base.model.params  float32  1000" in inventory(tcnn)
    with pytest.raises(InputError, match=r"mlp_base\.model\.params .* tiny-cuda-nn"):
        nerfacto_field(tcnn)
    with pytest.raises(InputError, match="lacks"):
        nerfacto_field(read_checkpoint(saved(path, gauss_params(cloud_of(3, 1)))))
    wrong = nerfacto_twin.state() | {"_model.field.num_levels": torch.tensor(5)}
    with pytest.raises(InputError, match="not 5 x 2"):
        nerfacto_field(read_checkpoint(saved(path, wrong)))
    wide = nerfacto_twin.state()
    del wide["_model.field.embedding_appearance.embedding.weight"]
    with pytest.raises(InputError, match="take 8 and 36 features, not 8 and 31"):
        nerfacto_field(read_checkpoint(saved(path, wide)))


@pytest.mark.parametrize("degree", [0, 2])
def test_written_checkpoint_comes_back(tmp_path, degree):
    cloud = cloud_of(20, degree=degree)
    losses = write_checkpoint(tmp_path / FILE_NAME, cloud)
    read = read_checkpoint(tmp_path / FILE_NAME)
    assert (read.step, read.method) == (0, "splatfacto")
    back = splatfacto_cloud(read)
    assert back.degree == max(degree, 1)  # of degree 0 splatfacto keeps logits
    assert any("degree 1" in loss for loss in losses) == (degree == 0)
    seen = [draw(one, CAMERAS) for one in (cloud, back)]
    # turned to z up and back, in float32
    assert torch.allclose(seen[1], seen[0], rtol=0, atol=1e-4)
