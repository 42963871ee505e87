import pytest
import torch

from common.errors import InputError
from tests.threed.splats.clouds import cloud_of, psnr
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.files import SUFFIXES, losses_of, read_splats, splat_bytes, write_splats


def bounded(degree=3):
    """A cloud whose colours all formats can hold."""
    cloud = cloud_of(60, degree)
    return GaussianCloud(cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits,
                         cloud.sh.clamp(-0.9, 0.9))  # fmt: skip


# PSNR of three views against the cloud that was written, dB. Found: the same picture to the bit,
# 163 (float32's rounding of exp and log), 40.9 (of it 4 and 5 bits of harmonics most).
AT_LEAST = {".ply": 300.0, ".glb": 120.0, ".spz": 39.0}


@pytest.mark.parametrize("suffix", AT_LEAST)
def test_file_on_disk_shows_what_was_written(tmp_path, suffix):
    cloud, path = bounded(), tmp_path / f"cloud{suffix}"
    assert write_splats(path, cloud) == losses_of(cloud, suffix)
    assert path.read_bytes() == splat_bytes(cloud, suffix)
    back = read_splats(path)
    assert psnr(back, cloud) > AT_LEAST[suffix]
    assert back.degree == 3
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".ply", ".splat", ".spz"])
def test_axes_are_handed_on(tmp_path, suffix):
    cloud, path = bounded(degree=0), tmp_path / f"cloud{suffix.upper()}"
    write_splats(path, cloud, "LDB")
    assert psnr(read_splats(path, "LDB"), cloud) > 38
    assert psnr(read_splats(path, "RUB"), cloud) < 30


def test_losses_are_told_where_there_are_any():
    assert losses_of(cloud_of(5, 4), ".ply") == ()
    assert losses_of(cloud_of(5, 3), ".glb") == ()
    assert "degree 4" in losses_of(cloud_of(5, 4), ".glb")[0]
    assert "degree 1" in " ".join(losses_of(cloud_of(5, 1), ".splat"))
    assert losses_of(cloud_of(5, 1), ".spz")


def test_unknown_suffixes_and_axes_of_a_glb_are_refused(tmp_path):
    cloud = cloud_of(3, 1)
    for act in (
        lambda: read_splats(tmp_path / "a.ksplat"), lambda: splat_bytes(cloud, ".sog"),
        lambda: losses_of(cloud, ".obj"), lambda: write_splats(tmp_path / "a.xyz", cloud),
    ):  # fmt: skip
        with pytest.raises(InputError, match="no splat file"):
            act()
    with pytest.raises(InputError, match="are glTF's"):
        splat_bytes(cloud, ".glb", "RDF")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_errors_name_the_file(tmp_path, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"not what the name says")
    with pytest.raises(InputError, match=f"broken{suffix}"):
        read_splats(path)
    with pytest.raises(InputError, match=f"gone{suffix}"):
        read_splats(tmp_path / f"gone{suffix}")


def test_a_cloud_that_cannot_be_written_leaves_nothing(tmp_path):
    cloud = cloud_of(3, 1)
    broken = GaussianCloud(cloud.means * torch.nan, cloud.log_scales, cloud.quaternions,
                           cloud.opacity_logits, cloud.sh)  # fmt: skip
    for suffix in SUFFIXES:
        with pytest.raises(InputError, match="no numbers"):
            write_splats(tmp_path / f"a{suffix}", broken)
    assert list(tmp_path.iterdir()) == []
