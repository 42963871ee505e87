import contextlib
import gzip
import struct

import gsply.spz
import numpy as np
import pytest
import torch
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from tests.threed.splats.clouds import cloud_of, psnr
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats import spz_codes as codes
from threed.splats.spz import read_spz, spz_bytes, spz_losses
from threed.splats.spz_container import unpack

FULL = codes.ShBits(8, 8)


def gaussian(mean=(0.0, 0.0, 0.0), log_scale=(0.0, 0.0, 0.0), wxyz=(1.0, 0.0, 0.0, 0.0),
             logit=0.0, sh=((0.0, 0.0, 0.0),)):  # fmt: skip
    return GaussianCloud(
        torch.tensor([mean]), torch.tensor([log_scale]), torch.tensor([wxyz]),
        torch.tensor([logit]), torch.tensor([sh]),
    )  # fmt: skip


# One Gaussian worked out by hand from the published layout.
HALF = 0.5**0.5
BY_HAND = gaussian(
    (1.0, -1.0, 0.25), (-2.0, 0.0, 5.0), (HALF, 0.0, -HALF, 0.0), 0.0,
    ((0.0, 1.0, -1.0), (0.25, -0.25, 1.5), (0.0, 0.5, -0.5), (0.03, 0.0, 0.0)),
)  # fmt: skip
MEANS = bytes([0x00, 0x10, 0x00, 0x00, 0xF0, 0xFF, 0x00, 0x04, 0x00])  # 4096, -4096, 1024
ALPHA = bytes([128])  # 127.5, away from 0
COLOUR = bytes([128, 166, 89])  # 127.5, 165.75, 89.25
SCALE = bytes([128, 160, 240])  # 16 (log + 10)
# buckets of 8 about 128: 160, 96, 255 (the end); 128, 192, 64; 131.84 -> 136 of 132 + 4
HARMONICS = bytes([160, 96, 255, 128, 192, 64, 136, 128, 128])


def test_version_2_is_the_published_layout_byte_for_byte():
    raw = gzip.decompress(spz_bytes(BY_HAND, version=2))
    rotation = bytes([128, 37, 128])  # 127.5 (q + 1): x 0, y -0.7071, z 0; w stays above 0
    expected = b"NGSP" + struct.pack("<2I4B", 2, 1, 1, 12, 0, 0)
    assert raw == expected + MEANS + ALPHA + COLOUR + SCALE + rotation + HARMONICS


def test_version_4_is_the_published_layout_byte_for_byte():
    data = spz_bytes(BY_HAND, version=4)
    assert data[:32] == b"NGSP" + struct.pack("<2I4BI", 4, 1, 1, 12, 0, 6, 32) + bytes(12)
    table = struct.unpack_from("<12Q", data, 32)
    assert table[1::2] == (9, 1, 3, 3, 4, 9)
    offset, parts = 32 + 96, []
    for packed in table[::2]:
        parts.append(zstandard.decompress(data[offset : offset + packed]))
        offset += packed
    assert offset == len(data)
    assert parts[:4] == [MEANS, ALPHA, COLOUR, SCALE]
    assert parts[5] == HARMONICS
    # y = -w to float32's last bit: the first of the largest is y (1) and made positive, so that
    # x, z are 0 with the sign of -0 turned, and w is -511
    (word,) = struct.unpack("<I", parts[4])
    assert word >> 30 == 1
    assert word & 0x3FF == 0x200 | 511
    assert word >> 10 & 0x1FF == 0
    assert word >> 20 & 0x1FF == 0


