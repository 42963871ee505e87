import pytest
import torch
import trimesh
from einops import rearrange

from common.cli.main import main
from run import APPS
from tests.threed.nerfstudio import nerfacto_twin
from tests.threed.nerfstudio.test_checkpoints import gauss_params, saved
from tests.threed.splats.clouds import CAMERAS, cloud_of
from threed.nerfstudio.transforms import write_transforms
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.files import write_splats
from threed.splats.traps import looks_interleaved, traps_of


def inspected(path, capsys):
    code = main(["inspect", str(path)], APPS)
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        (".ply", ("INRIA's PLY", "RDF (x right, y down, z forward)", "nothing in the file says")),
        (".splat", (".splat", "RDF", "degree 0")),
        (".spz", ("version 4", "RUB", "12 bits after the point")),
        (".glb", ("Release Candidate", "glTF's", "1 meshes", "made by: not recorded")),
    ],
)
def test_splat_files_are_described(tmp_path, capsys, suffix, words):
    path = tmp_path / f"cloud{suffix}"
    write_splats(path, cloud_of(120, 2))
    said = inspected(path, capsys)
    for word in (*words, "120 Gaussians", "bounds (y up): x ", "opacity, quantiles", "bytes"):
        assert word in said
    assert ("degree 2 (9 coefficients" in said) == (suffix != ".splat")


def test_stated_axes_and_meshes_are_told_apart(tmp_path, capsys):
    path = tmp_path / "cloud.ply"
    write_splats(path, cloud_of(20, 1), "RFU")
    assert "RFU (x right, y forward, z up), stated in a comment" in inspected(path, capsys)
    trimesh.creation.box().export(tmp_path / "box.ply")
    said = inspected(tmp_path / "box.ply", capsys)
    assert "a mesh in PLY, binary_little_endian: 8 vertex, 12 face" in said
    assert "Gaussians" not in said
    trimesh.creation.box().export(tmp_path / "box.glb")
    said = inspected(tmp_path / "box.glb", capsys)
    assert "drawn: 12 faces" in said
    assert "Gaussians" not in said


@pytest.mark.parametrize("suffix", ["obj", "stl", "off", "ply"])
def test_meshes_are_described_and_cut_ones_refused(tmp_path, capsys, suffix):
    path = tmp_path / f"box.{suffix}"
    trimesh.creation.box(extents=(1, 2, 3)).export(path)
    said = inspected(path, capsys)
    assert "12 faces" in said
    assert "closed" in said
    assert "size: 1 x 2 x 3 (metres" in said
    path.write_bytes(path.read_bytes()[: 20 if suffix == "obj" else -40])
    assert main(["inspect", str(path)], APPS) == 2
    assert f"box.{suffix}" in capsys.readouterr().err


def test_bounds_and_quantiles_are_those_of_the_cloud(tmp_path, capsys):
    count = 101
    ramp = torch.linspace(-1, 1, count)
    cloud = GaussianCloud(
        torch.stack([ramp, 2 * ramp, 3 * ramp], 1),
        torch.log(torch.tensor([0.01, 0.02, 0.04])).expand(count, 3),
        torch.tensor([1.0, 0, 0, 0]).expand(count, 4), torch.full((count,), 1.0986123),
        torch.zeros(count, 1, 3),
    )  # fmt: skip
    path = tmp_path / "ramp.ply"
    write_splats(path, cloud)
    said = inspected(path, capsys)
    assert "bounds (y up): x -1 to 1, y -2 to 2, z -3 to 3" in said
    assert "98 % within: -0.98 to 0.98" in said
    assert "opacity, quantiles 5 50 95 %: 0.75 0.75 0.75" in said
    assert "longest axis, quantiles 5 50 95 %: 0.04 0.04 0.04" in said
    assert "shortest axis, quantiles 5 50 95 %: 0.01 0.01 0.01" in said
    assert "note:" not in said


def test_nerfstudios_files_are_described(tmp_path, capsys):
    path = write_transforms(tmp_path / "scene", CAMERAS, torch.ones(3, 32, 32, 4))
    (path.parent / "images" / "frame_00002.png").unlink()
    said = inspected(path, capsys)
    for word in ("3 posed pictures of 32 x 32", "field of view: 40 degrees", "RFU",
                 "1 missing, the first is frame_00002.png"):  # fmt: skip
        assert word in said
    checkpoint = saved(tmp_path / "step-000029999.ckpt", gauss_params(cloud_of(60, 3)))
    said = inspected(checkpoint, capsys)
    for word in (
        "of splatfacto, step 29,999",
        "60 Gaussians",
        "gauss_params.means  float32  60 x 3",
    ):
        assert word in said
    said = inspected(saved(tmp_path / "nerf.ckpt", nerfacto_twin.state()), capsys)
    assert "weights of PyTorch" in said
    assert "field.mlp_base.model.0.hash_table  float32  256 x 2" in said
    flat = nerfacto_twin.state(implementation="tcnn")
    assert "cannot be evaluated" in inspected(saved(tmp_path / "flat.ckpt", flat), capsys)


@pytest.mark.parametrize("name", ["a.ply", "a.splat", "a.spz", "a.glb", "a.json", "a.ckpt"])
def test_damaged_files_end_in_one_message(tmp_path, capsys, name):
    path = tmp_path / name
    path.write_bytes(b'{"frames": 7}')
    assert main(["inspect", str(path)], APPS) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert name in said.err
    assert said.err.count("\n") == 1


def shades(degree, count=300):
    """Harmonics whose channels agree, as those of pictures do."""
    generator = torch.Generator().manual_seed(degree)
    grey = torch.randn(count, (degree + 1) ** 2, 1, generator=generator)
    return grey + 0.3 * torch.randn(count, (degree + 1) ** 2, 3, generator=generator)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_other_order_of_the_harmonics_is_noticed(degree):
    sh = shades(degree)
    assert not looks_interleaved(sh)
    flat = rearrange(sh[:, 1:], "n k c -> n (k c)")  # R G B of each coefficient together
    wrong = torch.cat([sh[:, :1], rearrange(flat, "n (c k) -> n k c", c=3)], 1)
    assert looks_interleaved(wrong)
    assert not looks_interleaved(wrong[:20])  # too few to tell
    assert not looks_interleaved(cloud_of(300, degree).sh)  # nothing agrees either way
    assert not looks_interleaved(torch.zeros(300, 16, 3))


def test_traps_are_named_with_their_numbers():
    cloud = cloud_of(200, 0)
    unit = torch.nn.functional.normalize(cloud.quaternions, dim=-1)
    means, scales, logits = (
        cloud.means.clone(),
        cloud.log_scales.clone(),
        cloud.opacity_logits.clone(),
    )
    means[7] = 100
    scales[3] = 3
    scales[5, 0] = -12
    scales[5, 1] = -12
    scales[5, 2] = -3
    logits[:4] = -9
    told = traps_of(GaussianCloud(means, scales, unit, logits, cloud.sh))
    assert len(told) == 4
    assert "1 Gaussians (0.5 %) stand farther" in told[0]
    assert "1 Gaussians (0.5 %) are larger" in told[1]
    assert "4 Gaussians (2 %) are too faint" in told[2]
    assert "1 Gaussians (0.5 %) are needles" in told[3]
    (length,) = traps_of(GaussianCloud(cloud.means, cloud.log_scales.clamp_max(-3), 3 * unit,
                                       cloud.opacity_logits, cloud.sh))  # fmt: skip
    assert "not of length 1 (3 to 3)" in length
