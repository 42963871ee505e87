"""How well pictures fit prompts: against plain numpy, and that the right picture is found."""

import numpy as np
import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.embedded.concepts import load_concepts
from common.embedded.prompt_fit import TEMPERATURE, PromptFit, known_names, recoloured
from common.seeding import generators_for, randn
from common.zoo.ip_adapter import load_ip_adapter
from common.zoo.models import ZOO, check_embedded_prior, load_embedded_prior
from tests.common.generation.conftest import lifting_models, models  # noqa: F401

COLOURS = load_concepts().colours


def reader_of(folder, prior):
    at_hand = {kind: one.identity for kind, one in check_embedded_prior(folder).items()}
    return load_ip_adapter(prior, at_hand, folder)


@pytest.mark.parametrize(("prompt", "among"), [
    ("a red car", "a blue car"), ("A Red car", "A blue car"), ("一辆红色的汽车", "一辆蓝色的汽车"),
])  # fmt: skip
def test_prompt_has_a_rival_in_every_other_colour(prompt, among):
    found = recoloured(prompt, COLOURS)
    assert len(set(found)) == len(COLOURS) - 1
    assert among in found
    assert prompt not in found


def test_prompt_without_colours_has_no_such_rivals():
    assert recoloured("a bored elephant", COLOURS) == []


def test_score_is_the_log_probability_among_names_and_colours(lifting_models):  # noqa: F811
    prior = load_embedded_prior((64, 64), lifting_models)
    reader, prompt = reader_of(lifting_models, prior), "a red car"
    pictures = torch.rand(3, 4, 128, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1

    found = PromptFit(reader, prior).scores(pictures, prompt).numpy()

    texts = [prompt, *recoloured(prompt, COLOURS), *known_names()]
    width = reader.architecture.text_channels
    with torch.no_grad():
        said = np.concatenate([prior.embed([text]).vector[:, :width].numpy() for text in texts])
        seen = reader(prior.encode(pictures)).pooled.numpy()
    said /= np.linalg.norm(said, axis=1, keepdims=True)
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    odds = np.exp(seen.astype(float) @ said.T.astype(float) / TEMPERATURE)
    # float32 cosines are divided by 0.02
    np.testing.assert_allclose(found, np.log(odds[:, 0] / odds.sum(1)), atol=1e-4)


def test_shipped_weights_tell_pictures_apart():
    prompts = ("a red car", "a green car", "an elephant", "a slice of pizza")
    prior = load_embedded_prior((128, 128), few_steps=4)
    scheduler = build_scheduler(DDIM(num_steps=4), prior.spec.schedule, prior.spec.prediction)
    seeds = generators_for(0, range(4), "picture")
    *_, last = sample(
        prior, scheduler, prior.embed(prompts), prior.embed_negative([""] * 4),
        CFG(guidance_scale=1.0), randn(prior.spec.latent_shape, seeds), seeds,
    )  # fmt: skip
    fit = PromptFit(reader_of(ZOO, prior), prior)
    with torch.no_grad():
        pictures = prior.decode(last.latents).clamp(-1, 1)
    scores = torch.stack([fit.scores(pictures, prompt) for prompt in prompts])
    assert scores.max() <= 0
    assert scores.argmax(1).tolist() == [0, 1, 2, 3]
