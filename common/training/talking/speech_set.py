"""Sentences said by many voices, kept with their phonemes: what mouths of speech are learnt from.

The cache folder ``speech/`` gets ``samples.npy``, int16 at espeak-ng's rate, one utterance after
the other, and ``index.json``: of each its text, voice, phonemes, and where it begins. Voices and
sentences that are measured are never trained on.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int16

from common.errors import InputError
from common.seeding import stream_seed
from common.training.emoji.emoji_cache import read_index, write_index
from common.training.pictures.array_files import fill_array
from common.training.talking.espeak import Phoneme, Said, Speaker, Voice

PRESET = "prepare/speech"
VOICES_PER_SENTENCE = 10
_SENTENCES = Path(__file__).parent / "data" / "sentences.tsv"
_VOICES = {
    "en": ("en-us+m1", "en-us+f1", "en+m3", "en+f2", "en-us+m5", "en-gb-scotland+f3", "en-029+m2",
           "en-us+f5", "en+Andy", "en-us+Annie", "en-gb-x-rp+m8", "en-us+linda"),
    "zh": ("cmn-latn-pinyin", "cmn-latn-pinyin+f1", "cmn-latn-pinyin+m3", "cmn-latn-pinyin+f3",
           "cmn-latn-pinyin+m5", "cmn-latn-pinyin+Annie"),
    "held_en": ("en-us+m7", "en+f4", "en-gb-x-gbclan+steph"),
    "held_zh": ("cmn-latn-pinyin+m7", "cmn-latn-pinyin+f4", "cmn-latn-pinyin+steph"),
}  # fmt: skip
"""By the first column of the sentences' file; held-out ones are of other speakers."""
Part = Literal["train", "held_out"]


class Utterance(NamedTuple):
    """A sentence that was said."""

    part: Part
    text: str
    voice: Voice
    phonemes: tuple[Phoneme, ...]
    samples: Int16[np.ndarray, " n"]
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def sound(self) -> Float[np.ndarray, " n"]:
        """Samples with full scale at 1."""
        return self.samples.astype(np.float32) / 2**15


@dataclass(frozen=True)
class _Asked:
    part: Part
    text: str
    voice: Voice


def prepare_speech(cache: Path) -> int:
    """Say what ``cache`` does not have; returns the number of utterances.

    Raises:
        InputError: espeak-ng is not installed.
    """
    index = cache / "speech" / "index.json"
    found = read_index(index, _digest())
    if found is None:
        index.parent.mkdir(parents=True, exist_ok=True)
        _store(index)
        found = read_index(index, _digest())
    assert found is not None
    return len(found["said"])


def load_speech(cache: Path, part: Part) -> list[Utterance]:
    """The prepared utterances of one part.

    Raises:
        InputError: they are not prepared, or damaged.
    """
    path = cache / "speech" / "index.json"
    index = read_index(path, _digest())
    if index is None:
        raise InputError(f"{path.parent} holds no speech. Prepare it first: python run.py {PRESET}")
    samples = np.load(path.with_name("samples.npy"), mmap_mode="r", allow_pickle=False)
    if samples.dtype != np.int16 or samples.shape != (index["num_samples"],):
        raise InputError(f"{path.parent} is damaged. Delete the folder, prepare anew.")
    every = (_utterance(entry, samples, index["sample_rate"]) for entry in index["said"])
    return [one for one in every if one.part == part]


def asked() -> Iterator[_Asked]:
    """What is said by whom: the sentences in turn, each by some of the voices of its kind."""
    for number, line in enumerate(_SENTENCES.read_text(encoding="utf-8").splitlines()):
        kind, text = line.split("\t")
        voices = _VOICES[kind]
        rng = np.random.default_rng(stream_seed(number, 0, "voices"))
        count = min(VOICES_PER_SENTENCE, len(voices))
        part: Part = "held_out" if kind.startswith("held") else "train"
        for place in rng.permutation(len(voices))[:count].tolist():
            pace, pitch = int(rng.integers(120, 210)), int(rng.integers(25, 76))
            yield _Asked(part, text, Voice(voices[place], pace, pitch))


def _store(index: Path) -> None:
    index.unlink(missing_ok=True)
    speaker = Speaker()
    said = [(one, speaker.said(one.text, one.voice)) for one in asked()]
    blocks = [(one.samples * 2**15).astype(np.int16) for _, one in said]
    total = sum(map(len, blocks))
    fill_array(index.with_name("samples.npy"), (total,), np.int16, blocks)
    begins = np.cumsum([0, *map(len, blocks)]).tolist()
    entries = [
        _entry(one, heard, begin, len(block))
        for (one, heard), begin, block in zip(said, begins[:-1], blocks, strict=True)
    ]
    content = {"num_samples": total, "sample_rate": speaker.sample_rate, "said": entries}
    write_index(index, _digest(), content)


def _entry(one: _Asked, said: Said, begin: int, count: int) -> dict[str, Any]:
    return {
        "part": one.part, "text": one.text, "voice": list(one.voice), "begin": begin,
        "count": count, "phonemes": [list(phoneme) for phoneme in said.phonemes],
    }  # fmt: skip


def _utterance(entry: dict[str, Any], samples: np.ndarray, sample_rate: int) -> Utterance:
    return Utterance(
        entry["part"], entry["text"], Voice(*entry["voice"]),
        tuple(Phoneme(*one) for one in entry["phonemes"]),
        np.asarray(samples[entry["begin"] : entry["begin"] + entry["count"]]), sample_rate,
    )  # fmt: skip


def _digest() -> str:
    """Of what is said by whom; the sentences' file and this one's lists."""
    told = repr([(one.part, one.text, tuple(one.voice)) for one in asked()])
    return hashlib.sha256(told.encode()).hexdigest()
