"""Where first frames have their things."""

import math

import pytest
import torch
from scipy import stats

from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import DPMSolverPP2M
from common.embedded.first_frame import clip_draws, first_frames
from common.embedded.framing import Framing, FramingArchitecture, boxes_of, laid
from common.errors import InputError
from common.seeding import generators_for
from common.training.frames.framing_fit import Told, fit, fit_framing, told_of
from common.zoo.models import load_frame_prior, load_framing, load_prior_models
from tests.common.training.frames.test_frame_layers_trainer import Steps
from tests.common.zoo.small_zoo import store_frame_layers, store_prior

SMALL = FramingArchitecture(features=64, hidden=16, num_modes=3)


def pictures_with(*boxes, height=64, width=64):
    """Opaque red rectangles ``(top, bottom, left, right)``, nothing around them."""
    made = torch.full((len(boxes), 4, height, width), -1.0)
    for picture, (top, bottom, left, right) in zip(made, boxes, strict=True):
        picture[0, top:bottom, left:right] = 1
        picture[3, top:bottom, left:right] = 1
    return made


def test_boxes_are_around_what_is_visible():
    found = boxes_of(pictures_with((0, 64, 0, 64), (8, 24, 32, 64)))
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.5, 0.5], [0.5, 0.75, 0.25]]))
    wide = boxes_of(pictures_with((0, 16, 0, 64), height=64, width=128))
    torch.testing.assert_close(wide, torch.tensor([[1.0, 0.25, 0.125]]))


def test_nothing_visible_is_the_whole_picture():
    assert boxes_of(torch.full((1, 4, 64, 64), -1.0)).tolist() == [[1.0, 0.5, 0.5]]


@pytest.mark.parametrize("box", [(0.5, 0.5, 0.5), (0.25, 0.75, 0.25), (0.9, 0.5, 0.55)])
def test_pictures_are_laid_into_their_boxes(box):
    shown = pictures_with((0, 64, 16, 48), (10, 40, 4, 60))
    wanted = torch.tensor([box, box])
    found = boxes_of(laid(shown, wanted))
    # Rounded to pixels: half of one on either side.
    torch.testing.assert_close(found, wanted, atol=1.5 / 64, rtol=0)


def test_a_picture_in_its_own_box_stays_as_it_is():
    shown = pictures_with((10, 40, 4, 60))
    assert torch.equal(laid(shown, boxes_of(shown)), shown)


def test_likelihood_is_that_of_a_mixture():
    torch.manual_seed(0)
    framing = Framing(SMALL).double()
    vectors, boxes = torch.randn(4, 64).double(), torch.rand(4, 3).double()
    with torch.no_grad():
        logits, means, spreads = framing.mixture(vectors)
        found = framing.mixture.log_likelihood(vectors, boxes)
    for row in range(4):
        shares = logits[row].softmax(0).numpy()
        modes = stats.norm(means[row].numpy(), spreads[row].exp().numpy())
        modes = modes.pdf(boxes[row].numpy()).prod(1)
        assert math.isclose(float(found[row]), math.log((shares * modes).sum()), rel_tol=1e-10)


def test_both_sides_are_found_and_told_by_the_prompt():
    """Half of the first prompt's things begin on either side, all of the second's above."""
    generator = torch.Generator().manual_seed(0)
    kind = torch.randint(2, (2000,), generator=generator)
    side = torch.randint(2, (2000,), generator=generator) * 0.4 + 0.3
    boxes = torch.stack([
        torch.full((2000,), 0.5), torch.where(kind == 0, side, 0.5), 0.5 - 0.3 * kind
    ], 1) + 0.02 * torch.randn(2000, 3, generator=generator)  # fmt: skip
    vectors = torch.randn(2, 64, generator=generator).sign()[kind]

    framing = fit(Told(vectors, boxes), SMALL)

    drawn = framing.boxes(vectors[kind == 0][:200], generators_for(0, range(200), "framing"))
    near = [(drawn[:, 1] - place).abs() < 0.05 for place in (0.3, 0.7)]
    assert bool((near[0] | near[1]).all())
    # A binomial of 200 throws of a fair coin: six deviations are 42.
    assert abs(int(near[0].sum()) - 100) < 42
    up = framing.boxes(vectors[kind == 1][:5], generators_for(0, range(5), "framing"))
    torch.testing.assert_close(up, torch.tensor([[0.5, 0.5, 0.2]] * 5), atol=0.05, rtol=0)


def test_boxes_belong_to_their_generators():
    torch.manual_seed(1)
    framing, vectors = Framing(SMALL), torch.randn(6, 64)
    together = framing.boxes(vectors, generators_for(3, range(6), "framing"))
    alone = framing.boxes(vectors[4:5], generators_for(3, range(4, 5), "framing"))
    torch.testing.assert_close(together[4:5], alone)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_frame_layers(folder, "motion_layers")
    return folder


def drawn_first(folder):
    prior = load_frame_prior("motion_layers", 4, (64, 64), folder)
    draws = clip_draws(prior, 0, range(2))
    said, empty = (prior.pictures.embed([text] * 2) for text in ("a mug", ""))
    with torch.no_grad():
        return prior, first_frames(
            prior, said, empty, DPMSolverPP2M(num_steps=2), CFG(guidance_scale=2.0), draws
        )


def test_fitted_framing_lays_the_pictures_of_the_image_prior(folder, tmp_path):
    plain_prior, plain = drawn_first(folder)
    assert plain_prior.plan.framing is None

    manifest = fit_framing(load_prior_models(folder), Steps(), folder, num_clips=32)
    prior, first = drawn_first(folder)

    assert set(manifest.figures) == {"log_likelihood", "side_off", "x_off", "y_off"}
    boxes = prior.plan.framing.boxes(
        prior.pictures.embed(["a mug"] * 2).vector, generators_for(0, range(2), "b")
    )
    with torch.no_grad():
        shown = prior.pictures.decode(plain).clamp(-1, 1)
        expected = prior.pictures.encode(laid(shown, boxes))
    torch.testing.assert_close(first, expected)
    (folder / "framing.json").unlink()


def test_framing_of_another_text_encoder_is_refused(folder, tmp_path):
    fit_framing(load_prior_models(folder), Steps(), tmp_path, num_clips=8)
    store_prior(tmp_path, seed=1)
    store_frame_layers(tmp_path, "motion_layers")
    with pytest.raises(InputError, match="framing"):
        load_framing(load_prior_models(tmp_path)["text_encoder"], tmp_path)


def test_clips_are_told_by_their_first_frames(folder):
    prior = load_frame_prior("motion_layers", 4, (64, 64), folder).pictures
    batch = Steps().held_out()
    told = told_of(batch, prior)
    with torch.no_grad():
        first = prior.decode(torch.from_numpy(batch.latents[:, :, 0]))
    torch.testing.assert_close(told.boxes, boxes_of(first))
    torch.testing.assert_close(told.vectors, prior.embed(batch.prompts).vector)
