import numpy as np
import pytest
import torch

from common.diffusion.gaussian_scenes import COLORS, draw_scenes
from common.diffusion.scene_motions import MOTIONS
from common.diffusion.scene_shapes import SHAPES


def pictures_of(scenes):
    return torch.einsum("kcj,j...->kc...", scenes.coefficients, scenes.fields)


def opacity_of(scenes, label):
    clip = torch.einsum(
        "cj,j...->c...", scenes.coefficients[scenes.labels.index(label)], scenes.fields
    )
    return (clip[3] + 1) / 2


def center_of(opacity):
    """Centre of what is nearly opaque (not the shadow), x right and y down, in pixels."""
    solid = (opacity > 0.6).double()
    rows, columns = torch.meshgrid(*[torch.arange(n).double() for n in solid.shape], indexing="ij")
    return float((solid * columns).sum() / solid.sum()), float((solid * rows).sum() / solid.sum())


@pytest.fixture(scope="module")
def stills():
    return draw_scenes((48, 48), num_variants=2)


@pytest.fixture(scope="module")
def clips():
    return draw_scenes((8, 32, 32), num_variants=1)


def test_every_combination_has_one_label(stills, clips):
    assert len(set(stills.labels)) == len(stills.labels) == 2 * len(SHAPES) * len(COLORS)
    assert len(set(clips.labels)) == len(clips.labels) == len(SHAPES) * len(COLORS) * len(MOTIONS)
    assert "large red ball" in stills.labels
    assert "green drop moving up" in clips.labels


@pytest.mark.parametrize("kind", ["stills", "clips"])
def test_pictures_are_premultiplied_rgba(kind, request):
    pictures = pictures_of(request.getfixturevalue(kind))
    rgb, alpha = (pictures[:, :3] + 1) / 2, (pictures[:, 3:] + 1) / 2
    assert float(alpha.min()) >= -1e-6
    assert float(alpha.max()) <= 1 + 1e-6
    assert float(rgb.min()) >= -1e-6
    # Premultiplied: no colour is brighter than it is opaque (float32 sums of three fields).
    assert float((rgb - alpha).max()) <= 1e-5


def test_corners_are_transparent_and_the_middle_is_opaque(stills):
    alpha = (pictures_of(stills)[:, 3] + 1) / 2
    assert float(alpha[:, :4, :4].max()) < 1e-6
    assert float(alpha[:, 23:25, 23:25].min()) > 0.99


@pytest.mark.parametrize("color", COLORS)
def test_colors_are_what_their_words_say(stills, color):
    pictures = pictures_of(stills)
    mean = pictures[[color in label.split() for label in stills.labels]].mean(0)
    strength = ((mean[:3] + 1) / 2).sum((1, 2))
    wanted = torch.tensor(COLORS[color])
    cosine = torch.cosine_similarity(strength, wanted, dim=0)
    assert float(cosine) > 0.985  # white glints and ink pull every colour a little towards grey


def test_motions_go_where_their_words_say(clips):
    ends = {}
    for motion in MOTIONS:
        opacity = opacity_of(clips, f"red ball {motion}")
        ends[motion] = np.array(center_of(opacity[-1])) - np.array(center_of(opacity[0]))
    assert ends["moving right"][0] > 10
    assert ends["moving left"][0] < -10
    assert ends["moving up"][1] < -8
    assert ends["moving down"][1] > 8
    assert np.abs(ends["spinning"]).max() < 0.5


def test_bouncing_leaves_the_ground_and_returns(clips):
    heights = [center_of(frame)[1] for frame in opacity_of(clips, "blue ball bouncing")]
    assert heights[0] - min(heights) > 8
    assert heights[4] == pytest.approx(heights[0], abs=0.01)  # the second jump starts there


def test_growing_and_shrinking_change_the_area(clips):
    area = {word: (opacity_of(clips, f"red star {word}") > 0.6).sum((1, 2)) for word in
            ("growing", "shrinking")}  # fmt: skip
    assert bool((area["growing"].diff() > 0).all())
    assert bool((area["shrinking"].diff() < 0).all())
    assert int(area["growing"][-1]) > 4 * int(area["growing"][0])


def test_spinning_turns_the_face(clips):
    opacity = opacity_of(clips, "red ball spinning")
    scenes = pictures_of(clips)[clips.labels.index("red ball spinning")]
    torch.testing.assert_close(opacity[0], opacity[4])
    assert float((scenes[0, 0] - scenes[0, 4]).abs().max()) > 0.5


def test_edges_are_antialiased(stills):
    alpha = opacity_of(stills, "large red ball")
    soft = ((alpha > 0.4) & (alpha < 0.95)).sum()
    solid = (alpha > 0.95).sum()
    assert 10 < int(soft) < int(solid) / 4
    # The area is that of the disc, pixel coverage being exact to a few percent of the border.
    radius = 0.95 * 0.50 * 24
    assert float(alpha[:36].sum()) == pytest.approx(np.pi * radius**2, rel=0.01)


def test_drawing_twice_gives_the_same_bytes():
    first, second = draw_scenes((4, 16, 24), 3), draw_scenes((4, 16, 24), 3)
    assert torch.equal(first.fields, second.fields)
    assert torch.equal(first.coefficients, second.coefficients)


def test_wide_pictures_keep_shapes_round():
    scenes = draw_scenes((32, 64), 1)
    solid = opacity_of(scenes, "red ball") > 0.6
    across, down = int(solid.any(0).sum()), int(solid.any(1).sum())
    assert abs(across - down) <= 1
