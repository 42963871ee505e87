"""Texture coordinates of real and of broken meshes, within a deadline."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from common.raster.texture import sample_texture
from tests.threed.real_meshes import real_mesh
from threed.meshing.cleaning import cleaned
from threed.texturing.box_charts import box_charts
from threed.texturing.distortion import distortion, stretch
from threed.texturing.packing import NoCharts, packed
from threed.texturing.page import page_fragments
from threed.texturing.texels import texels_of
from threed.texturing.unwrap import UnwrapOptions, unwrapped
from threed.texturing.uv_check import UvLimits, judged_uvs
from threed.texturing.xatlas_charts import CHILD, xatlas_charts

ROOT = Path(__file__).parents[3]


def mesh_of(vertices, faces, **more):
    return TriangleMesh(
        torch.tensor(np.array(vertices), dtype=torch.float32), torch.tensor(np.array(faces)).int(),
        **more,
    )  # fmt: skip


def soup(count, seed=0):
    """Triangles that have nothing to do with each other."""
    corners = np.random.default_rng(seed).random((3 * count, 3))
    return mesh_of(corners, np.arange(3 * count).reshape(-1, 3))


def square(scale=(1.0, 1.0), shift=(0.0, 0.0)):
    """A unit square seen through texture coordinates that are scaled and shifted."""
    flat = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    vertices = torch.cat([flat, torch.zeros(4, 1)], 1)
    uvs = flat * torch.tensor(scale) + torch.tensor(shift)
    return TriangleMesh(vertices, torch.tensor([[0, 1, 2], [0, 2, 3]]).int(), uvs=uvs)


def test_stretch_has_its_closed_form():
    assert stretch(square()) == pytest.approx((1.0, 1.0))
    assert stretch(square((0.3, 0.3))) == pytest.approx((1.0, 1.0))  # scale does not matter
    # singular values 1 / a and 1 / b, scaled by sqrt(a b)
    a, b = 0.8, 0.2
    l2 = np.sqrt(0.5 * (1 / a**2 + 1 / b**2) * a * b)
    assert stretch(square((a, b))) == pytest.approx((l2, np.sqrt(a / b)))
    assert stretch(square((0.5, 0.0))) == (float("inf"),) * 2


def test_coverage_and_overlap_are_areas():
    figures = distortion(square((0.5, 0.5)), 256)
    assert figures.coverage == pytest.approx(0.25)
    assert figures.overlap == pytest.approx(0.0, abs=1e-6)
    twice = square((0.5, 0.5))
    both = TriangleMesh(
        torch.cat([twice.vertices, twice.vertices + 2]),
        torch.cat([twice.faces, twice.faces + 4]),
        uvs=torch.cat([twice.uvs, twice.uvs + torch.tensor([0.25, 0.0])]),
    )
    # 0.5 of the page in charts, of which 0.125 lies on the other one
    assert distortion(both, 256).overlap == pytest.approx(0.25)


@pytest.mark.parametrize(("mesh", "reason"), [
    (square((0.9, 0.9), (0.3, 0.0)), "reach 0.2 beyond [0, 1]"),
    (square((0.2, 0.2)), "use 4.0% of the page"),
    (square((1.0, 0.01)), "100.0% of the surface is stretched more than 8"),
    (square((1.0, 0.0)), "has no area on the page"),
    (square((float("nan"), 1.0)), "not finite"),
])  # fmt: skip
def test_bad_coordinates_are_refused_with_the_reason(mesh, reason):
    verdict = judged_uvs(mesh)
    assert not verdict.good
    assert any(reason in one for one in verdict.reasons)


def test_mirrored_halves_are_an_overlap():
    """Two faces on the same texels, as symmetric models have them."""
    half = square()
    shared = TriangleMesh(half.vertices, half.faces, uvs=half.uvs, uv_faces=half.faces[[0, 0]])
    (reason,) = judged_uvs(shared).reasons
    assert "50.0% of the charts' area lies on other charts" in reason


def test_good_coordinates_are_kept_with_their_texture():
    spot = real_mesh("spot")
    assert "reach 0.0522 beyond [0, 1]" in judged_uvs(spot).reasons[0]
    inside = replace(spot, uvs=(spot.uvs + 0.06) / 1.07, texture=torch.rand(8, 8, 3))
    kept = unwrapped(inside)
    assert (kept.way, kept.reasons) == ("kept", ())
    assert kept.mesh is inside
    assert kept.figures.overlap < 0.01
    few = UvLimits(min_coverage=0.9)
    bent = unwrapped(inside, UnwrapOptions(256, 4, deadline_s=0.0, limits=few))
    assert bent.way == "boxes"
    assert "of the page" in bent.reasons[0]
    assert bent.mesh.texture is None  # it belonged to the old ones


def test_coordinates_across_the_pages_edge_are_shrunk_onto_it():
    """Spot's horns' chart reaches to -0.05 and shows the picture's other side there."""
    spot = replace(real_mesh("spot"), texture=torch.rand(8, 8, 3))
    kept = unwrapped(spot)
    assert kept.way == "kept"
    assert kept.reasons == (
        "its own texture coordinates: they reach 0.0522 beyond [0, 1]; all shrunk to 0.953 of "
        "their size",
    )
    assert kept.mesh.texture is None
    low, high = kept.mesh.uvs.amin(0), kept.mesh.uvs.amax(0)
    assert bool((low > 0.003).all())
    assert bool((high < 0.997).all())
    before = (spot.uvs - spot.uvs.amin(0)) * 0.953
    torch.testing.assert_close(kept.mesh.uvs - low, before, atol=1e-3, rtol=0)


