"""The spacetime DiT as a whole."""

import pytest
import torch

from common.errors import InputError
from tests.video.spacetime_dit.small_dit import PATCHES, SIZES, randn, random_dit, some_text
from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.memory import num_weights
from video.spacetime_dit.model import Known, SpacetimeDiT, Text

TIMES = torch.tensor([300.0, 900.0])


def sizes(**changes):
    return SIZES.model_copy(update=changes)


def test_velocity_is_zero_until_it_is_trained():
    model = SpacetimeDiT(SIZES)
    assert not model(randn(2, 4, 3, 8, 8), TIMES, some_text(2)).any()


def test_every_weight_learns():
    model = random_dit().requires_grad_(True)
    latents = randn(2, 4, 3, 4, 4)
    known = Known(randn(2, 4, 3, 4, 4, seed=1), torch.ones(2, 1, 3, 4, 4))
    model(latents, TIMES, some_text(2), known).square().sum().backward()
    still = [name for name, weight in model.named_parameters() if not weight.grad.abs().max() > 0]
    assert not still


@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("attention", ["joint", "factorised"])
@pytest.mark.parametrize("size", [(1, 8, 8), (2, 8, 8), (3, 9, 7), (5, 4, 13), (1, 1, 1)])
def test_any_length_and_size_is_drawn(patch, attention, size):
    model = random_dit(sizes(patch=patch, attention=attention))
    latents = randn(2, 4, *size)
    made = model(latents, TIMES, some_text(2))
    assert made.shape == latents.shape
    assert bool(made.isfinite().all())


def test_samples_do_not_see_each_other():
    model, latents, text = random_dit(), randn(2, 4, 3, 4, 4), some_text(2)
    both = model(latents, TIMES, text)
    alone = model(latents[1:], TIMES[1:], Text(*(part[1:] for part in text)))
    # Matrix products of other shapes, hence rounding.
    torch.testing.assert_close(both[1:], alone, rtol=1e-4, atol=1e-5)


def test_padding_of_a_prompt_changes_nothing():
    model, latents, text = random_dit(), randn(1, 4, 2, 4, 4), some_text(1)
    states = torch.cat([text.states, randn(1, 3, 32, seed=9)], 1)
    mask = torch.cat([text.mask, torch.zeros(1, 3, dtype=torch.bool)], 1)
    made = model(latents, TIMES[:1], Text(states, mask, text.pooled))
    torch.testing.assert_close(made, model(latents, TIMES[:1], text), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("what", ["latents", "timesteps", "states", "pooled", "times", "known"])
def test_all_that_it_is_told_counts(what):
    model, text = random_dit(), some_text(1)
    told = {
        "latents": randn(1, 4, 2, 4, 4), "timesteps": TIMES[:1], "text": text,
        "known": Known(randn(1, 4, 2, 4, 4, seed=1), torch.ones(1, 1, 2, 4, 4)),
        "times": torch.tensor([[0.0, 1.0]]),
    }  # fmt: skip
    before = model(**told)
    match what:
        case "states" | "pooled":
            told["text"] = text._replace(**{what: -getattr(text, what)})
        case "known":
            told["known"] = told["known"]._replace(latents=-told["known"].latents)
        case "times":
            told["times"] = torch.tensor([[0.0, 5.0]])
        case _:
            told[what] = told[what] * 0.5
    assert (model(**told) - before).abs().max() > 1e-3


def test_what_is_not_given_does_not_count():
    model, latents, text = random_dit(), randn(1, 4, 3, 4, 4), some_text(1)
    mask = torch.zeros(1, 1, 3, 4, 4)
    nothing = model(latents, TIMES[:1], text, Known(randn(1, 4, 3, 4, 4, seed=1), mask))
    torch.testing.assert_close(nothing, model(latents, TIMES[:1], text), rtol=0, atol=0)
    mask[:, :, 0] = 1
    first, other = randn(1, 4, 3, 4, 4, seed=1), randn(1, 4, 3, 4, 4, seed=2)
    other[:, :, 0] = first[:, :, 0]
    made = [model(latents, TIMES[:1], text, Known(given, mask)) for given in (first, other)]
    assert torch.equal(*made)


def test_frames_in_another_order_at_their_own_times_are_the_same_clip():
    model, latents, text = random_dit(), randn(1, 4, 4, 4, 4), some_text(1)
    order = torch.tensor([2, 0, 3, 1])
    made = model(latents, TIMES[:1], text)
    moved = model(latents[:, :, order], TIMES[:1], text, times=order[None].float())
    torch.testing.assert_close(moved, made[:, :, order], rtol=1e-4, atol=1e-5)


def test_joint_and_factorised_have_the_same_weights_by_name_and_shape():
    joint, factorised = random_dit(), random_dit(sizes(attention="factorised"), seed=1)
    factorised.load_state_dict(joint.state_dict())
    latents = randn(1, 4, 3, 4, 4)
    apart = joint(latents, TIMES[:1], some_text(1)) - factorised(latents, TIMES[:1], some_text(1))
    assert apart.abs().max() > 1e-3


@pytest.mark.parametrize("latents", [(1, 4, 1, 2, 2), (1, 4, 1, 2, 1)])
def test_clip_of_one_token_is_the_same_joint_and_factorised(latents):
    text, times = some_text(1), TIMES[:1]
    made = [
        random_dit(sizes(attention=kind))(randn(*latents), times, text)
        for kind in ("joint", "factorised")
    ]
    torch.testing.assert_close(*made)


def test_frames_of_factorised_blocks_meet_along_time():
    model = random_dit(sizes(attention="factorised"))
    latents, text = randn(1, 4, 3, 4, 4), some_text(1)
    changed = latents.clone()
    changed[:, :, 2, :2, :2] += 1
    apart = (model(changed, TIMES[:1], text) - model(latents, TIMES[:1], text)).abs().amax((0, 1))
    assert (apart[2] > 1e-6).all(), "within the frame, by the first block"
    assert (apart[0] > 1e-6).all(), "then along time, by the second"


def test_latents_of_other_channels_are_refused():
    with pytest.raises(InputError, match="latents of 4 channels, not 3"):
        random_dit()(randn(1, 3, 1, 4, 4), TIMES[:1], some_text(1))


def test_heads_that_do_not_split_are_refused():
    with pytest.raises(ValueError, match="do not divide by 8 x num_heads 5"):
        SpacetimeDiTArchitecture(num_heads=5)


def test_default_model_fits_the_zoo_budget():
    with torch.device("meta"):
        model = SpacetimeDiT(SpacetimeDiTArchitecture())
    # int8 with a float32 scale a row; vectors stay in float32.
    weights = model.state_dict().values()
    stored = sum(w.numel() + 4 * len(w) if w.ndim > 1 else 4 * w.numel() for w in weights)
    assert 7.0e6 < stored < 9.0e6
    assert num_weights(SpacetimeDiTArchitecture()) == sum(w.numel() for w in weights)
