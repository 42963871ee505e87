"""Training the judge: pictures and their captions by contrast."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.embedded.judge import Judge, JudgeArchitecture, on_backgrounds
from common.embedded.text_encoder import TextEncoderArchitecture, token_batch
from common.embedded.tokenizer import load_tokenizer
from common.kit.palette import COLOUR_NAMES, ColourName
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import generator_for, stream_seed
from common.shapes import Picture
from common.training.augmentation import Augmentation, augment, uniform
from common.training.autoencoder_trainer import to_unit_range
from common.training.contrast import contrastive_loss, top_k_share
from common.training.emoji_colours import load_colours
from common.training.emoji_concepts import EmojiConcept, Language, load_concepts
from common.training.emoji_phrases import draw_phrase, phrases
from common.training.emoji_split import TEST_AUGMENTATION, TRAIN_AUGMENTATION, load_split
from common.training.emoji_stills import EmojiStills, load_stills
from common.training.initial_weights import initial_weights, on_device
from common.training.loop_config import LearningRate, LoopConfig
from common.training.training import Package

MOVES = Augmentation(
    affine=0.9, max_zoom=1.3, max_shift=0.12, max_turn_deg=12.0, flip=0.0, recolor=0.0, opaque=0.0
)
"""Mirroring is left out: arrows and letters would become others. So are colours: they are asked."""
_MAX_SCALE = 100.0
_NUM_COLOURED = 300
_NUM_PREVIEWED = 24


class TrainJudge(Config):
    """The judge: pictures and texts to one space."""

    name: Literal["judge"] = "judge"
    size_px: Literal[64, 128] = 64
    """Side of the pictures it looks at."""
    channels: tuple[int, int, int] = (64, 128, 224)
    """Channels at a half, a quarter and an eighth of the side."""
    joint_channels: int = Field(128, ge=8, le=2048)
    """Features in which pictures and texts are compared."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the captions that are Chinese."""
    loop: LoopConfig = LoopConfig(
        num_steps=8000, batch_size=96, learning_rate=LearningRate(peak=1e-3, warmup_steps=300)
    )
    """How long and in which steps to train."""

    @property
    def architecture(self) -> JudgeArchitecture:
        """Sizes of the model for the committed vocabulary."""
        return JudgeArchitecture(
            size_px=self.size_px,
            channels=self.channels,
            joint_channels=self.joint_channels,
            text=TextEncoderArchitecture(
                num_tokens=load_tokenizer().num_tokens,
                embedding_channels=48, channels=128, num_layers=1, num_heads=4,
            ),
        )  # fmt: skip