def test_charts_on_other_repetitions_are_moved_by_whole_pages():
    texture = torch.rand(8, 8, 3, generator=torch.Generator().manual_seed(0))
    tile = replace(square((0.4, 0.8), (0.1, 0.1)), texture=texture)
    both = TriangleMesh(
        torch.cat([tile.vertices, tile.vertices + 2]), torch.cat([tile.faces, tile.faces + 4]),
        uvs=torch.cat([tile.uvs + torch.tensor([2.0, -1.0]), tile.uvs + torch.tensor([0.45, 0])]),
        texture=texture,
    )  # fmt: skip
    kept = unwrapped(both, UnwrapOptions(256, 4, deadline_s=0.0))
    assert kept.way == "kept"
    assert kept.reasons[0].endswith("moved by whole pages")
    assert kept.mesh.texture is texture
    torch.testing.assert_close(kept.mesh.uvs[:4], tile.uvs, atol=1e-6, rtol=0)
    shown = [sample_texture(texture, one.uvs) for one in (both, kept.mesh)]
    # float32 keeps 2.1 to 2e-7, of which 8 texels make a difference of 2e-6
    torch.testing.assert_close(*shown, atol=1e-5, rtol=0)


def test_small_pictures_repeated_all_over_are_not_kept():
    tiled = unwrapped(square((4.0, 4.0)), UnwrapOptions(256, 4, deadline_s=0.0))
    assert tiled.way == "boxes"
    assert tiled.reasons[0] == "its own texture coordinates: they reach 3 beyond [0, 1]"
    both = square()
    stacked = TriangleMesh(
        torch.cat([both.vertices, both.vertices + 2]), torch.cat([both.faces, both.faces + 4]),
        uvs=torch.cat([both.uvs, both.uvs + torch.tensor([1.0, 0.0])]),
    )  # fmt: skip
    found = unwrapped(stacked, UnwrapOptions(256, 4, deadline_s=0.0))
    assert found.way == "boxes"  # on one page the two tiles lie on each other
    assert "50.0% of the charts' area lies on other charts" in found.reasons[1]


def assert_good(found, size):
    mesh = found.mesh
    assert float(mesh.uvs.min()) > 0
    assert float(mesh.uvs.max()) < 1
    assert found.figures.overlap < 0.01
    assert np.isfinite(found.figures.stretch_l2)
    texels_of(mesh, size)


