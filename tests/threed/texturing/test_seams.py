from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from common.errors import InputError
from tests.threed.texturing.test_bake import paint, sphere
from threed.texturing.gutters import filled
from threed.texturing.seams import levelled, seam_edges, seam_steps
from threed.texturing.texels import texels_of, texture_from
from threed.texturing.unwrap import UnwrapOptions, unwrapped

SIZE = 192


@pytest.fixture(scope="module")
def painted():
    """A ball with fine stripes, its charts in number, and its texels."""
    page = unwrapped(sphere(), UnwrapOptions(SIZE, 6, deadline_s=0.0)).mesh
    texels = texels_of(page, SIZE)
    stripes = 0.05 * torch.sin(60 * texels.positions[:, 1:2])
    texture = texture_from(texels, paint(texels.positions) * 0.6 + 0.2 + stripes)
    charts, _ = ndimage.label(texels.owned.numpy(), np.ones((3, 3)))
    return replace(page, texture=texture), texels, torch.from_numpy(charts).long()


def test_seams_are_the_edges_between_charts(painted):
    mesh = painted[0]
    edges = seam_edges(mesh)
    # both sides of a cut are the same points of the surface
    place = torch.zeros(len(mesh.uvs), 3)
    place[mesh.uv_faces.flatten().long()] = mesh.vertices[mesh.faces.flatten().long()]
    assert len(edges) > 50
    assert torch.equal(place[edges[:, 0]], place[edges[:, 1]])
    assert bool((torch.from_numpy(edges[:, 0] != edges[:, 1])).all())


def test_offsets_of_charts_are_levelled_and_details_stay(painted):
    mesh, texels, charts = painted
    offsets = torch.linspace(-0.12, 0.12, int(charts.max()) + 1)
    stepped = filled(mesh.texture + offsets[charts][..., None], texels.owned)
    broken = replace(mesh, texture=stepped)
    result = levelled(broken)
    before, after = (float(seam_steps(one).abs().mean()) for one in (broken, result))
    assert before > 0.05
    assert after < 0.15 * before  # stripes and texels leave steps that no linear function levels
    # the true texture comes back up to what all charts have in common
    error = (result.texture - mesh.texture)[texels.owned]
    assert float((error - error.mean(0)).abs().mean()) < 0.25 * float(offsets.abs().mean())
    # differences of neighbouring texels inside charts stay as they were: nothing is blurred
    inside = texels.owned[:, 1:] & texels.owned[:, :-1]
    change = (result.texture - stepped).diff(dim=1)[inside].abs()
    detail = stepped.diff(dim=1)[inside].abs()
    assert float(change.mean()) < 0.15 * float(detail.mean())


def test_a_texture_without_steps_is_left_alone(painted):
    mesh, texels, _ = painted
    plain = replace(mesh, texture=torch.full((SIZE, SIZE, 3), 0.4))
    torch.testing.assert_close(levelled(plain).texture, plain.texture, rtol=0, atol=1e-5)
    change = (levelled(mesh).texture - mesh.texture)[texels.owned].abs()
    assert float(change.mean()) < 0.01


def test_levelling_repeats_to_the_bit(painted):
    mesh = painted[0]
    assert torch.equal(levelled(mesh).texture, levelled(mesh).texture)
    with pytest.raises(InputError, match="only a mesh with a texture"):
        levelled(replace(mesh, texture=None))
