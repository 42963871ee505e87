"""Pictures of objects, and what is known about every pixel of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from common.cameras import project, rays
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.kit_object import KitObject
from common.kit.occlusion import ambient_visibility
from common.kit.palette import PALETTE, colour_name
from common.kit.patterns import Plain
from common.kit.render import KitPictures, render_albedo, render_views
from common.kit.textured import textured_mesh
from common.kit.views import FRONT, View, camera_of

SIZE = 64
NAMES = ("mug", "chair", "hammer", "mushroom", "car", "key")
VIEWS = (FRONT, View(130.0, 40.0, 45.0, 0.9), View(250.0, -8.0, 20.0, 0.7))


def built(name: str, seed: int = 0) -> KitObject:
    return instance(category_named(name), seed)


def vertices(one: KitObject) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([part.mesh.vertices for part in one.parts]))


@pytest.fixture(scope="module", params=NAMES)
def seen(request: pytest.FixtureRequest) -> tuple[KitObject, KitPictures]:
    one = built(request.param)
    return one, render_views(one, VIEWS, SIZE)


def test_colour_is_premultiplied(seen):
    rgba = seen[1].rgba
    assert float(rgba.min()) >= 0
    assert float(rgba[..., 3].max()) <= 1 + 1e-6
    # The product with alpha and the sums of the pixel filter round, in float32.
    assert bool((rgba[..., :3] <= rgba[..., 3:] + 1e-6).all())
    assert not rgba[rgba[..., 3] == 0].any()
    assert 0 < float((rgba[..., 3] > 0.9999).float().mean()) < 1


def test_depth_normal_and_part_are_empty_together(seen):
    one, pictures = seen
    empty = pictures.part_id < 0
    assert bool((pictures.part_id[empty] == -1).all())
    assert torch.equal(empty, pictures.depth == 0)
    assert torch.equal(empty, (pictures.normal == 0).all(-1))
    assert int(pictures.part_id.max()) < len(one.parts)
    # A pixel that is full, with all its neighbours, has its centre on the object; one that is
    # empty has not.
    assert not empty[pictures.rgba[..., 3] > 0.9999].any()
    assert bool(empty[pictures.rgba[..., 3] == 0].all())


def test_alpha_is_the_filtered_coverage_of_the_pixels():
    for name in ("chair", "key"):
        pictures = render_views(built(name), VIEWS, SIZE, supersample=1)
        # With one sample a pixel, depth tells which centres are hit; the pixel filter then mixes
        # each with its neighbours by (1, 6, 1) / 8 along both axes.
        hit = np.pad((pictures.depth > 0).double().numpy(), ((0, 0), (1, 1), (1, 1)))
        rows = (hit[:, :-2] + 6 * hit[:, 1:-1] + hit[:, 2:]) / 8
        wanted = (rows[..., :-2] + 6 * rows[..., 1:-1] + rows[..., 2:]) / 8
        assert pictures.rgba[..., 3].numpy() == pytest.approx(wanted, abs=1e-6)


def test_normals_are_unit_and_face_the_camera(seen):
    pictures = seen[1]
    covered = pictures.part_id >= 0
    assert torch.allclose(pictures.normal[covered].norm(dim=-1), torch.tensor(1.0), atol=1e-5)
    directions = rays(pictures.cameras)[1]
    cosine = -(pictures.normal * directions).sum(-1)[covered]
    # Smooth normals lean over the horizon at silhouettes, but not far, and at few pixels.
    assert float((cosine < 0).float().mean()) < 0.02
    assert float(cosine.min()) > -0.5
    assert float(cosine.median()) > 0.4


def test_depth_lies_within_the_object(seen):
    one, pictures = seen
    depth = project(pictures.cameras.to(torch.float64), vertices(one))[1]
    for view, drawn in enumerate(pictures.depth):
        inside = drawn[drawn > 0]
        assert float(inside.min()) >= float(depth[view].min()) - 1e-4
        assert float(inside.max()) <= float(depth[view].max()) + 1e-4


def test_parts_that_are_in_front_are_seen():
    one = built("mug")
    pictures = render_views(one, [FRONT], SIZE)
    counts = np.bincount(pictures.part_id[pictures.part_id >= 0].numpy(), minlength=len(one.parts))
    shares = {part.name: 0 for part in one.parts}
    for part, count in zip(one.parts, counts.tolist(), strict=True):
        shares[part.name] += count
    assert shares["body"] > shares["handle"] > 20


def test_same_object_gives_the_same_bits_in_any_company():
    one = built("sailboat")
    together, again = (render_views(one, VIEWS, SIZE) for _ in range(2))
    for field in ("rgba", "depth", "normal", "part_id"):
        assert torch.equal(getattr(together, field), getattr(again, field))
    for index, view in enumerate(VIEWS):
        alone = render_views(one, [view], SIZE)
        for field in ("rgba", "depth", "normal", "part_id"):
            assert torch.equal(getattr(together, field)[index], getattr(alone, field)[0])


@pytest.mark.parametrize("name", NAMES)
def test_albedo_is_the_paint_that_the_caption_names(name: str):
    one = built(name, 4)
    mesh = textured_mesh(one.parts)
    camera = camera_of(FRONT, mesh.vertices, 2 * SIZE)
    albedo = render_albedo(mesh, camera, supersample=1)[0]
    part_id = render_views(one, [FRONT], 2 * SIZE, supersample=1).part_id[0]
    errors = []
    for index, part in enumerate(one.parts):
        pixels = albedo[part_id == index][:, :3].numpy()
        if len(pixels) >= 30 and isinstance(part.pattern, Plain):
            # Once to linear light and back in float32; mip levels mix neighbours in the atlas into
            # the borders of charts that are seen small or at a slant.
            assert np.median(pixels, axis=0) == pytest.approx(part.paint.rgb, abs=1e-3)
            errors.append(np.abs(pixels - part.paint.rgb).max(1))
    assert (np.concatenate(errors) > 0.1).mean() < 0.05
    mains = [part for part in one.parts if part.name == one.facts.category.main.english]
    assert colour_name(mains[0].paint.rgb) == one.facts.main


@pytest.mark.parametrize("colour", list(PALETTE))
def test_lit_colour_still_has_its_name(colour: str):
    """Of a satin body the half toward the light is nearest to the name it was painted with."""
    for seed in range(2):
        one = instance(category_named("bucket"), seed, main=colour)
        pictures = render_views(one, [FRONT], SIZE)
        body = [index for index, part in enumerate(one.parts) if part.name == "body"]
        mask = torch.isin(pictures.part_id[0], torch.tensor(body, dtype=torch.int32))
        pixels = pictures.rgba[0][mask & (pictures.rgba[0, ..., 3] > 0.999)][:, :3].double()
        light = pixels.sum(1)
        lit = pixels[light > light.median()].median(0).values.numpy()
        assert colour_name(lit) == colour


def test_light_comes_from_above_left_of_the_viewer():
    one = instance(category_named("football"), 0, main="white", accent="white")
    pictures = render_views(one, [View(0.0, 0.0, 25.0)], SIZE)
    bright = pictures.rgba[0, ..., :3].mean(-1)
    covered = pictures.rgba[0, ..., 3] > 0.999
    half = SIZE // 2
    top, bottom = bright[:half][covered[:half]].mean(), bright[half:][covered[half:]].mean()
    left, right = (
        bright[:, :half][covered[:, :half]].mean(),
        bright[:, half:][covered[:, half:]].mean(),
    )
    assert top > 1.05 * bottom
    assert left > right


def test_turned_light_is_the_kits_seen_from_elsewhere():
    """A ball looks from 90 degrees, under light turned by 90, as it does from the front."""
    ball = instance(category_named("football"), 0, main="white", accent="white")
    still, turned, unturned = (
        render_views(ball, [view], SIZE).rgba[0].clone()
        for view in (
            View(0.0, 0.0, 25.0), View(90.0, 0.0, 25.0, light_deg=90.0), View(90.0, 0.0, 25.0),
        )
    )  # fmt: skip
    half = SIZE // 2
    # Its patches lie elsewhere, so only the average over the halves is compared.
    shade, same, other = (
        torch.stack([one[:, :half].mean((0, 1)) - one[:, half:].mean((0, 1))])
        for one in (still, turned, unturned)
    )
    assert float((shade - same).abs().max()) < 0.01
    assert float((shade - other).abs().max()) > 0.03


def test_views_under_their_own_lights_are_those_drawn_alone():
    views = [replace(view, light_deg=30.0 * i) for i, view in enumerate(VIEWS)]
    one = built("mug")
    together = render_views(one, views, SIZE)
    for i, view in enumerate(views):
        alone = render_views(one, [view], SIZE)
        assert torch.equal(together.rgba[i], alone.rgba[0])
        assert torch.equal(together.depth[i], alone.depth[0])
    still = render_views(one, VIEWS, SIZE)
    assert torch.equal(together.depth, still.depth)
    assert not torch.equal(together.rgba[1], still.rgba[1])


def test_creases_are_dark_and_open_surfaces_are_not():
    one = built("snowman")
    pictures = render_views(one, [FRONT], SIZE)
    visible = ambient_visibility(pictures.depth, pictures.normal, pictures.cameras)
    assert bool((visible[pictures.depth == 0] == 1).all())
    assert float(visible.min()) < 0.7
    assert float((visible[pictures.depth > 0] > 0.95).float().mean()) > 0.5
    ball = render_views(instance(category_named("basketball"), 0), [FRONT], SIZE)
    alone = ambient_visibility(ball.depth, ball.normal, ball.cameras)
    assert float(alone[ball.depth > 0].mean()) > 0.97


def test_back_differs_from_front_unless_the_category_says_so():
    for name in ("television", "mug"):
        one = built(name, 1)
        front, back = render_views(one, [FRONT, View(180.0, 12.0, 25.0)], SIZE).rgba
        assert one.front_ambiguous == (name == "mug")
        mirrored = min(
            float((front - back).abs().mean()), float((front - back.flip(1)).abs().mean())
        )
        assert (mirrored < 0.02) == one.front_ambiguous
