"""Training the embedded text encoder: by contrast between captions, and from a larger encoder."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.text_encoder import TextEncoder, TextEncoderArchitecture, token_batch
from common.embedded.tokenizer import Tokenizer, load_tokenizer
from common.seeding import stream_seed
from common.shapes import Picture
from common.training.contrast import contrastive_loss, top_k_share
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_split import load_split
from common.training.emoji.emoji_synonyms import load_synonyms
from common.training.initial_weights import initial_weights
from common.training.loop_config import LearningRate, LoopConfig
from common.training.text.text_pairs import draw_pairs, load_captions
from common.training.text.text_start import start_from_taught
from common.training.text.text_targets import Targets, taught_texts
from common.training.text.text_teacher import CHANNELS
from common.training.training import Package

_MAX_SCALE = 100.0
_PREVIEWED = 48
_CELL_PX = 8
_WORD_STRIDE = 50


class TrainTextEncoder(Config):
    """The text encoder: prompts to token states and a pooled state."""

    name: Literal["text_encoder"] = "text_encoder"
    embedding_channels: int = Field(96, ge=8, le=1024)
    """Features of a token before the first block."""
    channels: int = Field(256, ge=8, le=CHANNELS)
    """Features of a token state and of the pooled state; the teacher has 384."""
    num_layers: int = Field(3, ge=1, le=24)
    """Transformer blocks."""
    num_heads: int = Field(4, ge=1, le=64)
    """Attention heads; they divide channels."""
    num_distilled: int = Field(192, ge=1, le=65_536)
    """Texts a step whose embedding the teacher says, beside the pairs (loop.batch_size)."""
    start: Literal["teacher", "random"] = "teacher"
    """Weights before the first step: the teacher's words in closed form, or random."""
    distillation_weight: float = Field(2.0, ge=0)
    """Of the distance from the teacher's embeddings."""
    loop: LoopConfig = LoopConfig(
        num_steps=8000,
        batch_size=128,
        learning_rate=LearningRate(peak=1e-3, warmup_steps=200),
    )
    """How long and in which steps to train; a batch is of pairs."""

    @property
    def architecture(self) -> TextEncoderArchitecture:
        """Sizes of the model for the committed vocabulary."""
        return TextEncoderArchitecture(
            num_tokens=load_tokenizer().num_tokens,
            embedding_channels=self.embedding_channels,
            channels=self.channels,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
        )


class Student(nn.Module):
    """The encoder with what only training needs: the sharpness of the contrast."""

    def __init__(self, architecture: TextEncoderArchitecture):
        super().__init__()
        self.encoder = TextEncoder(architecture)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(
        self, tokens: Int64[Tensor, "b l"], mask: Bool[Tensor, "b l"]
    ) -> Float[Tensor, "b d"]:
        """The pooled state of texts."""
        return self.encoder(tokens, mask).pooled


