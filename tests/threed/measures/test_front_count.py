"""Fronts on a circle: by hand, and as a judge sees known objects."""

from dataclasses import replace

import pytest
import torch

from common.raster.mesh import TriangleMesh
from common.training.kit.asset_truth import true_object
from common.zoo.models import load_judge
from threed.evaluation.front_look import close_front, fronts_told, have_one_front
from threed.measures.front_count import count_fronts


@pytest.mark.parametrize(("ring", "count"), [
    ("##....................##", 1), ("........................", 0),
    ("########################", 0), ("##.........##.........##", 2),
    ("#.......................", 0), (".......##...............", 1),
    ("....##......##......##..", 3), ("....##.##...............", 1),
    ("##.####################.", 0), ("##...................##.", 1),
    ("..#.#...................", 1), ("...#..#.................", 0),
    ("############............", 0), ("###########.............", 1),
])  # fmt: skip
def test_fronts_are_runs_on_the_circle(ring, count):
    told = torch.tensor([sign == "#" for sign in ring])
    assert count_fronts(told) == count
    for turn in (1, 7, 23):  # where the circle is cut does not matter
        assert count_fronts(told.roll(turn)) == count
    assert count_fronts(told.flip(0)) == count


@pytest.fixture(scope="module")
def judge():
    return load_judge().model


def two_faced(mesh: TriangleMesh) -> TriangleMesh:
    """The half with the front, and the same turned about the vertical axis."""
    half = mesh.vertices[mesh.faces][..., 2].mean(1) > 0
    turned = mesh.vertices * mesh.vertices.new_tensor([-1.0, 1.0, -1.0])
    twice = {
        name: torch.cat([own[half]] * 2)
        for name in ("face_colors", "face_roughness", "face_metallic", "part_ids")
        if (own := getattr(mesh, name)) is not None
    }
    front = mesh.faces[half]
    on_page = (mesh.faces if mesh.uv_faces is None else mesh.uv_faces)[half]
    return replace(
        mesh, vertices=torch.cat([mesh.vertices, turned]), normals=None, normal_faces=None,
        faces=torch.cat([front, front + len(mesh.vertices)]), uv_faces=torch.cat([on_page] * 2),
        **twice,
    )  # fmt: skip


@pytest.mark.parametrize("thing", ["truck", "pumpkin"])
def test_true_object_has_one_front_and_a_two_faced_one_two(judge, thing):
    mesh = true_object(thing, None)
    assert fronts_told(judge, mesh) == 1
    assert fronts_told(judge, two_faced(mesh)) == 2


def test_thing_that_is_the_same_all_round_has_none(judge):
    truck, mushroom = (true_object(thing, None) for thing in ("truck", "mushroom"))
    assert fronts_told(judge, mushroom) == 0
    assert have_one_front(judge, [truck, truck])
    assert not have_one_front(judge, [truck, mushroom])


def test_close_front_fills_the_picture_as_emoji_do_and_shows_the_same():
    mesh = true_object("truck", "grey")
    moved = replace(mesh, vertices=0.6 * mesh.vertices + mesh.vertices.new_tensor([0.1, -0.1, 0.0]))
    for one in (mesh, moved):
        (alpha,) = close_front(one, 128)[:, 3] > 0
        rows, columns = alpha.any(1).nonzero(), alpha.any(0).nonzero()
        sides = [int(found[-1] - found[0]) + 1 for found in (rows, columns)]
        assert max(sides) == pytest.approx(115, abs=2)
        for found in (rows, columns):
            assert float(found.float().mean()) == pytest.approx(63.5, abs=1.5)
