import numpy as np
import pytest
import torch
import trimesh
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from tests.threed.real_meshes import real_mesh
from threed.meshing.cleaning import CleanOptions, cleaned
from threed.meshing.decimation import decimated


def mesh_of(vertices, faces, **more):
    return TriangleMesh(
        torch.tensor(np.array(vertices), dtype=torch.float32), torch.tensor(np.array(faces)).int(),
        **more,
    )  # fmt: skip


def from_trimesh(solid):
    return mesh_of(solid.vertices, solid.faces)


def solid_of(mesh):
    return trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)


def assert_closed(mesh):
    solid = solid_of(mesh)
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.volume > 0


def test_soup_of_a_ball_becomes_one_closed_body():
    ball = trimesh.creation.icosphere(2)
    corners = ball.vertices[ball.faces].reshape(-1, 3)
    found = cleaned(mesh_of(corners, np.arange(len(corners)).reshape(-1, 3)))
    assert_closed(found.mesh)
    assert found.report.vertices_merged == len(corners) - len(ball.vertices)
    assert solid_of(found.mesh).volume == pytest.approx(ball.volume, rel=1e-5)  # float32


def test_faces_wound_at_random_agree_again_and_look_outward():
    ball = trimesh.creation.icosphere(2)
    rng = np.random.default_rng(0)
    flip = rng.random(len(ball.faces)) < 0.6
    faces = np.where(flip[:, None], ball.faces[:, ::-1], ball.faces)
    found = cleaned(mesh_of(ball.vertices, faces))
    assert_closed(found.mesh)
    # most were flipped: the fewest turns leave the ball inside out, which turns all of them again
    assert found.report.faces_turned == flip.sum()


def test_cavity_of_a_sound_mesh_stays_a_cavity():
    outer, inner = trimesh.creation.icosphere(2, 1.0), trimesh.creation.icosphere(2, 0.5)
    inner.invert()
    both = trimesh.util.concatenate([outer, inner])
    found = cleaned(from_trimesh(both))
    assert solid_of(found.mesh).volume == pytest.approx(both.volume, rel=1e-5)
    assert found.report.faces_turned == 0


def test_double_and_degenerate_faces_go():
    box = trimesh.creation.box()
    extra = [box.faces[0], box.faces[1][::-1], [0, 0, 1], [3, 3, 3]]
    found = cleaned(mesh_of(box.vertices, np.concatenate([box.faces, extra])))
    assert_closed(found.mesh)
    assert len(found.mesh.faces) == 12
    assert found.report.faces_removed == 4


def test_corner_on_an_edge_does_not_tear_the_surface():
    """A tetrahedron whose base is cut at the middle of an edge, closed by a face without area."""
    vertices = [[0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0.5, 0, 0]]
    faces = [[0, 4, 2], [4, 1, 2], [0, 1, 4], [0, 3, 1], [0, 2, 3], [1, 3, 2]]
    assert solid_of(mesh_of(vertices, faces)).is_watertight
    found = cleaned(mesh_of(vertices, faces))
    assert_closed(found.mesh)
    assert float(solid_of(found.mesh).area_faces.min()) > 0.1
    assert found.report.holes_closed == 0


@pytest.mark.parametrize(("offset", "branching"), [((1, 1, 0), 1), ((1, 1, 1), 0)])
def test_bodies_that_touch_come_apart_and_stay_closed(offset, branching):
    here, there = trimesh.creation.box(), trimesh.creation.box()
    there.apply_translation(offset)
    found = cleaned(from_trimesh(trimesh.util.concatenate([here, there])))
    assert_closed(found.mesh)
    assert found.report.branching_edges == branching
    assert len(solid_of(found.mesh).split()) == 2
    assert solid_of(found.mesh).volume == pytest.approx(2.0)


def test_hole_is_closed_flat_and_open_sheet_is_not():
    cylinder = trimesh.creation.cylinder(0.5, 2.0, sections=24)
    flat = np.abs(cylinder.face_normals[:, 2]) > 0.5
    found = cleaned(mesh_of(cylinder.vertices, cylinder.faces[~flat]))
    assert_closed(found.mesh)
    assert found.report.holes_closed == 2
    assert solid_of(found.mesh).volume == pytest.approx(cylinder.volume, rel=1e-5)
    left = cleaned(
        mesh_of(cylinder.vertices, cylinder.faces[~flat]), CleanOptions(max_hole_edges=8)
    )
    assert left.report.border_edges == 48
    sheet = mesh_of([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])
    assert cleaned(sheet).report.holes_closed == 0
    assert len(cleaned(sheet).mesh.faces) == 2


def test_crumbs_are_dropped_and_pieces_are_kept():
    large, small, crumb = (trimesh.creation.icosphere(2, r) for r in (1.0, 0.1, 0.01))
    small.apply_translation((3, 0, 0))
    crumb.apply_translation((0, 3, 0))
    found = cleaned(from_trimesh(trimesh.util.concatenate([large, small, crumb])))
    assert len(solid_of(found.mesh).split()) == 2  # areas as 1, 1e-2 and 1e-4