def gsply_cloud(cloud):
    """What gsply takes; its files stand as ours do, with no turn."""
    unit = torch.nn.functional.normalize(cloud.quaternions, dim=-1)
    shn = cloud.sh[:, 1:].contiguous().numpy()
    return gsply.GSData(cloud.means.numpy(), cloud.log_scales.numpy(), unit.numpy(),
                        cloud.opacity_logits.numpy(), cloud.sh[:, 0].contiguous().numpy(),
                        shn)  # fmt: skip


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_codes_are_gsplys(degree, tmp_path):
    cloud = cloud_of(200, degree)
    gsply.spz.write_spz(tmp_path / "theirs.spz", gsply_cloud(cloud), version=4)
    theirs = unpack((tmp_path / "theirs.spz").read_bytes())
    ours = unpack(spz_bytes(cloud, bits=FULL))
    for name, one, other in zip(
        ("means", "opacities", "colours", "scales", "harmonics"),
        (*ours.arrays[:4], ours.harmonics), (*theirs.arrays[:4], theirs.harmonics), strict=True,
    ):  # fmt: skip
        difference = np.abs(one.astype(int) - other)
        # a value within a rounding error of a half may go either way; nothing else differs
        assert difference.max(initial=0) <= 1, name
        assert (difference > 0).mean() < 0.01 if difference.size else True, name
    found = np.abs((codes.decoded_rotations(ours.rotations)
                    * codes.decoded_rotations(theirs.rotations)).sum(1))  # fmt: skip
    assert found.min() > 1 - 1e-5


@pytest.mark.slow  # gsply compiles its reader
@pytest.mark.parametrize("version", [2, 4])
def test_gsply_reads_what_is_written(version, tmp_path):
    cloud = cloud_of(100, degree=3)
    path = tmp_path / "ours.spz"
    path.write_bytes(spz_bytes(cloud, version=version))
    theirs, ours = gsply.spz.read_spz(path), read_spz(path)
    assert np.allclose(theirs.means, ours.means, atol=1e-6)
    assert np.allclose(theirs.scales, ours.log_scales, atol=1e-6)
    assert np.allclose(theirs.sh0, ours.sh[:, 0], atol=1e-5)
    assert np.allclose(theirs.shN, ours.sh[:, 1:], atol=1e-6)
    # both leave version 2's quaternions a little longer than 1 where w is 0
    assert np.allclose(theirs.quats, ours.quaternions, atol=1e-5)
    inner = (ours.opacities > 1 / 255) & (ours.opacities < 254 / 255)
    assert np.allclose(theirs.opacities[inner], ours.opacity_logits[inner], atol=1e-4)


def test_gsplys_version_3_is_read(tmp_path):
    cloud = cloud_of(100, degree=2)
    gsply.spz.write_spz(tmp_path / "three.spz", gsply_cloud(cloud), version=3)
    data = (tmp_path / "three.spz").read_bytes()
    assert unpack(data).version == 3
    assert psnr(read_spz(data), cloud) > 40


def test_version_1_has_half_floats():
    means = np.array([1.5, -2.25, 0.125], "<f2").tobytes()
    raw = (
        b"NGSP"
        + struct.pack("<2I4B", 1, 1, 0, 0, 0, 0)
        + means
        + ALPHA
        + COLOUR
        + SCALE
        + bytes([128, 37, 128])
    )
    read = read_spz(gzip.compress(raw))
    assert read.means.tolist() == [[1.5, -2.25, 0.125]]
    assert read.log_scales.tolist() == [[-2, 0, 5]]
    assert read.quaternions[0, 2] == pytest.approx(-0.71, abs=0.01)


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("degree", range(5))
def test_every_value_comes_back_within_half_a_step(version, degree):
    cloud = cloud_of(200, degree)
    back = read_spz(spz_bytes(cloud, version=version))
    assert back.degree == degree
    assert (back.means - cloud.means).abs().max() <= 0.5 / 4096 + 1e-6
    assert (back.log_scales - cloud.log_scales).abs().max() <= 0.5 / 16 + 1e-6
    assert (back.opacities - cloud.opacities).abs().max() <= 0.5 / 255 + 1e-6
    assert (back.sh[:, 0] - cloud.sh[:, 0]).abs().max() <= 0.5 / 255 / 0.15 + 1e-5
    if degree:
        # a rounding to 128ths and then to the middle of buckets of 8 or 16 of them
        limits = torch.tensor([4.5] * 3 + [8.5] * (back.sh.shape[1] - 4)) / 128
        inside = cloud.sh[:, 1:].abs() < 0.9
        assert bool((((back.sh - cloud.sh)[:, 1:].abs() <= limits[:, None]) | ~inside).all())
    unit = torch.nn.functional.normalize(cloud.quaternions, dim=-1)
    angle = 2 * torch.acos((unit * back.quaternions).sum(-1).abs().clamp_max(1))
    # three of 10 bits: a third of a degree; three of 8 bits: w is lost where it is small
    assert torch.rad2deg(angle).max() < (0.35 if version == 4 else 12)


