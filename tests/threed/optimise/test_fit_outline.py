import dataclasses

import pytest
import torch

from common.cameras import orbit_cameras
from common.errors import InputError
from tests.threed.optimise.test_fit_mesh import ball
from threed.measures.silhouettes import mesh_iou, silhouettes
from threed.optimise.fit_outline import OutlineFit, fit_outline

FRONT = orbit_cameras(0.0, 0.0, 4.0, 25.0, 64, 64)
SIDE = orbit_cameras(90.0, 0.0, 4.0, 25.0, 64, 64)


@pytest.fixture(scope="module")
def egg():
    """A ball stretched upward by a tenth, whatever its colour."""
    round_one = ball(0.5)
    stretched = round_one.vertices * torch.tensor([1.0, 1.1, 1.0])
    return dataclasses.replace(round_one, vertices=stretched)


def test_outline_is_followed_and_depth_stays(egg):
    start, wanted = ball(0.5), silhouettes(egg, FRONT)
    *_, last = fit_outline(start, wanted, FRONT, OutlineFit())
    assert float(mesh_iou(start, wanted, FRONT)) < 0.93
    assert float(mesh_iou(last.mesh, wanted, FRONT)) > 0.98
    assert last.step == 100
    assert last.loss < 0.002  # squares of coverage; the start's are ten times as large
    deep = [float(one.vertices[:, 2].max()) for one in (start, last.mesh)]
    assert deep[1] == pytest.approx(deep[0], abs=0.01)


def test_colours_say_nothing(egg):
    wanted, steps = silhouettes(egg, FRONT), OutlineFit(num_steps=3)
    black = dataclasses.replace(ball(0.5), texture=torch.zeros(8, 8, 3))
    ends = []
    for start in (ball(0.5), black):
        *_, last = fit_outline(start, wanted, FRONT, steps)
        ends.append(last.mesh.vertices)
    assert torch.equal(*ends)


def test_pictures_of_other_cameras_are_refused(egg):
    with pytest.raises(InputError, match="for 1 cameras"):
        next(fit_outline(ball(0.5), torch.zeros(2, 64, 64), SIDE))
