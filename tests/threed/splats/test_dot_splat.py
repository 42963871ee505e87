import struct

import pytest
import torch

from common.errors import InputError
from tests.threed.splats.clouds import cloud_of, psnr
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.dot_splat import dot_splat_bytes, dot_splat_losses, read_dot_splat


def one(mean=(1.0, 2.0, 3.0), log_scale=(0.0, 0.0, 0.0), quaternion=(1.0, 0.0, 0.0, 0.0),
        logit=0.0, dc=(0.0, 0.0, 0.0)):  # fmt: skip
    return GaussianCloud(
        torch.tensor([mean]), torch.tensor([log_scale]), torch.tensor([quaternion]),
        torch.tensor([logit]), torch.tensor([[dc]]),
    )  # fmt: skip


def test_record_is_the_published_one():
    """Written out by hand: position, linear scale, colour and opacity, rotation from 128."""
    record = struct.pack("<6f8B", 1, 2, 3, 1, 1, 1, 128, 128, 128, 128, 255, 128, 128, 128)
    cloud = one()
    assert dot_splat_bytes(cloud, "RUB") == record
    red = struct.pack("<3f", 1, -2, -3) + struct.pack("<3f", 1, 1, 1) + bytes(
        [255, 0, 128, 191, 255, 128, 128, 128]
    )  # fmt: skip
    # by default y down and z forward, for the body's own axes too: no rotation stays none
    found = dot_splat_bytes(one(dc=(9.0, -9.0, 0.0), logit=1.0986123))
    assert found == red
    read = read_dot_splat(record, "RUB")
    assert read.means.tolist() == [[1, 2, 3]]
    assert read.log_scales.abs().max() == 0
    assert read.opacity_logits[0] == pytest.approx(0, abs=0.01)  # 128 / 255
    assert read.degree == 0


def test_heaviest_come_first():
    cloud = cloud_of(50, degree=0)
    read = read_dot_splat(dot_splat_bytes(cloud))
    weight = read.scales.prod(-1) * read.opacities
    # opacity is in 255ths, so that neighbours of nearly one weight may stand either way
    assert bool((weight[1:] <= weight[:-1] * 1.02 + 1e-6).all())
    assert weight[0] > 5 * weight[25]


def test_round_trip_of_a_plain_cloud_looks_the_same_and_harmonics_are_declared_lost():
    plain = cloud_of(60, degree=0)
    bounded = GaussianCloud(plain.means, plain.log_scales, plain.quaternions,
                            plain.opacity_logits, plain.sh.clamp(-1.7, 1.7))  # fmt: skip
    # found: 61.7 dB; a step of colour and of opacity is 1/255, of rotation 1/128
    assert psnr(read_dot_splat(dot_splat_bytes(bounded)), bounded) > 58
    assert dot_splat_losses(bounded) == (
        "opacity, colour and rotation are rounded to 8 bits; the order changes",
    )
    lively = cloud_of(60, degree=2)
    losses = " ".join(dot_splat_losses(lively))
    assert "degree 2" in losses
    assert "outside [0, 1]" in " ".join(dot_splat_losses(one(dc=(9.0, 0.0, 0.0))))
    # found: 26.3 dB, what colours by direction weigh in this cloud
    assert 22 < psnr(read_dot_splat(dot_splat_bytes(lively)), lively) < 30


def test_opaque_and_clear_keep_their_bytes():
    for logit, byte in ((40.0, 255), (-40.0, 0), (6.93, 255), (-6.93, 0)):
        data = dot_splat_bytes(one(logit=logit))
        assert data[27] == byte
        read = read_dot_splat(data)
        assert abs(float(read.opacity_logits[0])) < 7
        assert dot_splat_bytes(read)[27] == byte


def test_damaged_files_are_refused():
    data = bytearray(dot_splat_bytes(cloud_of(4, degree=0)))
    with pytest.raises(InputError, match="multiple of 32"):
        read_dot_splat(bytes(data[:-1]))
    with pytest.raises(InputError, match="empty"):
        read_dot_splat(b"")
    data[12:16] = struct.pack("<f", -1)
    with pytest.raises(InputError, match="scales are 0 or more"):
        read_dot_splat(bytes(data))
    data[12:16] = struct.pack("<f", float("nan"))
    with pytest.raises(InputError, match="scales are 0 or more"):
        read_dot_splat(bytes(data))
    data[12:16] = struct.pack("<f", 1)
    data[28:32] = bytes([128] * 4)
    with pytest.raises(InputError, match="length 0"):
        read_dot_splat(bytes(data))
    with pytest.raises(InputError, match="does not fit"):
        dot_splat_bytes(one(log_scale=(200.0, 0.0, 0.0)))
