"""Learnt words: how prompts are cut, files in every layout, and what is refused."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from common.adapters.learnt_words import NO_WORDS, LearntWords, words_of
from common.adapters.word_config import WordConfig
from common.adapters.word_file import read_word
from common.errors import InputError

ROWS = torch.arange(6.0).reshape(2, 3)


def write(path, tensors):
    save_file(tensors, path)
    return WordConfig(path=path)


def words(*named, first=100):
    counts = [count for _, count in named]
    return LearntWords(
        tuple(word for word, _ in named), tuple(counts), torch.randn(sum(counts), 3), first
    )


@pytest.mark.parametrize(("text", "parts"), [
    ("a <cat> sits", ["a ", [100, 101], " sits"]),
    ("<Cat>", [[100, 101]]),
    ("a cat", ["a cat"]),
    ("<cat>,<cat> dog", [[100, 101], ",", [100, 101], " dog"]),
    ("my-dog and hotdog", ["my-dog and hotdog"]),
    ("a sks thing, sksy", ["a ", [102], " thing, sksy"]),
    ("<cat>2", ["<cat>2"]),
    ("", []),
])  # fmt: skip
def test_prompts_are_cut_at_whole_words(text, parts):
    learnt = words(("<cat>", 2), ("sks", 1))
    assert learnt.parts(text) == parts
    rest = " ".join(part for part in parts if isinstance(part, str))
    assert learnt.without(text) == rest


def test_longer_words_come_first_and_no_words_change_nothing():
    learnt = words(("red", 1), ("red cat", 1))
    assert learnt.parts("a red cat") == ["a ", [101]]
    assert NO_WORDS.parts("a <cat>") == ["a <cat>"]
    assert NO_WORDS.without("a  b") == "a  b"
    tokens = torch.tensor([[0, 1]])
    with NO_WORDS.applied(torch.nn.Embedding(2, 3), tokens) as known:
        assert known is tokens


def test_vectors_stand_in_the_table_while_the_context_lasts():
    table = torch.nn.Embedding(5, 3)
    learnt = words(("x", 2), first=5)
    tokens = torch.tensor([[1, 5, 6, 2], [4, 0, 0, 0]])
    with learnt.applied(table, tokens) as known:
        assert known.tolist() == [[1, 0, 0, 2], [4, 0, 0, 0]]
        made = table(known)
    expected = table(known)
    expected[0, 1:3] = learnt.vectors
    assert torch.equal(made, expected)
    assert torch.equal(table(known)[0, 1], table.weight[0]), "gone after the context"


def test_layouts_say_the_same(tmp_path):
    for name, tensors, word in (
        ("one", {"<cat>": ROWS}, "<cat>"), ("my cat", {"emb_params": ROWS}, "my cat"),
        ("xl", {"clip_l": ROWS, "clip_g": ROWS + 1}, "xl"), ("v", {"<dog>": ROWS[0]}, "<dog>"),
    ):  # fmt: skip
        read = read_word(write(tmp_path / f"{name}.safetensors", tensors))
        assert read.word == word
        rows = read.vectors["text_encoder"]
        assert torch.equal(rows, ROWS[: len(rows)])
        assert ("text_encoder_2" in read.vectors) == (name == "xl")
    assert read_word(WordConfig(path=tmp_path / "one.safetensors", word="sks")).word == "sks"


@pytest.mark.parametrize(("tensors", "message"), [
    ({"a": ROWS, "b": ROWS + 1}, "holds a, b: a learnt word is one tensor"),
    ({"a": ROWS[None]}, r"a tensor of \(1, 2, 3\)"),
    ({"a": torch.zeros(76, 3)}, "1 to 75 vectors"),
    ({"a": ROWS * torch.nan}, "no numbers"),
    ({"a": ROWS.to(torch.int32)}, "a learnt word has"),
    ({"a (b)": ROWS}, "one of the signs"),
    ({}, "holds nothing"),
])  # fmt: skip
def test_other_files_are_refused(tmp_path, tensors, message):
    with pytest.raises(InputError, match=message):
        read_word(write(tmp_path / "x.safetensors", tensors))


def test_pickles_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "cat.pt"
    path.write_bytes(pickle.dumps({"string_to_param": 1}))
    with pytest.raises(InputError, match=r"pickled files can run code.*safetensors"):
        read_word(WordConfig(path=path))
    other = tmp_path / "cat.safetensors"
    with pytest.raises(InputError, match="is missing"):
        read_word(WordConfig(path=other))
    other.write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="no safetensors"):
        read_word(WordConfig(path=other))


def test_words_of_other_families_and_twice_are_refused(tmp_path):
    one = read_word(write(tmp_path / "x.safetensors", {"<x>": ROWS}))
    assert words_of([one], "text_encoder", 10, 3).first == 10
    with pytest.raises(InputError, match="3 numbers and this text_encoder reads 4"):
        words_of([one], "text_encoder", 10, 4)
    with pytest.raises(InputError, match="none for text_encoder_2"):
        words_of([one], "text_encoder_2", 10, 3)
    with pytest.raises(InputError, match="'<x>' is given twice"):
        words_of([one, one], "text_encoder", 10, 3)
