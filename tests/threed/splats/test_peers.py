"""Files of other programs, made from ``data/four.ply``, a cloud of ours.

``splat-transform`` 2.7.1 (PlayCanvas, MIT) wrote the .glb, and both .spz files through the
reference library of that format (its WebAssembly build, 0.2.2).
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.reference.splat_scipy import covariances
from tests.threed.splats.clouds import psnr
from threed.splats.files import read_splats
from threed.splats.ply import ply_bytes
from threed.splats.spz import spz_bytes
from threed.splats.spz_container import unpack

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def four():
    return read_splats(DATA / "four.ply")


def test_ply_is_written_as_it_was_read(four):
    assert ply_bytes(four) == (DATA / "four.ply").read_bytes()


@pytest.mark.parametrize("version", [3, 4])
def test_codes_are_the_references_to_the_bit(four, version):
    theirs = unpack((DATA / f"four_v{version}.spz").read_bytes())
    ours = unpack(spz_bytes(four, version=4))
    assert theirs.version == version
    assert theirs.fractional_bits == ours.fractional_bits
    for one, other in zip(ours.arrays, theirs.arrays, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("version", [3, 4])
def test_reference_files_show_the_cloud(four, version):
    # so few Gaussians leave most of each picture empty: codes cost little
    assert psnr(read_splats(DATA / f"four_v{version}.spz"), four) > 40


def test_gltf_of_another_program_is_read(four):
    """It takes a PLY's y down for a half turn about z, so that its front is our back: ``LUF``."""
    theirs = read_splats(DATA / "four.glb", "LUF")
    order = [int((theirs.means - mean).norm(dim=-1).argmin()) for mean in four.means]
    assert sorted(order) == [0, 1, 2, 3]
    assert torch.allclose(theirs.means[order], four.means, atol=1e-6)
    assert torch.allclose(theirs.sh[order], four.sh, atol=1e-6)
    assert torch.allclose(theirs.opacities[order], four.opacities, atol=1e-6)
    assert torch.allclose(covariances(theirs)[order], covariances(four), atol=1e-6)
    assert psnr(theirs, four) > 90
    assert psnr(read_splats(DATA / "four.glb"), four) < 30
