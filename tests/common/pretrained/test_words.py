"""Learnt words in prompts of checkpoints, against diffusers' own loader."""

import pytest
import torch
from safetensors.torch import save_file

from common.errors import InputError
from common.pretrained.build import build_pretrained_prior
from common.pretrained.check import check_pretrained
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.notes import pretrained_notes
from tests.common.pretrained.tiny_pipelines import SIZE, sd15

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
PROMPT = "a red cat, <mine> in the house"


def rows(count, width, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def word(tmp_path):
    path = tmp_path / "word.safetensors"
    save_file({"<mine>": rows(3, 32)}, path)
    return path


def config_of(folder, *paths, **more):
    embeddings = tuple({"path": path} for path in paths)
    return PretrainedPriorConfig(path=str(folder), embeddings=embeddings, **more)


def states(folder, *paths, prompt=PROMPT):
    return build_pretrained_prior(config_of(folder, *paths), SIZE).embed([prompt]).states


def test_states_are_those_of_diffusers(checkpoints, word):
    pipeline = sd15()
    pipeline.load_textual_inversion(word)
    theirs, _ = pipeline.encode_prompt(
        PROMPT, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False
    )
    ours = states(checkpoints["sd15"], word)
    assert float((ours - states(checkpoints["sd15"])).abs().max()) > 0.1
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_prompts_without_the_word_are_as_before_to_the_bit(checkpoints, word):
    plain = states(checkpoints["sd15"], prompt="a red cat")
    assert torch.equal(states(checkpoints["sd15"], word, prompt="a red cat"), plain)


def test_emphasis_weighs_learnt_words(checkpoints, word):
    plain, strong = (
        states(checkpoints["sd15"], word, prompt=text) for text in ("a <mine>", "a (<mine>:1.5)")
    )
    moved = (strong - plain).abs().amax((0, 2)) > 0
    # start, "a", then the word's three vectors
    assert moved.nonzero().flatten().tolist() == [2, 3, 4]


def test_sdxl_has_vectors_for_both_encoders(checkpoints, tmp_path):
    path = tmp_path / "mine.safetensors"
    save_file({"clip_l": rows(2, 32), "clip_g": rows(2, 48)}, path)
    prior = build_pretrained_prior(config_of(checkpoints["sdxl"], path), SIZE)
    with_it, without = prior.embed(["mine"]), prior.embed(["other"])
    difference = (with_it.states - without.states).abs().amax((0, 1))
    assert float(difference[:32].max()) > 0.1
    assert float(difference[32:].max()) > 0.1
    assert bool(torch.isfinite(with_it.pooled).all())


def test_words_of_another_family_are_refused_before_weights_are_read(checkpoints, word):
    with pytest.raises(InputError, match="it is for another family"):
        check_pretrained(config_of(checkpoints["sdxl"], word), SIZE)


def test_a_word_counts_as_its_vectors(checkpoints, tmp_path):
    path = tmp_path / "many.safetensors"
    save_file({"emb_params": rows(75, 32)}, path)
    config = config_of(checkpoints["sd15"], path)
    assert not any("read in" in note for note in pretrained_notes(config, "many", "", SIZE))
    notes = pretrained_notes(config, "a many", "", SIZE)
    assert any("has 76 tokens" in note for note in notes)
