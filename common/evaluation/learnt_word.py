"""How like the thing that a learnt word stands for its pictures are, by the judge's features.

Similarity is the mean cosine between the features of pictures and those of held-out pictures of the
thing. It stands between that of pictures in words known before, and that of the pictures learnt
from; the position between the two is what textual inversion has gained.
"""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from common.atomic import write_json
from common.errors import InputError
from common.evaluation.config import EvaluateConfig, EvaluateWord
from common.evaluation.generated import generate
from common.evaluation.prompt_sets import Request
from common.generation.given_pixels import laid_out
from common.judging.judging import look
from common.media.contact_sheet import picture_sheet
from common.media.fitting import placement
from common.media.images import read_picture, write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.shapes import Images
from common.training.folder.captioned_folder import read_folder
from common.zoo.models import ZOO, check_embedded_prior, load_embedded_prior, load_judge
from common.zoo.words import embedded_words

_MEMORY_BYTES = 1400 * 2**20
_NUM_SHOWN = 8
_NO_CAPTION = "-"


def check_word(config: EvaluateConfig, method: EvaluateWord) -> list[str]:
    """Refuse prompts without a learnt word, words that do not fit, and folders without pictures.

    Raises:
        InputError: see above.
    """
    sizes = check_embedded_prior(config.prior.models_dir or ZOO)["text_encoder"].architecture
    words = embedded_words(sizes, config.prior.embeddings)
    if words.without(method.prompt) == method.prompt:
        known = ", ".join(words.words) or "none: set prior.embeddings=[{path: word.safetensors}]"
        raise InputError(f"method.prompt '{method.prompt}' has no learnt word; known: {known}")
    for folder in (method.known, method.held_out):
        read_folder(folder, _NO_CAPTION)
    return ["max_prompts has no effect"] if config.max_prompts is not None else []


def word_estimate(config: EvaluateConfig, method: EvaluateWord) -> Estimate:
    """Sizes and memory of the run."""
    batches = 2 * -(-method.num_samples // config.batch_size)
    sizes = {"pictures": f"{method.num_samples} x 2"}
    return Estimate(sizes, _MEMORY_BYTES, batches * config.sampler.num_evaluations)


def evaluate_word(config: EvaluateConfig, method: EvaluateWord, run: Run) -> Outcome:
    """Draw both prompts, look at everything, compare; a resumed run draws what is left."""
    with run.clock.stage("loading"):
        size = (method.size_px, method.size_px)
        prior = load_embedded_prior(
            size, config.prior.models_dir or ZOO, run.device, config.prior.loras,
            embeddings=config.prior.embeddings,
        )  # fmt: skip
        judge = load_judge(config.judge_dir or ZOO, run.device).model
        real = {
            "known": _pictures(method.known, size),
            "held out": _pictures(method.held_out, size),
        }
    kept: dict[str, Images] = run.checkpoints.restored_state or {}
    for name, prompt in (("word", method.prompt), ("baseline", method.baseline)):
        if name in kept:
            continue
        requests = [Request(prompt, None, ())] * method.num_samples
        with run.clock.stage("pictures"):
            parts = generate(
                prior, config.sampler, config.guidance, requests, config.seed, config.batch_size
            )
            kept[name] = torch.cat([part.cpu() for part in parts])
        run.checkpoints.offer(len(kept), kept)
    with run.clock.stage("scoring"):
        features = {name: look(judge, some).features for name, some in (kept | real).items()}
    figures = _figures(features)
    path = run.folder.samples / "figures.json"
    write_json(path, figures)
    _write_sheet(run, kept | real)
    return Outcome((path,), _sections(run, figures))


def similarity(some: Float[Tensor, "n d"], others: Float[Tensor, "m d"]) -> float:
    """Mean cosine of every one of unit features with every other."""
    return float((some @ others.T).mean())


def _figures(features: dict[str, Tensor]) -> dict[str, float]:
    names = {"word": "word", "baseline": "baseline", "known": "ceiling"}
    found = {f"similarity {said}": similarity(features[name], features["held out"])
             for name, said in names.items()}  # fmt: skip
    low, high = found["similarity baseline"], found["similarity ceiling"]
    found["position"] = (found["similarity word"] - low) / (high - low)
    return found


def _pictures(folder: Path, size: tuple[int, int]) -> Images:
    rows = []
    for file in read_folder(folder, _NO_CAPTION):
        picture = read_picture(file.path)
        place = placement(picture.shape[:2], size, "contain")
        rows.append(laid_out(picture, place, size, 4, "#ffffff"))
    return torch.stack(rows)


def _write_sheet(run: Run, pictures: dict[str, Images]) -> None:
    shown, captions = [], []
    for name, some in pictures.items():
        shown += [to_picture(one) for one in some[:_NUM_SHOWN]]
        captions += [name] * len(some[:_NUM_SHOWN])
    sheet = picture_sheet(shown, captions=captions, num_columns=_NUM_SHOWN)
    write_picture(run.folder.samples / "word.png", sheet)


def _sections(run: Run, figures: dict[str, float]) -> tuple[Section, ...]:
    columns = (Column("Pictures", align="left"), Column("Similarity to held-out pictures"))
    rows = tuple((name, figures[f"similarity {name}"]) for name in ("baseline", "word", "ceiling"))
    notes = (
        "Mean cosine of the judge's features. Baseline: words known before. Ceiling: the pictures "
        f"learnt from. The word is {figures['position']:.1%} of the way.",
    )
    return (
        Table("A learnt word", columns, rows, footnotes=notes),
        Gallery("As they came", (MediaItem(run.folder.samples / "word.png", "word"),)),
    )