def test_loss_of_pictures_is_that_of_the_codes():
    cloud = cloud_of(60, degree=3)
    found = {version: psnr(read_spz(spz_bytes(cloud, version=version)), cloud)
             for version in (2, 4)}  # fmt: skip
    fine = psnr(read_spz(spz_bytes(cloud, bits=FULL)), cloud)
    # found: 40.9 dB (version 4), 40.6 (version 2), 49.6 with all bits of the harmonics
    assert found[4] > 39
    assert found[2] > 38
    assert fine > 47
    # what has been through the codes goes through them again without change
    once = read_spz(spz_bytes(cloud))
    assert spz_bytes(read_spz(spz_bytes(once))) == spz_bytes(once)


def test_axes_of_the_file():
    cloud = cloud_of(30, degree=2)
    turned = read_spz(spz_bytes(cloud, "RDF", bits=FULL), "RDF")
    assert psnr(turned, read_spz(spz_bytes(cloud, bits=FULL))) > 35
    raw = read_spz(spz_bytes(cloud, "RDF"))
    assert torch.allclose(raw.means * torch.tensor([1.0, -1.0, -1.0]), cloud.means, atol=2e-4)


def with_extension(data, system):
    """The file with an extension that states its axes, after one that nobody knows."""
    records = struct.pack("<2I3s", 0x00010001, 3, b"abc") + struct.pack(
        "<3I", 0xADBE0003, 4, system
    )
    if data.startswith(b"NGSP"):
        head = bytearray(data[:32])
        head[14] |= 2
        head[16:20] = struct.pack("<I", 32 + len(records))
        return bytes(head) + records + data[32:]
    raw = bytearray(gzip.decompress(data))
    raw[14] |= 2
    return gzip.compress(bytes(raw) + records)


@pytest.mark.parametrize("version", [2, 4])
def test_stated_axes_are_used(version):
    cloud = cloud_of(20, degree=2)
    data = with_extension(spz_bytes(cloud, "RDF", version=version), 6)
    assert torch.allclose(read_spz(data).means, cloud.means, atol=2e-4)
    with pytest.raises(InputError, match="coordinate system 99"):
        read_spz(with_extension(spz_bytes(cloud, version=version), 99))


def test_far_centres_take_fewer_bits_and_losses_are_told():
    far = gaussian((5000.0, 0.0, 0.0))
    assert unpack(spz_bytes(far)).fractional_bits == 10
    assert read_spz(spz_bytes(far)).means[0, 0] == 5000
    assert "0.977 mm" in spz_losses(far)[0]
    with pytest.raises(InputError, match="8,388 km"):
        spz_bytes(gaussian((1e9, 0.0, 0.0)))
    told = " ".join(spz_losses(gaussian(log_scale=(9.0, 0.0, 0.0), sh=((9.0, 0.0, 0.0),))))
    assert "1 Gaussians have scales outside" in told
    assert "1 Gaussians have colours outside" in told
    assert len(spz_losses(gaussian())) == 1


UNIT = st.tuples(*[st.floats(-1, 1, width=32)] * 4).filter(lambda q: sum(a * a for a in q) > 0.01)


