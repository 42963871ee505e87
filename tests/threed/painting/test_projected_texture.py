"""Painting with renders of a known texture gives that texture back."""

import math
from dataclasses import replace

import pytest
import torch

from tests.threed.painting.known_mesh import ALL_ROUND, RING, SIZE, known_mesh, pictures_of
from threed.measures.painted import guessed_share, seam_figures, shown_again_db
from threed.painting.kept_texture import KeptTexture
from threed.painting.projected_texture import projected_texture
from threed.texturing.view_colours import ViewWeights

WEIGHTS = ViewWeights(border_px=3.0)


@pytest.fixture(scope="module")
def painted():
    mesh = known_mesh()
    bare = replace(mesh, texture=None)
    return projected_texture(bare, pictures_of(mesh, ALL_ROUND), SIZE, WEIGHTS)


def psnr(error):
    return -10 * math.log10(float(error.double().square().mean()))


def test_known_texture_comes_back(painted):
    """36 dB where a view shows it: lookups of pixels a texel wide, averaged over views."""
    error = painted.mesh.texture - known_mesh().texture
    assert psnr(error[painted.seen]) > 36
    assert float(painted.seen.sum() / painted.owned.sum()) > 0.75


def test_unseen_texels_take_colours_of_their_surroundings(painted):
    """Better than one colour for all of them would be."""
    hidden = painted.owned & ~painted.seen
    true = known_mesh().texture[hidden]
    spread = psnr(painted.mesh.texture[hidden] - true)
    assert spread > psnr(true - true.mean(0)) + 3


def test_pictures_are_shown_again_and_seams_are_no_steps(painted):
    pictures = pictures_of(known_mesh(), ALL_ROUND)
    assert shown_again_db(painted.mesh, pictures.rgba, pictures.cameras) > 33
    seams = seam_figures(painted.mesh, painted.owned)
    assert 0 < seams.ratio < 1.5


def test_seams_are_told_from_texels(painted):
    """Charts of one colour each: all steps are at seams."""
    corners = painted.mesh.uv_faces.flatten().long()
    middle = torch.zeros(len(painted.mesh.uvs))
    middle[corners] = painted.mesh.faces.flatten().float() % 2
    halves = torch.zeros(SIZE, SIZE, 3)
    halves[:, SIZE // 2 :] = 1.0
    broken = seam_figures(replace(painted.mesh, texture=halves), painted.owned)
    assert broken.across > 3 * seam_figures(painted.mesh, painted.owned).across


def test_more_views_leave_less_to_guess(painted):
    mesh = known_mesh()
    ring = projected_texture(replace(mesh, texture=None), pictures_of(mesh, RING), SIZE, WEIGHTS)
    few, many = (guessed_share(one.mesh, one.seen, 64) for one in (ring, painted))
    assert many < 0.12
    assert few > many + 0.05
    assert guessed_share(mesh, torch.ones(SIZE, SIZE, dtype=torch.bool), 64) == 0


def test_kept_texels_stay_to_the_bit_and_lend_their_colours():
    mesh = known_mesh()
    painted = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    painted[: SIZE // 2] = True
    kept = KeptTexture(torch.full((SIZE, SIZE, 3), 0.25), painted)

    made = projected_texture(mesh, pictures_of(mesh, RING), SIZE, WEIGHTS, kept=kept)

    assert torch.equal(made.mesh.texture[~painted], kept.texture[~painted])
    assert not torch.equal(made.mesh.texture[painted], kept.texture[painted])
