"""The noisy classifier from the zoo, in pictures, clips and views of a small embedded prior."""

import pytest
import torch

from common.diffusion.classifier_guidance import class_gradient
from common.diffusion.frame_curves import PromptTravel
from common.diffusion.guidance_config import CFG, ClassifierGuidance
from common.diffusion.guided_prediction import guided_prediction
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.class_names import load_class_names
from common.errors import InputError
from common.generation.priors import EmbeddedPriorConfig, build_prior
from common.seeding import generators_for
from common.zoo.models import load_frame_prior
from common.zoo.noisy_classifier import check_classifier, load_classifying
from tests.common.zoo.small_zoo import store_classifier, store_frame_layers, store_prior

TIMES = torch.tensor([300.0, 700.0])
PROMPTS = ["a red mug", "a car"]
STEERED = ClassifierGuidance(guidance_scale=3.0, classifier_scale=2.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_frame_layers(folder, "motion_layers")
    store_classifier(folder)
    return folder


def built(folder, size, guidance=STEERED):
    return build_prior(EmbeddedPriorConfig(models_dir=folder), size, "cpu", guidance=guidance)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def guide(prior, latents, guidance, prompts=PROMPTS):
    cond, uncond = prior.embed(prompts), prior.embed([""] * len(prompts))
    return guided_prediction(prior, latents, TIMES, cond, uncond, guidance).prediction


def test_pictures_move_to_what_their_prompts_name(folder):
    prior, latents = built(folder, (64, 64)), drawn(2, 4, 8, 8)
    cond = prior.embed(PROMPTS)
    gradient = class_gradient(prior, latents, TIMES, cond)
    alpha, sigma = (
        one.float().reshape(2, 1, 1, 1) for one in prior.spec.schedule.alpha_sigma(TIMES)
    )
    plain = guide(prior, latents, CFG(guidance_scale=3.0))
    # Of v: -s (sigma / alpha) grad.
    expected = plain - 2.0 * sigma / alpha * gradient
    found = guide(prior, latents, STEERED)
    # The shift is added in one rounding here and in several there.
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    before = prior.class_log_probability(latents, TIMES, cond)
    step = 1e-3 * gradient / gradient.flatten(1).norm(dim=1).reshape(2, 1, 1, 1)
    assert (prior.class_log_probability(latents + step, TIMES, cond) > before).all()


def test_scale_zero_leaves_the_embedded_prior_to_the_bit(folder):
    prior, latents = built(folder, (64, 64)), drawn(2, 4, 8, 8)
    none = STEERED.model_copy(update={"classifier_scale": 0.0})
    plain = built(folder, (64, 64), CFG())
    assert plain.classifying is None
    expected = guide(plain, latents, CFG(guidance_scale=3.0))
    assert torch.equal(guide(prior, latents, none), expected)


def test_named_classes_take_the_place_of_the_prompts(folder):
    latents = drawn(2, 4, 8, 8)
    steered = STEERED.model_copy(update={"classes": ("green", "chair")})
    prior = built(folder, (64, 64), steered)
    names = load_class_names()
    cond = prior.embed(["nothing at all", "a car"])
    assert cond.classes.tolist() == [list(names.named(["green", "chair"]))] * 2
    assert guide(prior, latents, steered, ["nothing at all", "a car"]).isfinite().all()


def test_nothing_named_is_refused_with_the_choices(folder):
    prior = built(folder, (64, 64))
    with pytest.raises(InputError, match="names none of the classes; it knows the things mug, tea"):
        guide(prior, drawn(2, 4, 8, 8), STEERED, ["a car", "quantum flux"])


def test_frames_of_clips_are_steered_each_by_itself(folder):
    clips, latents = built(folder, (4, 64, 64)), drawn(2, 4, 4, 8, 8)
    cond = clips.embed(PROMPTS)
    gradient = class_gradient(clips, latents, TIMES, cond)
    pictures = built(folder, (64, 64))
    for frame in range(4):
        alone = class_gradient(pictures, latents[:, :, frame], TIMES, pictures.embed(PROMPTS))
        # Convolutions of another batch size, hence rounding.
        torch.testing.assert_close(gradient[:, :, frame], alone, rtol=1e-4, atol=1e-6)
    given = clips.embed(PROMPTS, first=drawn(2, 4, 8, 8, seed=3))
    later = class_gradient(clips, latents, TIMES, given)
    assert not later[:, :, 0].any(), "a given first frame is what it is"
    torch.testing.assert_close(later[:, :, 1:], gradient[:, :, 1:], rtol=1e-4, atol=1e-6)


def test_prompts_that_travel_are_refused_unless_their_class_stays(folder):
    clips, latents = built(folder, (4, 64, 64)), drawn(2, 4, 4, 8, 8)
    shares = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [0.0, 1.0]])
    going = clips.embed_travel(PromptTravel(("a red mug", "a car"), shares), 2)
    with pytest.raises(InputError, match="these differ from frame to frame"):
        class_gradient(clips, latents, TIMES, going)
    staying = clips.embed_travel(PromptTravel(("a mug", "a mug at night"), shares), 2)
    assert class_gradient(clips, latents, TIMES, staying).any()


def test_a_prior_without_its_classifier_is_refused(folder):
    prior = load_frame_prior("motion_layers", 4, (64, 64), folder)
    with pytest.raises(InputError, match="this prior has no classifier at hand"):
        class_gradient(prior, drawn(2, 4, 4, 8, 8), TIMES, prior.embed(PROMPTS))


def test_missing_and_foreign_classifiers_are_named(folder, tmp_path):
    store_prior(tmp_path, seed=1)
    with pytest.raises(InputError, match=r"needs the model noisy_classifier.*train/noisy_classif"):
        check_classifier(tmp_path)
    for path in folder.glob("noisy_classifier*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="was trained on the autoencoder"):
        check_classifier(tmp_path)
    store_classifier(tmp_path, names_sha256="0" * 64)
    with pytest.raises(InputError, match="another list of classes; train it again"):
        load_classifying((), tmp_path)


def test_shipped_classifier_finds_more_of_what_it_steered_to():
    """Mean log likelihood of prompts in the pictures, clean: that is what the gradient climbs."""
    prompts = ["a red mug", "a blue car", "a green apple", "a yellow duck"]
    prior = build_prior(EmbeddedPriorConfig(), (64, 64), "cpu", guidance=STEERED)
    cond, uncond = prior.embed(prompts), prior.embed([""] * 4)
    noise = drawn(4, *prior.spec.latent_shape)
    found = {}
    for scale in (0.0, 4.0):
        guidance = ClassifierGuidance(guidance_scale=1.0, classifier_scale=scale)
        scheduler = build_scheduler(
            DPMSolverPP2M(num_steps=6), prior.spec.schedule, prior.spec.prediction
        )
        *_, last = sample(
            prior, scheduler, cond, uncond, guidance, noise, generators_for(0, range(4), "sampler")
        )
        clean = torch.zeros(4)
        found[scale] = prior.class_log_probability(last.latents, clean, cond).mean()
    assert found[4.0] > found[0.0] + 0.1
