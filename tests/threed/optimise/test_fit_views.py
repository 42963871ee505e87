import itertools

import pytest
import torch

from common.cameras import orbit_cameras
from common.errors import InputError
from tests.threed.kit_views import AROUND_8, HELD_OUT, kit_views
from tests.threed.scenes.test_visual_hull import ball_alpha
from threed.measures.consistency import view_psnr
from threed.measures.ellipsoid import best_ellipsoid, ellipsoid_iou
from threed.measures.silhouettes import silhouette_iou
from threed.optimise.fit_options import FitOptions
from threed.optimise.fit_views import fit_views
from threed.optimise.hull_start import allowed_nodes, cells_of, hull_body, hull_box
from threed.rendering.volume import render
from threed.scenes.voxel_field import EMPTY_RAW, colour_of

SHORT = FitOptions(num_cells=16, steps=(3, 3), rays_per_step=256)


def ball_pictures(views=4, size=32, radius=0.4, centre=(0.0, 0.0, 0.0)):
    """A ball of one colour seen from around."""
    azimuths = [360.0 * i / views for i in range(views)]
    cameras = orbit_cameras(azimuths, 12.0, 3.6, 25.0, size, size)
    alpha = ball_alpha(cameras, radius, centre).float()
    colour = torch.tensor([0.9, 0.3, 0.1, 1.0])
    return alpha[..., None] * colour, cameras


def last(steps):
    *_, final = steps
    return final


def same(one, other):
    return torch.equal(one.field.density, other.field.density) and torch.equal(
        one.field.colour, other.field.colour
    )


# ------------------------------------------------------------------------- the start


def test_box_holds_the_hull_tightly_with_cubic_cells():
    pictures, cameras = ball_pictures(centre=(0.1, 0.05, 0.0), radius=0.3)
    box = hull_box(pictures[..., 3], cameras, ((-0.6,) * 3, (0.6,) * 3), 32, 1)
    x, y, z = box.cell_m
    assert (x, y) == (pytest.approx(z), pytest.approx(z))
    assert max(box.density.shape) == 33
    assert box.low[0] == pytest.approx(-box.high[0])
    low, high = torch.tensor(box.low), torch.tensor(box.high)
    assert bool((low <= torch.tensor([-0.4, -0.25, -0.3])).all())
    assert bool((high >= torch.tensor([0.4, 0.35, 0.3])).all())
    # the hull of four silhouettes is larger than the ball by its corners, margins come on top
    assert float((high - low).max()) < 1.3