def chart_distance(mesh, size):
    """Least Chebyshev distance between texels of different charts, up to 20."""
    from scipy import ndimage
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    corners = mesh.uv_faces.numpy()
    ends = (corners.ravel(), np.roll(corners, 1, axis=1).ravel())
    graph = coo_array((np.ones(len(ends[0])), ends), (len(mesh.uvs),) * 2)
    chart_of = connected_components(graph, directed=False)[1][corners[:, 0]]
    face = page_fragments(mesh, size).face_index[0].numpy()
    labels = np.where(face < 0, -1, chart_of[face])
    nearest = 20
    for chart in np.unique(labels[labels >= 0]):
        away = ndimage.distance_transform_cdt((labels < 0) | (labels == chart), "chessboard")
        if away.max() > 0:
            nearest = min(nearest, int(away[labels == chart].min()))
    return nearest


@pytest.mark.parametrize(("name", "padding"), [("suzanne", 4), ("suzanne", 17), ("spot", 17)])
def test_xatlas_charts_keep_their_distance_within_the_deadline(name, padding):
    mesh = cleaned(real_mesh(name, uvs=False)).mesh
    found = unwrapped(mesh, UnwrapOptions(512, padding, deadline_s=300.0, keep_existing=False))
    assert (found.way, found.reasons) == ("xatlas", ())
    assert_good(found, 512)
    assert chart_distance(found.mesh, 512) >= padding


def test_charts_do_not_depend_on_the_units():
    """xatlas' tolerances are lengths: what is a few centimetres large would fall to pieces."""
    ball = trimesh.creation.icosphere(4)
    # powers of two, so that nothing is rounded
    small, same, large = (
        xatlas_charts(mesh_of(2.0**power * ball.vertices, ball.faces), 256, 4, 300.0)
        for power in (-12, 0, 12)
    )
    assert torch.equal(small.uvs, same.uvs)
    assert torch.equal(large.uvs, same.uvs)
    assert distortion(same, 256).coverage > 0.4


@pytest.mark.parametrize(("name", "max_l2"), [("suzanne", 1.2), ("spot", 1.2)])
def test_boxes_keep_distance_and_stretch_little(name, max_l2):
    mesh = cleaned(real_mesh(name, uvs=False)).mesh
    found = unwrapped(mesh, UnwrapOptions(512, 5, deadline_s=0.0, keep_existing=False))
    assert (found.way, found.padding_texels) == ("boxes", 5)
    assert "deadline_s is 0" in found.reasons[0]
    assert_good(found, 512)
    assert found.figures.stretch_l2 < max_l2
    assert chart_distance(found.mesh, 512) >= 5


def test_layers_over_each_other_become_charts_of_their_own():
    """A ramp that winds up twice looks up everywhere, and hides itself."""
    angle = np.linspace(0, 4 * np.pi, 200)
    rim = np.stack([np.cos(angle), 0.1 * angle, np.sin(angle)], 1)
    core = rim * [0.4, 1, 0.4]
    faces = [f for i in range(199) for f in ((i, i + 200, i + 1), (i + 1, i + 200, i + 201))]
    ramp = mesh_of(np.concatenate([rim, core]), faces)
    made = box_charts(ramp, 256, 4)
    assert distortion(made, 1024).overlap < 0.002
    assert stretch(made)[0] < 1.1


def test_soup_ends_on_a_grid_with_the_reasons():
    found = unwrapped(soup(20_000), UnwrapOptions(256, 4, deadline_s=0.0))
    assert found.way == "grid"
    assert "do not fit a page of 256 texels, 1 apart" in found.reasons[-1]
    assert found.figures.overlap < 0.01
    assert float(found.mesh.uvs.min()) > 0
    assert float(found.mesh.uvs.max()) < 1


def test_packing_never_overlaps():
    sides = np.sort(np.random.default_rng(0).random((300, 2)), 1)[:, ::-1].copy()
    places, scale = packed(sides, 1024, 6)
    low, high = places, places + sides * scale
    assert (low >= 3).all()
    assert (high <= 1024 - 3).all()
    apart = np.maximum(low[:, None] - high[None], low[None] - high[:, None]).max(-1)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= 6
    with pytest.raises(NoCharts, match="300 charts do not fit"):
        packed(sides, 64, 6)


