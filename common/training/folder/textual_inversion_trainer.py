"""Textual inversion: vectors for a new word, learnt while everything else stays as it is.

Gal et al. 2022 (arXiv 2208.01618): the prompts ask for the word in a few sentences, the loss is the
prior's own, and its gradient goes through the frozen U-Net and text encoder to the vectors.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from common.adapters.learnt_words import LearntWords
from common.adapters.word_file import MAX_VECTORS, SDXL_KEYS, SIGNS, Encoder
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import generator_for, stream_seed
from common.shapes import Picture
from common.training.denoising import noised_at_random, noised_evenly, squared_errors
from common.training.folder.captioned_folder import read_folder
from common.training.folder.folder_config import FolderTraining
from common.training.folder.folder_pictures import LearntPictures, learnt_pictures, read_pictures
from common.training.folder.taught_prior import Taught, drawn, open_taught
from common.training.folder.word_tables import WordTable, first_vectors, word_tables
from common.training.gradient_checkpointing import keep_beginnings
from common.training.loop_config import LearningRate, LoopConfig
from common.training.noise_times import prediction_weights
from common.training.training import AdapterPackage

_PREVIEW_STEPS = 20
_NUM_MEASURED = 32
_GAP = "{}"


class TrainTextualInversion(FolderTraining):
    """A new word for what the pictures show; its vectors are all that is learnt."""

    name: Literal["textual_inversion"] = "textual_inversion"
    word: str = Field("<thing>", min_length=1, max_length=100)
    """The new word, as prompts will have it; one that nobody else writes."""
    start: str = Field(min_length=1, max_length=200)
    """Words of the prior for about the same, whose vectors it begins with."""
    num_vectors: int = Field(4, ge=1, le=MAX_VECTORS)
    """How many vectors the word has; each takes the place of a token in prompts."""
    sentences: tuple[str, ...] = Field(
        ("{}", "a {}", "one {}", "a picture of a {}", "a {} on a white background"), min_length=1
    )
    """What training prompts are: {} is where the word is."""
    text_dropout: float = Field(0.0, ge=0, le=0)
    """Nothing can be learnt without the word."""
    loop: LoopConfig = LoopConfig(
        num_steps=400, batch_size=8, ema_decay=0.95, precision="float32", weight_decay=0.0,
        learning_rate=LearningRate(peak=2e-2, warmup_steps=20, plateau_fraction=0.4),
    )  # fmt: skip
    """How long and in which steps to train."""

    @model_validator(mode="after")
    def _the_word_is_in_sentences(self) -> "TrainTextualInversion":
        if self.caption is not None:
            raise ValueError("caption has no effect: method.sentences are the prompts")
        if self.prior.embeddings:
            raise ValueError("one word is learnt at a time: leave prior.embeddings out")
        for sentence in self.sentences:
            if sentence.count(_GAP) != 1:
                raise ValueError(f"the sentence '{sentence}' needs one {_GAP} for the word")
        if set(self.word) & set(SIGNS) or self.word != self.word.strip():
            raise ValueError(f"the word '{self.word}' has spaces at its ends, or one of {SIGNS}")
        return self


class WordModel(nn.Module):
    """The vectors of a word for each text encoder."""

    def __init__(self, vectors: Mapping[str, Tensor]):
        super().__init__()
        self.vectors = nn.ParameterDict({key: nn.Parameter(v) for key, v in vectors.items()})


class TextualInversion:
    """The losses and figures of a word. State: its vectors, the frozen prior, latents."""

    def __init__(
        self, config: TrainTextualInversion, prior: Taught, pictures: LearntPictures, seed: int
    ):
        self._config, self._prior, self._pictures, self._seed = config, prior, pictures, seed
        if config.gradient_checkpointing:
            keep_beginnings(prior.unet, nn.Identity())
        self._tables: dict[Encoder, WordTable] = word_tables(prior)
        generator = generator_for(seed, 0, "word vectors")
        self._model = WordModel({
            name: first_vectors(table, config.start, config.num_vectors, generator)
            for name, table in self._tables.items()
        })  # fmt: skip

    @property
    def model(self) -> Any:
        """The vectors."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Weighted squared error in the prior's own kind of prediction."""
        config, prior, count = self._config, self._prior, self._config.loop.batch_size
        rows = self._pictures.rows(draw, count, self._seed)
        rng = np.random.default_rng(stream_seed(self._seed, draw, "sentences"))
        said = [self._sentence(int(one)) for one in rng.integers(len(config.sentences), size=count)]
        noised = noised_at_random(
            self._pictures.latents[rows], config.times, prior.spec.schedule,
            stream_seed(self._seed, draw, "diffusion noise"),
        )  # fmt: skip
        taught = self._taught(self._model)
        errors = squared_errors(taught, noised, taught.told(said))
        weights = prediction_weights(
            config.times, noised.timesteps, prior.spec.schedule, prior.spec.prediction
        )
        return {"loss": (weights * errors).mean(), "plain": errors.mean()}

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Samples for the preview prompts, or else the word in every sentence."""
        config, taught = self._config, self._taught(model)
        count = len(config.sentences)
        prompts = config.preview_prompts or tuple(self._sentence(i) for i in range(count))
        latents = drawn(taught, prompts, config.guidance, _PREVIEW_STEPS, self._seed)
        pictures = [to_picture(taught.decode(one[None])[0]) for one in latents]
        return picture_sheet(pictures, captions=list(prompts), num_columns=4)

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Mean error on the pictures with the word, and how much worse its first words do."""
        rows = [place % len(self._pictures.captions) for place in range(_NUM_MEASURED)]
        noised = noised_evenly(self._pictures.latents[rows], self._prior.spec.schedule)
        places = [place % len(self._config.sentences) for place in range(_NUM_MEASURED)]
        taught = self._taught(model)
        with_it = taught.embed([self._sentence(place) for place in places])
        before = self._prior.embed([
            self._config.sentences[place].replace(_GAP, self._config.start) for place in places
        ])  # fmt: skip
        after = float(squared_errors(taught, noised, with_it).mean())
        first = float(squared_errors(self._prior, noised, before).mean())
        return {"error/word": after, "error/word_gain": first - after}

    def package(self, model: Any) -> AdapterPackage:
        """The word's file: diffusers' layout, for two text encoders that of SDXL."""
        vectors = {name: model.vectors[name].detach() for name in self._tables}
        if len(vectors) == 1:
            tensors = {self._config.word: vectors["text_encoder"]}
        else:
            tensors = {SDXL_KEYS[name]: rows for name, rows in vectors.items()}
        told = {"format": "pt", "extrude_word": self._config.word}
        return AdapterPackage("word", model, tensors, told)

    def _sentence(self, place: int) -> str:
        return self._config.sentences[place].replace(_GAP, self._config.word)

    def _taught(self, model: Any) -> Taught:
        words = {
            name: LearntWords(
                (self._config.word,), (len(model.vectors[name]),), model.vectors[name], table.first
            )
            for name, table in self._tables.items()
        }
        return self._prior.taught(words)


def open_textual_inversion(
    config: TrainTextualInversion, cache: Path, seed: int, device: str
) -> TextualInversion:
    """Read the pictures, load the prior, encode, and find the first vectors.

    Raises:
        InputError: the folder or a picture is wrong, the prior's models are, or ``start`` has more
            tokens than the word has vectors.
    """
    files = read_folder(config.folder, config.word)
    pixels = read_pictures(config, files)
    prior = open_taught(config, device)
    pictures = learnt_pictures(config, files, pixels, prior, seed)
    return TextualInversion(config, prior, pictures, seed)