@settings(max_examples=50)
@given(UNIT)
def test_smallest_three_come_back(values):
    unit = (
        torch.nn.functional.normalize(torch.tensor([values], dtype=torch.float64)).float().numpy()
    )
    back = codes.decoded_rotations(codes.encoded_rotations(unit))
    # half a step of sqrt(1/2) / 511 in each of three, and what that moves the largest by
    assert np.abs((back * unit).sum()) > 1 - 4e-6
    assert np.linalg.norm(back) == pytest.approx(1, abs=1e-6)


@settings(max_examples=50)
@given(st.lists(st.floats(-2047, 2047, width=32), min_size=3, max_size=3))
def test_fixed_point_comes_back(values):
    means = np.array([values], np.float32)
    back = codes.decoded_means(codes.encoded_means(means, 12), 12)
    assert np.abs(back - means).max() <= 0.5 / 4096 + 2e-4  # float32 at 2047 m


def damaged():
    four, two = spz_bytes(cloud_of(20, degree=1)), spz_bytes(cloud_of(20, degree=1), version=2)
    raw = gzip.decompress(two)
    body = four[128:]
    bomb = zstandard.ZstdCompressor().compress(bytes(10**7))
    huge = bytearray(four)
    huge[32:40], huge[40:48] = struct.pack("<Q", len(bomb)), struct.pack("<Q", 180)
    (first,) = struct.unpack_from("<Q", four, 32)
    yield "foreign", b"PLYnothing", "not an .spz"
    yield "empty", b"", "empty"
    yield "short", four[:20], "header takes 32"
    yield "cut", four[:-3], "cut off"
    yield "cut gzip", two[:-12], "cut off|damaged"
    yield "more", four + b"x", "too many"
    yield "more gzip", two + b"x", "more after"
    yield "tail", gzip.compress(raw + b"x"), "too many"
    yield "fewer", gzip.compress(raw[:-5]), "cut off"
    yield "no header", gzip.compress(b"NGSP"), "within the header"
    yield "other gzip", gzip.compress(b"hello" * 9), "does not begin with NGSP"
    yield "version", four[:4] + struct.pack("<I", 5) + four[8:], "version 5"
    yield "gzip 4", gzip.compress(raw[:4] + struct.pack("<I", 4) + raw[8:]), "version 4 in gzip"
    yield "degree", four[:12] + b"\x05" + four[13:], "degree 5"
    yield "bits", four[:13] + b"\x20" + four[14:], "32 bits"
    yield "claims", four[:8] + struct.pack("<I", 2**31) + four[12:], "claims 2,147,483,648"
    yield "claims gzip", gzip.compress(raw[:8] + struct.pack("<I", 2**31) + raw[12:]), "claims"
    yield "none", four[:8] + struct.pack("<I", 0) + four[12:], "claims 0"
    yield "streams", four[:15] + b"\x03" + four[16:], "3 streams"
    yield "table", four[:16] + struct.pack("<I", 2**31) + four[20:], "table at byte"
    yield "bomb", bytes(huge[:128]) + bomb + body[first:], "does not unpack to 180"
    yield "noise", four[:140] + bytes(20) + four[160:], "damaged|does not unpack"


@pytest.mark.parametrize(("data", "reason"), [(d, r) for _, d, r in damaged()],
                         ids=[n for n, _, _ in damaged()])  # fmt: skip
def test_damaged_and_foreign_files_are_refused_with_the_reason(data, reason):
    with pytest.raises(InputError, match=reason):
        read_spz(data)


@settings(max_examples=40)
@given(st.data())
def test_random_damage_is_refused_or_read_but_never_crashes(data):
    version = data.draw(st.sampled_from([2, 4]))
    whole = bytearray(spz_bytes(cloud_of(5, degree=1), version=version))
    if version == 2:
        whole = bytearray(gzip.decompress(whole))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):  # the only error there may be
        read_spz(gzip.compress(whole) if version == 2 else bytes(whole))
