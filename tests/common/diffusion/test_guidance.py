import pytest
import torch
from diffusers.guiders.adaptive_projected_guidance import normalized_guidance
from diffusers.guiders.guider_utils import rescale_noise_cfg
from hypothesis import given
from hypothesis import strategies as st

from common.diffusion.guidance import (
    adaptive_projected,
    classifier_free,
    limited_rms,
    parallel_part,
    perpendicular_negative,
    rescaled,
)
from common.diffusion.guidance_config import APG, CFG

SHAPE = (3, 2, 4, 5)
scales = st.floats(0, 30)


def latents(seed):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inner(a, b):
    return (a * b).sum((1, 2, 3))


UNCOND, COND, OTHER = latents(0), latents(1), latents(2)
ONES = torch.ones(3, dtype=torch.float64)


def test_scale_one_is_cond_and_zero_is_uncond():
    torch.testing.assert_close(classifier_free(UNCOND, COND, 1.0), COND)
    assert torch.equal(classifier_free(UNCOND, COND, 0.0), UNCOND)


def test_scale_counts_from_uncond():
    # uncond + s d, not cond + s d: at scale 2 the distance from uncond has doubled.
    torch.testing.assert_close(classifier_free(UNCOND, COND, 2.0), 2 * COND - UNCOND)


@given(scale=scales, rescale=st.floats(0, 1))
def test_rescale_equals_diffusers(scale, rescale):
    guided = classifier_free(UNCOND, COND, scale)
    theirs = rescale_noise_cfg(guided, COND, guidance_rescale=rescale)
    torch.testing.assert_close(rescaled(guided, COND, rescale), theirs, atol=1e-12, rtol=1e-12)


def test_rescale_zero_changes_nothing_and_one_restores_the_contrast():
    guided = classifier_free(UNCOND, COND, 9.0)
    assert torch.equal(rescaled(guided, COND, 0.0), guided)
    restored = rescaled(guided, COND, 1.0)
    torch.testing.assert_close(restored.std((1, 2, 3)), COND.std((1, 2, 3)))


def test_parallel_part_leaves_an_orthogonal_rest():
    along = parallel_part(OTHER, COND)
    torch.testing.assert_close(inner(OTHER - along, COND), 0 * ONES, atol=1e-12, rtol=0)
    torch.testing.assert_close(parallel_part(2.5 * COND, COND), 2.5 * COND)
    assert torch.equal(parallel_part(OTHER, torch.zeros_like(COND)), torch.zeros_like(COND))


@given(scale=scales, along=st.floats(-5, 5), weight=st.floats(0, 5))
def test_perp_neg_ignores_a_parallel_negative(scale, along, weight):
    negative = UNCOND + along * (COND - UNCOND)
    guided = perpendicular_negative(UNCOND, COND, [negative], [weight * ONES], scale)
    torch.testing.assert_close(guided, classifier_free(UNCOND, COND, scale), atol=1e-10, rtol=0)


def test_perp_neg_moves_against_an_orthogonal_negative_in_full():
    direction = COND - UNCOND
    across = OTHER - parallel_part(OTHER, direction)
    weight = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64)
    guided = perpendicular_negative(UNCOND, COND, [UNCOND + across], [weight], 3.0)
    expected = UNCOND + 3 * (direction - weight.reshape(3, 1, 1, 1) * across)
    torch.testing.assert_close(guided, expected)


def test_perp_neg_never_changes_the_strength_along_the_prompt():
    direction = COND - UNCOND
    guided = perpendicular_negative(UNCOND, COND, [OTHER, latents(3)], [ONES, 2 * ONES], 4.0)
    torch.testing.assert_close(inner(guided - UNCOND, direction), 4 * inner(direction, direction))


@given(scale=scales)
def test_apg_is_cfg_at_its_neutral_setting(scale):
    guided = adaptive_projected(COND, COND - UNCOND, scale, parallel=1.0, max_rms=None)
    torch.testing.assert_close(guided, classifier_free(UNCOND, COND, scale), atol=1e-10, rtol=0)


@given(scale=scales, parallel=st.floats(0, 1), threshold=st.floats(0.5, 50))
def test_apg_equals_diffusers(scale, parallel, threshold):
    # What diffusers calls the original formulation: cond + s d with s one less than ours (its own
    # default also drops the parallel part of the step from uncond to cond). Its threshold is an L2
    # norm, over the sample's 40 elements here.
    theirs = normalized_guidance(
        COND,
        UNCOND,
        scale - 1,
        eta=parallel,
        norm_threshold=threshold,
        norm_dim=(1, 2, 3),
        use_original_formulation=True,
    )
    ours = adaptive_projected(COND, COND - UNCOND, scale, parallel, threshold / 40**0.5)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)


def test_apg_without_parallel_part_does_not_lengthen_along_cond():
    guided = adaptive_projected(COND, COND - UNCOND, 20.0, parallel=0.0, max_rms=None)
    torch.testing.assert_close(inner(guided, COND), inner(COND, COND))


@given(st.floats(0.01, 10))
def test_limited_rms_shortens_only_what_is_longer(limit):
    short = limited_rms(OTHER, limit)
    before, after = OTHER.pow(2).mean((1, 2, 3)).sqrt(), short.pow(2).mean((1, 2, 3)).sqrt()
    torch.testing.assert_close(after, before.clamp(max=limit))
    torch.testing.assert_close(
        short / after.reshape(3, 1, 1, 1), OTHER / before.reshape(3, 1, 1, 1)
    )


def test_float32_projection_is_orthogonal_over_a_whole_clip():
    generator = torch.Generator().manual_seed(0)
    vector, onto = torch.randn(2, 1, 4, 16, 64, 64, generator=generator)
    rest = (vector - parallel_part(vector, onto)).double()
    cosine = (rest * onto).sum() / (rest.norm() * onto.double().norm())
    assert abs(float(cosine)) < 1e-8


def test_intervals_must_be_ordered():
    assert CFG(interval=(0.2, 0.9)).interval == (0.2, 0.9)
    for interval in [(0.5, 0.5), (0.9, 0.1), (-0.1, 1.0), (0.0, 1.1)]:
        with pytest.raises(ValueError, match=r"interval must be 0 <= low < high <= 1, got"):
            APG(interval=interval)