def test_body_is_dense_within_the_hull_and_has_the_pictures_colour():
    pictures, cameras = ball_pictures()
    box = hull_box(pictures[..., 3], cameras, ((-0.6,) * 3, (0.6,) * 3), 32, 1)
    body = hull_body(box, pictures, cameras, 1.0)
    middle = tuple(size // 2 for size in body.density.shape)
    assert float(body.density[middle]) == pytest.approx(3.0, abs=0.01)
    torch.testing.assert_close(
        colour_of(body.colour[middle]), torch.tensor([0.9, 0.3, 0.1]), atol=0.005, rtol=0
    )
    allowed = allowed_nodes(box, pictures[..., 3], cameras, 1)
    assert 0.2 < float(allowed.float().mean()) < 0.8
    assert int(cells_of(allowed).sum()) > 0
    assert not bool(((body.density > 0) & ~allowed).any())


def test_pictures_of_nothing_in_common_are_refused():
    pictures, cameras = ball_pictures()
    pictures = torch.zeros_like(pictures)
    pictures[0, :8] = 1.0
    pictures[2, 24:] = 1.0
    with pytest.raises(InputError, match="no point of space in common"):
        next(fit_views(pictures, cameras, SHORT))
    with pytest.raises(InputError, match=r"\(4, 16, 32\) for 4 cameras"):
        next(fit_views(pictures[:, :16], cameras, SHORT))


def test_options_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        FitOptions(num_cells=66, steps=(1, 1, 1))
    with pytest.raises(ValueError, match="needs steps"):
        FitOptions(steps=(0, 5))
    assert FitOptions(steps=(2, 1)).num_steps == 3


# ------------------------------------------------------------------------- the steps


def test_a_fit_repeats_to_the_bit_and_follows_its_seed():
    pictures, cameras = ball_pictures()
    first, again, other = (
        last(fit_views(pictures, cameras, SHORT, seed=seed)) for seed in (1, 1, 2)
    )
    assert same(first, again)
    assert first.losses == again.losses
    assert not same(first, other)
    assert [step.step for step in fit_views(pictures, cameras, SHORT)] == list(range(1, 7))


@pytest.mark.parametrize("stop", range(1, 7))
def test_a_continued_fit_ends_in_the_same_bits(stop):
    pictures, cameras = ball_pictures()
    whole = last(fit_views(pictures, cameras, SHORT, seed=5))
    part = last(itertools.islice(fit_views(pictures, cameras, SHORT, seed=5), stop))
    rest = list(fit_views(pictures, cameras, SHORT, seed=5, state=part.state))
    assert [step.step for step in rest] == list(range(stop + 1, 7))
    assert stop == 6 or same(rest[-1], whole)


def test_matter_stays_where_silhouettes_allow_it():
    pictures, cameras = ball_pictures()
    field = last(fit_views(pictures, cameras, SHORT)).field
    cells = cells_of(allowed_nodes(field, pictures[..., 3], cameras, SHORT.hull_margin_px))
    corners = torch.nn.functional.pad(cells.float(), (1, 1, 1, 1, 1, 1))
    touched = torch.nn.functional.max_pool3d(corners[None], 2, 1)[0] > 0
    assert 0.1 < float(touched.float().mean()) < 0.9
    assert bool((field.density[~touched] == EMPTY_RAW).all())


def test_mirror_symmetry_is_learned_when_asked():
    pictures, cameras = ball_pictures(views=2, centre=(0.1, 0.0, 0.0), radius=0.3)
    differences = []
    for weight in (0.0, 10.0):
        options = FitOptions(num_cells=16, steps=(60,), rays_per_step=512, lambda_asymmetry=weight)
        density = last(fit_views(pictures, cameras, options)).field.density.detach()
        opaque = density.clamp(-3, 3)
        differences.append(float((opaque - opaque.flip(0)).abs().mean()))
    assert differences[1] < 0.7 * differences[0]


# ------------------------------------------------------------------------- real objects


@pytest.mark.parametrize(
    ("name", "min_psnr", "min_iou", "min_consistency"),
    [("duck", 25.0, 0.95, 27.0), ("car", 19.0, 0.94, 21.0)],
)
def test_objects_are_recovered_from_eight_views(name, min_psnr, min_iou, min_consistency):
    given, held = kit_views(name, AROUND_8, 64), kit_views(name, HELD_OUT, 64)
    options = FitOptions(num_cells=48, steps=(40, 40), rays_per_step=2048)
    field = last(fit_views(given.rgba, given.cameras, options)).field
    seen = render(field, held.cameras)
    psnr = float(view_psnr(seen.rgba.detach(), held.rgba).mean())
    alpha = held.rgba[..., 3]
    iou = float(silhouette_iou(seen.opacity.detach(), alpha).mean())
    assert psnr > min_psnr
    assert iou > min_iou
    # neither a blob nor a billboard comes near: the best of all ellipsoids
    blob = float(ellipsoid_iou(best_ellipsoid(alpha, held.cameras), alpha, held.cameras).mean())
    assert iou > blob + 0.1
    # the scene shows its pictures again: the consistency of true views
    again = render(field, given.cameras).rgba.detach()
    assert float(view_psnr(again, given.rgba).mean()) > min_consistency
