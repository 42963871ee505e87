"""Long and weighted prompts, clip skip, and batches, against slow twins."""

import pytest
import torch

from common.errors import InputError
from common.pretrained.build import build_pretrained_prior
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.prompt_chunks import chunks_of, load_tokenizer, num_words
from tests.common.pretrained.tiny_pipelines import SIZE

FAMILIES = ("sd15", "sd21", "sdxl")
LONG = "the red cat in " * 40 + "dog"
"""161 words, of one token each: 75, 75 and 11."""


def prior_of(folder, **settings):
    return build_pretrained_prior(PretrainedPriorConfig(path=str(folder), **settings), SIZE)


def tokens_of(words, text):
    return words(text, add_special_tokens=False, verbose=False).input_ids


def states_of(pipeline, family, ids, skip=0):
    """What the text encoders make of one chunk of the words' tokens, spelled out."""
    parts = []
    for words, model in encoders_of(pipeline, family):
        row = [words.bos_token_id, *ids, words.eos_token_id]
        row += [words.pad_token_id] * (77 - len(row))
        with torch.no_grad():
            made = model(torch.tensor([row]), output_hidden_states=True)
            if family == "sdxl":
                parts.append(made.hidden_states[-2 - skip])
            else:
                parts.append(model.final_layer_norm(made.hidden_states[-1 - skip]))
    return torch.cat(parts, 2)


def encoders_of(pipeline, family):
    found = [(pipeline.tokenizer, pipeline.text_encoder)]
    if family == "sdxl":
        found.append((pipeline.tokenizer_2, pipeline.text_encoder_2))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_long_prompts_are_read_in_chunks_of_75(pipelines, checkpoints, family):
    pipeline, cond = pipelines[family], prior_of(checkpoints[family]).embed([LONG])
    ids = tokens_of(pipeline.tokenizer, LONG)
    assert len(ids) == 161
    twin = [states_of(pipeline, family, ids[at : at + 75]) for at in (0, 75, 150)]
    assert cond.states.shape[1] == 3 * 77
    # Chunks run together here, one by one there.
    torch.testing.assert_close(cond.states, torch.cat(twin, 1), atol=2e-6, rtol=0)


def test_pooled_state_of_a_long_prompt_is_the_first_chunks(pipelines, checkpoints):
    prior = prior_of(checkpoints["sdxl"])
    start = LONG[: len("the red cat in ") * 75 // 4]
    assert num_words(pipelines["sdxl"].tokenizer, start) == 75
    long, short = prior.embed([LONG]), prior.embed([start])
    torch.testing.assert_close(long.pooled, short.pooled, atol=2e-6, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_move_states_along_the_line_from_the_empty_prompt(pipelines, checkpoints, family):
    prior, pipeline = prior_of(checkpoints[family]), pipelines[family]
    cond = prior.embed(["a (red cat:1.5) in [the] house"])
    ids = tokens_of(pipeline.tokenizer, "a red cat in the house")
    plain, empty = states_of(pipeline, family, ids), states_of(pipeline, family, [])
    house = len(tokens_of(pipeline.tokenizer, " house"))
    row = [1.0, 1.0, 1.5, 1.5, 1.0, 1 / 1.1] + [1.0] * house
    weights = torch.tensor(row + [1.0] * (77 - len(row)))[None, :, None]
    twin = empty + weights * (plain - empty)
    torch.testing.assert_close(cond.states, twin, atol=2e-6, rtol=0)
    untouched = (weights == 1)[0, :, 0]
    assert torch.equal(cond.states[:, untouched], plain[:, untouched])
    if family == "sdxl":
        assert torch.equal(cond.pooled, prior.embed(["a red cat in the house"]).pooled)


def test_weight_one_is_no_weight_to_the_bit(checkpoints):
    prior = prior_of(checkpoints["sd15"])
    plain, bracketed = (prior.embed([text]).states for text in ("red cat", "(red:1.0) [(cat)]"))
    assert torch.equal(plain, bracketed)


@pytest.mark.parametrize("family", FAMILIES)
def test_clip_skip_leaves_last_layers_out(pipelines, checkpoints, family):
    ids = tokens_of(pipelines[family].tokenizer, "a red cat")
    made = prior_of(checkpoints[family], clip_skip=1).embed(["a red cat"]).states
    assert torch.equal(made, states_of(pipelines[family], family, ids, skip=1))
    assert not torch.equal(made, states_of(pipelines[family], family, ids))


def test_more_layers_than_there_are_cannot_be_left_out(checkpoints):
    for family, most in (("sd15", 2), ("sdxl", 1)):
        prior_of(checkpoints[family], clip_skip=most)
        with pytest.raises(InputError, match=f"leave out at most {most}"):
            prior_of(checkpoints[family], clip_skip=most + 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_do_not_depend_on_longer_prompts_beside(checkpoints, family):
    prior = prior_of(checkpoints[family])
    noise = torch.randn(2, *prior.spec.latent_shape, generator=torch.Generator().manual_seed(3))
    times = torch.tensor([700.0, 20.0])
    together = prior.embed(["a (red:1.2) cat", LONG])
    assert together.mask.sum(1).tolist() == [77, 231]
    with torch.no_grad():
        both = prior.predict(noise, times, together)
        for row, prompt in enumerate(["a (red:1.2) cat", LONG]):
            alone = prior.predict(noise[row : row + 1], times[row : row + 1], prior.embed([prompt]))
            torch.testing.assert_close(both[row], alone[0], atol=1e-5, rtol=0)


def test_chunks_have_marks_padding_and_weights(checkpoints):
    words = load_tokenizer(checkpoints["sd21"] / "tokenizer")
    start, end, pad = words.bos_token_id, words.eos_token_id, words.pad_token_id
    assert pad not in (start, end)
    red, cat = tokens_of(words, "red cat")
    made = chunks_of(words, "red (cat:2) (red:3)", 4)
    assert made.ids.tolist() == [[start, red, cat, end], [start, red, end, pad]]
    assert made.weights.tolist() == [[1, 1, 2, 1], [1, 3, 1, 1]]
    empty = chunks_of(words, "", 4, at_least=2)
    assert empty.ids.tolist() == [[start, end, pad, pad]] * 2