def test_a_deadline_ends_xatlas_and_boxes_follow():
    rough = soup(3000)
    started = time.monotonic()
    found = unwrapped(rough, UnwrapOptions(2048, 2, deadline_s=0.2))
    assert found.way in ("boxes", "grid")
    assert found.reasons[0] == "xatlas was not done after 0.2 s"
    assert time.monotonic() - started < 120  # hours without a deadline; slow machines included
    assert not _children()


def test_xatlas_that_fails_says_why(monkeypatch, tmp_path):
    broken = tmp_path / "child.py"
    broken.write_text("import sys\nsys.exit('out of luck')\n")
    monkeypatch.setattr("threed.texturing.xatlas_charts.CHILD", broken)
    with pytest.raises(NoCharts, match="ended with code 1: out of luck"):
        xatlas_charts(soup(2), 64, 2, 60.0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_child_survives_its_parent(tmp_path, how):
    """Ctrl-C, and a death without last words; the real child up to the work itself."""
    wait = f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    wait += "    import time\n    time.sleep(600)\n"
    code = CHILD.read_text().replace("    import xatlas\n", wait)
    assert wait in code
    slow = tmp_path / "slow_child.py"
    slow.write_text(code)
    script = (
        "import signal\nimport threed.texturing.xatlas_charts as charts\nfrom pathlib import Path\n"
        # background shells start programs deaf to Ctrl-C
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"charts.CHILD = Path({str(slow)!r})\n"
        "charts._run(['in.npz', 'out.npz', '64', '2'], 500.0)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        pid = _awaited(tmp_path / "pid")
        parent.send_signal(how)
        parent.wait(60)
        for _ in range(600):
            if not Path(f"/proc/{pid}").exists() or _is_zombie(pid):
                return
            time.sleep(0.1)
        pytest.fail("the child still runs")
    finally:
        parent.kill()
        parent.wait()


def _awaited(path):
    for _ in range(3000):
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.1)
    pytest.fail("the child never started")


def _is_zombie(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def _children():
    """Processes of this one that run the child's file."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status, command = (entry / "status").read_text(), (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if f"PPid:\t{os.getpid()}\n" in status and CHILD.name.encode() in command:
            found.append(entry.name)
    return found


def test_wrong_requests_are_refused():
    with pytest.raises(InputError, match="padding of 1 texel"):
        unwrapped(soup(2), UnwrapOptions(padding_texels=0))
    flat = mesh_of(np.zeros((3, 3)), [[0, 1, 2]])
    with pytest.raises(InputError, match="none of the mesh's 1 faces has an area"):
        unwrapped(flat)


@pytest.mark.slow
def test_two_million_faces_are_unwrapped_in_bounded_memory():
    import resource

    ball = trimesh.creation.icosphere(8)  # 1,310,720 faces; with noise, and a soup beside it
    rng = np.random.default_rng(0)
    rough = ball.vertices * (1 + 2e-4 * rng.standard_normal((len(ball.vertices), 1)))
    side = 2_000_000 - len(ball.faces)
    grid = trimesh.creation.icosphere(7)
    more = np.concatenate([grid.faces] * 3)[:side]
    mesh = mesh_of(
        np.concatenate([rough, 0.3 * grid.vertices + [3, 0, 0]]),
        np.concatenate([ball.faces, more + len(rough)]),
    )
    clean = cleaned(mesh).mesh
    found = unwrapped(clean, UnwrapOptions(1024, 4))
    assert found.way == "boxes"
    assert "more than 200,000" in found.reasons[0]
    assert found.figures.overlap < 0.01
    # numpy's index arrays of 6 million half-edges; 8 GiB is what small laptops have
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 8 * 2**20


@pytest.mark.slow
def test_bunny_is_unwrapped():
    mesh = cleaned(real_mesh("stanford_bunny")).mesh
    found = unwrapped(mesh, UnwrapOptions(1024, 8, deadline_s=300.0))
    assert (found.way, found.reasons) == ("xatlas", ())
    assert_good(found, 1024)
    assert found.figures.coverage > 0.35
    assert found.figures.stretch_l2 < 1.05
