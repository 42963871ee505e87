"""Learning a word, end to end on untrained models: embedded, and a tiny checkpoint."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open

from common.cli.main import main
from common.evaluation.learnt_word import similarity
from common.media.images import read_picture
from common.pretrained.build import build_pretrained_prior
from common.pretrained.config import PretrainedPriorConfig
from common.runs.folder import RunFolder
from common.training.kit.kit_folder import write_kit_folder
from common.zoo.models import load_embedded_prior
from run import APPS
from tests.common.evaluation.conftest import zoo  # noqa: F401
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.common.training.small_folder import SMALL, write_folder
from tests.common.training.small_training import same_bits

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


@pytest.fixture
def teach(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pictures = write_folder(tmp_path / "pictures", 4)

    def teach(prior, *changes):
        code = main(
            ["train/textual_inversion", f"method.folder={pictures}", *SMALL,
             f"method.prior={{{prior}}}", "method.start=red cat", "method.word=<disk>", *changes],
            APPS,
        )  # fmt: skip
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return teach


def vectors(path):
    with safe_open(path, framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def test_a_word_of_the_embedded_prior_is_learnt_and_drawn_with(teach, zoo, tmp_path):  # noqa: F811
    prior = load_embedded_prior((64, 64), zoo)
    before = {key: value.clone() for key, value in prior.text_encoder.state_dict().items()}
    code, paths, said = teach(f"name: embedded, models_dir: {zoo}")
    assert code == 0, said
    assert paths[0].name == "word.safetensors"
    (found,) = vectors(paths[0]).items()
    assert found[0] == "<disk>"
    assert tuple(found[1].shape) == (4, 8)
    assert same_bits(before, load_embedded_prior((64, 64), zoo).text_encoder.state_dict())

    def drawn(prompt, *changes):
        code = main(
            ["image/text_to_image", f"prior={{name: embedded, models_dir: {zoo}}}",
             f"prompt={prompt}", "sampler.num_steps=2", "device=cpu", *changes], APPS,
        )  # fmt: skip
        assert code == 0
        return read_picture(
            RunFolder(tmp_path / "outputs/text_to_image/latest").samples / "000.png"
        )

    word = f"prior.embeddings=[{{path: {paths[0]}}}]"
    assert np.array_equal(drawn("a mug", word), drawn("a mug"))
    assert not np.array_equal(drawn("a <disk>", word), drawn("a <disk>"))


def test_a_resumed_run_ends_in_the_same_bytes(teach, zoo):  # noqa: F811
    code, paths, said = teach(
        f"name: embedded, models_dir: {zoo}", "checkpoint={every_s: 0.0, keep: 9}"
    )
    assert code == 0, said
    expected, folder = paths[0].read_bytes(), paths[0].parents[1]
    for step in (3, 4):
        shutil.rmtree(folder / "checkpoints" / f"step-{step:06d}")
    shutil.rmtree(folder / "samples")
    RunFolder(folder).set_status("running")
    assert main(["resume", str(folder)], APPS) == 0
    assert paths[0].read_bytes() == expected


@pytest.mark.parametrize(("family", "keys"), [
    ("sd15", {"<disk>": (4, 32)}), ("sdxl", {"clip_l": (4, 32), "clip_g": (4, 48)}),
])  # fmt: skip
def test_words_of_checkpoints_learn_and_are_read_back(
    teach, checkpoints, family, keys  # noqa: F811
):  # fmt: skip
    code, paths, said = teach(f"name: pretrained, path: {checkpoints[family]}")
    assert code == 0, said
    found = vectors(paths[0])
    assert {key: tuple(rows.shape) for key, rows in found.items()} == keys
    word = {"path": paths[0], "word": "<disk>"}
    prior = build_pretrained_prior(
        PretrainedPriorConfig(path=str(checkpoints[family]), embeddings=(word,)), (64, 64)
    )
    apart = prior.embed(["a <disk>"]).states - prior.embed(["a"]).states
    assert float(apart.abs().max()) > 0.1
    for name, one in zip(("clip_l", "clip_g"), prior.text.encoders, strict=False):
        rows = found.get(name, found.get("<disk>"))
        table = one.model.get_input_embeddings().weight
        start = one.tokenizer("red cat", add_special_tokens=False).input_ids
        begun = table[torch.tensor(start)]
        assert float((rows[: len(start)] - begun).abs().max()) > 1e-3, "it has moved"


@pytest.mark.parametrize(("changes", "message"), [
    (("method.num_vectors=1",), "take as many vectors, or a shorter start"),
    (("method.sentences=[a cat]",), "needs one {} for the word"),
    (("method.caption=a cat",), "method.sentences are the prompts"),
    (("method.word=a (b)",), "one of"),
    (("method.prior.embeddings=[{path: x.safetensors}]",), "one word is learnt at a time"),
    (("method.folder=none",), "no such folder"),
])  # fmt: skip
def test_what_cannot_be_learnt_is_refused(teach, zoo, tmp_path, changes, message):  # noqa: F811
    code, paths, said = teach(f"name: embedded, models_dir: {zoo}", *changes)
    assert (code, paths) == (2, [])
    assert message in " ".join(said.split())
    assert not list(tmp_path.rglob("config.yaml"))


def test_a_word_is_measured_between_baseline_and_ceiling(
    teach, zoo, tmp_path, capsys  # noqa: F811
):  # fmt: skip
    write_kit_folder("frying pan", tmp_path / "pan")
    assert len(list((tmp_path / "pan" / "known").glob("*.png"))) == 8
    code, paths, said = teach(
        f"name: embedded, models_dir: {zoo}", f"method.folder={tmp_path / 'pan' / 'known'}"
    )
    assert code == 0, said
    arguments = [
        "evaluate/textual_inversion", f"prior.models_dir={zoo}", f"judge_dir={zoo}",
        "method.size_px=64", "method.num_samples=2", "sampler.num_steps=2",
        f"method.known={tmp_path / 'pan' / 'known'}",
        f"method.held_out={tmp_path / 'pan' / 'held_out'}",
    ]  # fmt: skip
    assert main([*arguments, "method.prompt=a <disk>"], APPS) == 2
    assert "has no learnt word" in capsys.readouterr().err
    word = f"prior.embeddings=[{{path: {paths[0]}}}]"
    assert main([*arguments, word, "method.prompt=a <disk>"], APPS) == 0
    figures = json.loads((tmp_path / capsys.readouterr().out.splitlines()[0]).read_text())
    low, high = figures["similarity baseline"], figures["similarity ceiling"]
    expected = (figures["similarity word"] - low) / (high - low)
    assert figures["position"] == pytest.approx(expected)
    assert figures["similarity ceiling"] <= 1


def test_similarity_is_the_mean_cosine():
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert similarity(one, other) == 0.5