class JudgeTraining:
    """The losses and figures of a judge.

    State: the model in training, the stills, and what each is called.
    """

    def __init__(
        self,
        config: TrainJudge,
        stills: EmojiStills,
        colours: Mapping[str, ColourName | None],
        seed: int,
        device: str,
    ):
        self._config = config
        self._stills = stills
        self._colours = colours
        self._seed = seed
        self._device = device
        self._tokenizer = load_tokenizer()
        concepts = load_concepts()
        self._concepts = [concepts[key] for key in stills.keys]
        roots = {concept.root: i for i, concept in enumerate(self._concepts)}
        self._meaning = np.array([roots[concept.root] for concept in self._concepts])
        self._captions = {
            language: [phrases(c, language, colours.get(c.key)) for c in self._concepts]
            for language in ("en", "zh")
        }
        with initial_weights(seed, "judge"):
            self._model = on_device(Judge(config.architecture), device)

    @property
    def model(self) -> Judge:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Contrast between augmented stills and one caption of each."""
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training judgements"))
        rows = rng.choice(
            len(self._concepts), size=min(self._config.loop.batch_size, len(self._concepts)),
            replace=False,
        )  # fmt: skip
        texts = []
        for row, chinese in zip(rows, rng.random(len(rows)), strict=True):
            language = "zh" if chinese < self._config.chinese_share else "en"
            texts.append(draw_phrase(self._captions[language][row], rng))
        generator = generator_for(self._seed, draw, TRAIN_AUGMENTATION)
        pictures = self._pictures(rows, generator)
        made = forward(pictures, *token_batch(self._tokenizer, texts, self._device))
        meanings = torch.from_numpy(self._meaning[rows]).to(self._device)
        temperature = 1 / self._model.log_scale.exp().clamp(max=_MAX_SCALE)
        return {"loss": contrastive_loss(made.pictures, made.texts, meanings, temperature)}

    def _pictures(self, rows: np.ndarray, generator: torch.Generator) -> Float[Tensor, "b 3 h w"]:
        """Stills moved at random, each on a random colour."""
        plain = to_unit_range(np.asarray(self._stills.pixels[rows]), "cpu")
        moved = augment(plain, MOVES, generator) * 2 - 1
        backgrounds = uniform(3 * len(rows), 0.0, 1.0, generator).reshape(-1, 3)
        return on_backgrounds(moved, backgrounds).to(self._device)

    def evaluate(self, model: Judge) -> dict[str, float]:
        """How often a still, augmented as never in training, is named right, and its colour."""
        keys = load_split().judge_names
        place = {key: index for index, key in enumerate(keys)}
        known = [i for i, concept in enumerate(self._concepts) if concept.key in place]
        seen = self._test_features(model, known)
        right = [{place[self._concepts[i].key]} for i in known]
        figures = {}
        for language in ("en", "zh"):
            names = self._names(model, keys, language)
            for k in (1, 5):
                figures[f"emoji_{language}/top{k}"] = top_k_share(seen, names, right, k)
        figures["emoji/colour"] = self._colour_share(model, known, seen)
        return figures

    @torch.no_grad()
    def _test_features(self, model: Judge, rows: Sequence[int]) -> Float[Tensor, "n d"]:
        parts = []
        for row in rows:
            generator = generator_for(0, row, TEST_AUGMENTATION)
            parts.append(self._pictures(np.array([row]), generator))
        return torch.cat([model.embed_pictures(some) for some in torch.cat(parts).split(128)]).cpu()

    def _names(self, model: Judge, keys: Sequence[str], language: Language) -> Tensor:
        concepts = load_concepts()
        return self._texts(model, [concepts[key].wording(language).names[0] for key in keys])

    @torch.no_grad()
    def _texts(self, model: Judge, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        parts = []
        for start in range(0, len(texts), 256):
            batch = token_batch(self._tokenizer, texts[start : start + 256], self._device)
            parts.append(model.embed_texts(*batch).cpu())
        return torch.cat(parts)

    def _colour_share(self, model: Judge, rows: Sequence[int], seen: Tensor) -> float:
        """Share of the one-coloured stills whose colour beats the other eleven before its name."""
        sure = [(n, self._concepts[i]) for n, i in enumerate(rows) if self._colour(i)]
        hits = []
        for place, concept in sure[:_NUM_COLOURED]:
            texts = [f"{colour} {concept.en.names[0]}" for colour in COLOUR_NAMES]
            scores = self._texts(model, texts) @ seen[place]
            hits.append(COLOUR_NAMES[int(scores.argmax())] == self._colours[concept.key])
        return sum(hits) / max(len(hits), 1)

    def _colour(self, row: int) -> ColourName | None:
        return self._colours.get(self._concepts[row].key)

    def preview(self, model: Judge) -> Picture:
        """Augmented stills with the names that the judge gives them."""
        keys = load_split().judge_names
        place = {key: index for index, key in enumerate(keys)}
        known = [i for i, c in enumerate(self._concepts) if c.key in place]
        rows = known[:: max(len(known) // _NUM_PREVIEWED, 1)][:_NUM_PREVIEWED]
        best = (self._test_features(model, rows) @ self._names(model, keys, "en").T).argmax(1)
        concepts: dict[str, EmojiConcept] = load_concepts()
        said = [concepts[keys[index]].en.names[0] for index in best.tolist()]
        shown = [
            self._pictures(np.array([row]), generator_for(0, row, TEST_AUGMENTATION))[0]
            for row in rows
        ]
        return picture_sheet([to_picture(p) for p in shown], captions=said, num_columns=6)

    def package(self, model: Judge) -> Package:
        """The whole judge."""
        return Package("judge", model, self._config.architecture, {})


def open_judge_training(config: TrainJudge, cache: Path, seed: int, device: str) -> JudgeTraining:
    """Map the stills and build the model."""
    colours = {key: found.sure for key, found in load_colours().items()}
    return JudgeTraining(config, load_stills(cache, config.size_px), colours, seed, device)
