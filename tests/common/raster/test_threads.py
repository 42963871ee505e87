import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from common.raster.antialias import antialias
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import rasterize
from common.raster.render import render_mesh
from common.raster.threads import run_blocks
from tests.common.raster.scenes import front, triangle_soup

ROOT = Path(__file__).parents[3]


def picture_and_gradients(vertices, faces):
    """Everything differentiable at once, over several bands of rows."""
    cameras = front(100, dtype=vertices.dtype)
    points = vertices.clone().requires_grad_()
    colors = (vertices * 3).sin().requires_grad_()
    fragments = rasterize(points, faces, cameras)
    color = interpolate(colors, faces, fragments)
    shown = antialias(color, points, faces, cameras, fragments)
    (shown.square().sum() + fragments.depth.sum()).backward()
    return [fragments.face_index, fragments.barycentric, shown.detach(), points.grad, colors.grad]


@pytest.fixture(scope="module")
def mesh():
    # more triangles than one block holds
    return triangle_soup(1, 6000, torch.float32, size=0.2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_are_the_same_to_the_bit_for_any_number_of_threads(mesh, dtype):
    vertices, faces = mesh[0].to(dtype), mesh[1]
    torch.set_num_threads(1)
    expected = picture_and_gradients(vertices, faces)
    for threads in (2, 3, 8):
        torch.set_num_threads(threads)
        for ours, theirs in zip(picture_and_gradients(vertices, faces), expected, strict=True):
            assert torch.equal(ours, theirs)


def test_render_is_the_same_to_the_bit_for_any_number_of_threads(mesh):
    shown = []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        render = render_mesh(TriangleMesh(*mesh), front(40, dtype=torch.float32))
        shown.append((render.rgba, render.depth, render.normal))
    for other in shown[1:]:
        assert all(torch.equal(a, b) for a, b in zip(shown[0], other, strict=True))


def test_concurrent_callers_do_not_disturb_each_other(mesh):
    expected = picture_and_gradients(*mesh)
    torch.set_num_threads(3)
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(lambda _: picture_and_gradients(*mesh), range(8)):
            assert all(torch.equal(a, b) for a, b in zip(results, expected, strict=True))


def test_a_forked_child_can_draw():
    # data loaders fork; a pool of threads does not survive that by itself
    code = """
import os, threading, time, torch
from tests.common.raster.scenes import front, sphere
from common.raster.rasterize import rasterize
torch.set_num_threads(2)
vertices, faces = sphere(3)
expected = rasterize(vertices, faces, front(64)).face_index
from common.raster.threads import run_blocks
def workers():
    seen = set()
    run_blocks(lambda start, stop: (seen.add(threading.get_ident()), time.sleep(0.2)), 4, 1)
    return len(seen)
assert workers() == 2
child = os.fork()
if child == 0:
    same = torch.equal(rasterize(vertices, faces, front(64)).face_index, expected)
    os._exit(0 if same and workers() == 2 else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, timeout=120, check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize(("count", "block"), [(0, 4), (1, 4), (8, 4), (9, 4), (100, 1)])
def test_blocks_cover_the_range_once(threads, count, block):
    torch.set_num_threads(threads)
    hits = np.zeros(count, int)

    def mark(start, stop):
        assert 0 < stop - start <= block
        hits[start:stop] += 1

    run_blocks(mark, count, block)
    assert hits.tolist() == [1] * count


def test_an_error_in_a_block_reaches_the_caller():
    torch.set_num_threads(3)

    def fail(start, stop):
        raise ZeroDivisionError(start)

    with pytest.raises(ZeroDivisionError):
        run_blocks(fail, 10, 1)