def test_looks_stay_with_their_faces():
    box = trimesh.creation.box()
    corners = box.vertices[box.faces].reshape(-1, 3)
    count = len(corners)
    uvs = torch.rand(count, 2, generator=torch.Generator().manual_seed(0))
    colours = torch.linspace(0, 1, 12)[:, None].expand(12, 3).contiguous()
    faces = np.arange(count).reshape(-1, 3)
    faces[5] = faces[5][::-1]
    given = mesh_of(
        corners, faces, uvs=uvs, texture=torch.zeros(4, 4, 3), face_colors=colours,
        part_ids=torch.arange(12),
    )  # fmt: skip
    found = cleaned(given).mesh
    assert_closed(found)
    assert torch.equal(found.face_colors, colours)
    assert torch.equal(found.part_ids, torch.arange(12))
    # every corner still has its texture coordinate
    for face in range(12):
        before = {tuple(corners[c].round(5)): tuple(uvs[c].tolist()) for c in faces[face]}
        after = {
            tuple(found.vertices[v].double().numpy().round(5)): tuple(found.uvs[u].tolist())
            for v, u in zip(found.faces[face].tolist(), found.uv_faces[face].tolist(), strict=True)
        }
        assert before == after


def test_made_faces_cost_the_texture_coordinates_and_the_report_says_so():
    box = trimesh.creation.box()
    open_box = mesh_of(
        box.vertices, box.faces[1:], uvs=torch.rand(8, 2), texture=torch.zeros(4, 4, 3)
    )
    found = cleaned(open_box)
    assert found.report.uvs_dropped
    assert found.mesh.uvs is None
    kept = cleaned(open_box, CleanOptions(max_hole_edges=0))
    assert not kept.report.uvs_dropped
    assert kept.report.border_edges == 3


@settings(max_examples=60, phases=[Phase.generate])
@given(st.lists(st.tuples(*[st.integers(0, 8)] * 3), min_size=1, max_size=40), st.integers(0, 99))
def test_any_triangles_become_a_manifold(faces, seed):
    vertices = np.random.default_rng(seed).random((9, 3))
    assume(any(len(set(corners)) == 3 for corners in faces))
    found = cleaned(mesh_of(vertices, faces), CleanOptions(min_piece=0.0))
    corners = found.mesh.faces.numpy()
    edges = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), 1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert counts.max() <= 2
    assert (counts == 1).sum() == found.report.border_edges
    assert float(solid_of(found.mesh).area_faces.min()) > 0


@pytest.mark.parametrize("name", ["spot", "suzanne"])
def test_real_meshes_become_closed(name):
    found = cleaned(real_mesh(name))
    assert_closed(found.mesh)
    assert found.report.border_edges == 0
    if name == "spot":
        assert not found.report.uvs_dropped
        assert found.report.vertices_merged == 3225 - 2930  # the texture's seams


@pytest.mark.parametrize(("name", "budget"), [("spot", 1500), ("suzanne", 300)])
def test_decimated_meshes_keep_budget_and_shape(name, budget):
    whole = real_mesh(name, uvs=False)
    fine = cleaned(whole).mesh
    coarse = decimated(fine, budget)
    assert_closed(coarse)
    assert budget - 20 < len(coarse.faces) <= budget
    assert solid_of(coarse).volume == pytest.approx(solid_of(fine).volume, rel=0.05)
    assert decimated(coarse, budget) is coarse
    again = decimated(fine, budget)
    assert torch.equal(again.vertices, coarse.vertices)


def test_decimated_ball_stays_a_ball():
    ball = trimesh.creation.icosphere(4, 0.4)
    coarse = decimated(from_trimesh(ball), 600)
    assert_closed(coarse)
    assert len(coarse.faces) <= 600
    # a polyhedron of 600 faces with its corners on a ball lacks 2 % of its volume
    assert solid_of(coarse).volume == pytest.approx(4 / 3 * np.pi * 0.4**3, rel=0.025)


def test_decimation_carries_colours_and_refuses_texture_coordinates():
    ball = trimesh.creation.icosphere(3)
    halves = torch.from_numpy(ball.triangles_center[:, 0] > 0).float()[:, None].expand(-1, 3)
    mesh = mesh_of(ball.vertices, ball.faces, face_colors=halves.contiguous())
    coarse = decimated(mesh, 300)
    middles = coarse.vertices[coarse.faces.long()].mean(1)[:, 0]
    clear = middles.abs() > 0.2
    assert torch.equal(coarse.face_colors[clear, 0] > 0.5, middles[clear] > 0)
    with pytest.raises(InputError, match="before making texture coordinates"):
        decimated(real_mesh("spot"), 100)


def test_meshes_without_area_are_refused():
    for vertices in (np.zeros((3, 3)), [[0, 0, 0], [1, 0, 0], [2, 0, 0]]):
        with pytest.raises(InputError, match="none of the mesh's 1 faces has an area"):
            cleaned(mesh_of(vertices, [[0, 1, 2]]))
    with pytest.raises(InputError, match="weld tolerance"):
        cleaned(from_trimesh(trimesh.creation.box()), CleanOptions(weld=1e-9))
