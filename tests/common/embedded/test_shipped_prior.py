"""What the models in the repository draw, by the judge that comes with them.

The full measurement is `python run.py evaluate/image_prior`; these few pictures at few steps would
tell if weights, text, schedule or decoder no longer belonged together. Chance is 1 in 129 for an
object and 1 in 12 for a colour.
"""

import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import DPMSolverPP2M
from common.evaluation.generated import generate
from common.evaluation.prompt_sets import PromptSet, Request, chosen_requests, load_prompt_set
from common.judging.judgement import shares
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.zoo.models import load_embedded_prior, load_judge

NUM_ASKED = 12


@pytest.fixture(scope="module")
def prior():
    return load_embedded_prior((128, 128))


@pytest.fixture(scope="module")
def judge():
    return load_judge().model


def drawn(prior, requests):
    return torch.cat(
        list(generate(prior, DPMSolverPP2M(num_steps=12), CFG(guidance_scale=4.0), requests, 0, 32))
    )


def right(judge, pictures, requests):
    texts = ReadTexts(judge, load_names())
    found = shares(judgements(look(judge, pictures), [r.asked[0] for r in requests], texts))
    return {name.partition("/")[2]: share.num_right for name, share in found.items()}


def asked(name) -> list[Request]:
    prompts: PromptSet = load_prompt_set(name, frozenset())
    return list(chosen_requests(prompts.requests, NUM_ASKED))


@pytest.mark.parametrize("name", ["objects", "objects_zh"])
def test_objects_have_the_shape_and_colour_that_was_asked(prior, judge, name):
    requests = asked(name)
    found = right(judge, drawn(prior, requests), requests)
    assert found["top1"] >= NUM_ASKED // 2
    assert found["colour"] >= NUM_ASKED // 2


def test_pictures_are_premultiplied_and_transparent_around_the_object(prior):
    pictures = drawn(prior, asked("objects")[:4]).clamp(-1, 1) / 2 + 0.5
    colour, alpha = pictures[:, :3], pictures[:, 3:]
    # The decoder says colour and alpha apart: a pixel in a thousand may contradict itself.
    beyond = (colour - alpha).amax(1)
    assert float(beyond.amax()) < 0.2
    assert float((beyond > 0.1).float().mean()) < 1e-3
    corners = alpha[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert float(corners.max()) < 0.1
    assert bool((alpha.amax((1, 2, 3)) > 0.9).all())