class TextEncoderTraining:
    """The losses and figures of a text encoder.

    State: the model in training, and texts with the teacher's embeddings, reduced to as many
    directions as the pooled state has.
    """

    def __init__(
        self,
        config: TrainTextEncoder,
        words: Targets,
        captions: Targets,
        seed: int,
        device: str,
    ):
        self._config = config
        self._sources = (words, captions)
        self._seed = seed
        self._device = device
        self._tokenizer = load_tokenizer()
        with initial_weights(seed, "text encoder"):
            self._model = Student(config.architecture).to(device)

    @property
    def model(self) -> Student:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Contrast between captions of one meaning, and distance from the teacher."""
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training texts"))
        pairs = draw_pairs(load_captions(), self._config.loop.batch_size, rng)
        texts, targets = self._distilled(rng)
        everything = [p.first for p in pairs] + [p.second for p in pairs] + texts
        made = forward(*token_batch(self._tokenizer, everything, self._device))
        first, second, taught = made.split([len(pairs), len(pairs), len(texts)])
        meanings = torch.tensor([pair.meaning for pair in pairs], device=self._device)
        temperature = 1 / self._model.log_scale.exp().clamp(max=_MAX_SCALE)
        contrast = contrastive_loss(first, second, meanings, temperature)
        distance = 1 - F.cosine_similarity(taught.float(), targets.to(self._device)).mean()
        total = contrast + self._config.distillation_weight * distance
        return {"loss": total, "contrast": contrast, "distance": distance}

    def _distilled(self, rng: np.random.Generator) -> tuple[list[str], Float[Tensor, "n t"]]:
        """Texts, half of them single words, with the teacher's embeddings."""
        texts: list[str] = []
        rows = []
        halves = (self._config.num_distilled // 2, -(-self._config.num_distilled // 2))
        for source, count in zip(self._sources, halves, strict=True):
            chosen = rng.integers(len(source.texts), size=count)
            texts += [source.texts[index] for index in chosen]
            rows.append(source.embeddings[chosen])
        return texts, torch.from_numpy(np.concatenate(rows))

    def preview(self, model: Student) -> Picture:
        """Cosines of concept names, English down and Chinese across: the diagonal should shine."""
        concepts = load_concepts()
        keys = load_split().alignment[:_PREVIEWED]
        english = self._pooled(model, [concepts[key].en.names[0] for key in keys])
        chinese = self._pooled(model, [concepts[key].zh.names[0] for key in keys])
        cosines = F.normalize(english, dim=1) @ F.normalize(chinese, dim=1).T
        grey = (cosines.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        large = grey.repeat(_CELL_PX, 0).repeat(_CELL_PX, 1)
        return np.repeat(large[..., None], 3, axis=2)

    def evaluate(self, model: Student) -> dict[str, float]:
        """How often texts find their meaning, and how near words come to the teacher's."""
        concepts, split = load_concepts(), load_split()
        keys = split.judge_names
        english = self._pooled(model, [concepts[key].en.names[0] for key in keys])
        chinese = self._pooled(model, [concepts[key].zh.names[0] for key in keys])
        place = {key: index for index, key in enumerate(keys)}
        own = [{index} for index in range(len(keys))]
        figures = {
            "zh_to_en/top1": top_k_share(chinese, english, own, 1),
            "en_to_zh/top1": top_k_share(english, chinese, own, 1),
        }
        for language, candidates in (("en", english), ("zh", chinese)):
            listed = [s for s in load_synonyms() if s.language == language]
            right = [{place[key] for key in s.keys if key in place} for s in listed]
            queries = self._pooled(model, [synonym.prompt for synonym in listed])
            figures[f"synonyms_{language}/top5"] = top_k_share(queries, candidates, right, 5)
        words = self._sources[0]
        made = self._pooled(model, words.texts[::_WORD_STRIDE])
        wanted = torch.from_numpy(words.embeddings[::_WORD_STRIDE])
        figures["taught_words/cosine"] = float(F.cosine_similarity(made, wanted).mean())
        return figures

    def package(self, model: Student) -> Package:
        """The encoder alone."""
        return Package("text_encoder", model.encoder, self._config.architecture, {})

    def _pooled(self, model: Student, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        return pooled_states(model, self._tokenizer, texts, self._device)


@torch.no_grad()
def pooled_states(
    model: Student, tokenizer: Tokenizer, texts: Sequence[str], device: str, batch_size: int = 256
) -> Float[Tensor, "n d"]:
    """The pooled states of many texts, in their order, on the CPU in float32."""
    parts = []
    for start in range(0, len(texts), batch_size):
        made = model(*token_batch(tokenizer, texts[start : start + batch_size], device))
        parts.append(made.float().cpu())
    return torch.cat(parts)


def open_text_training(
    config: TrainTextEncoder, cache: Path, seed: int, device: str
) -> TextEncoderTraining:
    """Ask the teacher (once) and build the model."""
    taught = taught_texts(cache, config.channels)
    training = TextEncoderTraining(config, taught.words, taught.captions, seed, device)
    if config.start == "teacher":
        start_from_taught(training.model.encoder, load_tokenizer(), cache, taught)
    return training
