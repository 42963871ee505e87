"""How far LoRAs have moved the embedded prior towards a colour style, and what it still draws.

The same prompts and noise are drawn without the LoRAs and with them. The gap is between the mean
distance from the style of the plain pictures and that of the same pictures in the style itself, as
the autoencoder gives them back.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import torch

from common.adapters.lora_config import LoraConfig
from common.atomic import write_json
from common.embedded.prior import EmbeddedPrior
from common.errors import InputError
from common.evaluation.config import EvaluateConfig, EvaluateStyle
from common.evaluation.generated import generate
from common.evaluation.prompt_sets import Request, chosen_requests, load_prompt_set
from common.evaluation.tone import tone_distances, toned
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.shapes import Images
from common.zoo.models import (
    ZOO,
    check_embedded_prior,
    check_prior_loras,
    load_embedded_prior,
    load_judge,
)

_MEMORY_BYTES = 1400 * 2**20
_NUM_SHOWN = 16
_VARIANTS = ("plain", "lora")


def check_style(config: EvaluateConfig) -> list[str]:
    """Refuse an evaluation of nothing, and LoRAs that do not fit.

    Raises:
        InputError: no LoRAs are given, or they are wrong.
    """
    if not config.prior.loras:
        raise InputError("evaluate/lora measures LoRAs: set prior.loras=[{path: lora.safetensors}]")
    check_prior_loras(check_embedded_prior(config.prior.models_dir or ZOO), config.prior.loras)
    return []


def style_estimate(config: EvaluateConfig) -> Estimate:
    """Sizes and memory of the run."""
    count = len(_requests(config))
    batches = len(_VARIANTS) * -(-count // config.batch_size)
    sizes = {"pictures": f"{count} x {len(_VARIANTS)}"}
    return Estimate(sizes, _MEMORY_BYTES, batches * config.sampler.num_evaluations)


def evaluate_style(config: EvaluateConfig, method: EvaluateStyle, run: Run) -> Outcome:
    """Draw without and with the LoRAs, and measure; a resumed run continues with what is left."""
    kept: dict[str, Images] = run.checkpoints.restored_state or {}
    for name in _VARIANTS:
        if name not in kept:
            loras = config.prior.loras if name == "lora" else ()
            with run.clock.stage("pictures"):
                kept |= _drawn(config, method, run, loras, name)
            run.checkpoints.offer(len(kept), kept)
    with run.clock.stage("scoring"):
        figures = _figures(config, method, run, kept)
    path = run.folder.samples / "figures.json"
    write_json(path, figures)
    _write_sheet(config, run, kept)
    return Outcome((path,), _sections(run, figures))


def _requests(config: EvaluateConfig) -> Sequence[Request]:
    """Objects in colours that their prompts say, from wherever they come, as pictures are drawn."""
    everything = load_prompt_set("objects", frozenset()).requests
    chosen = chosen_requests(everything, config.max_prompts)
    return [replace(one, view=None) for one in chosen]


@torch.no_grad()
def _drawn(
    config: EvaluateConfig, method: EvaluateStyle, run: Run, loras: Sequence[LoraConfig], name: str
) -> dict[str, Images]:
    """Pictures of a variant; of the plain one also what they are in the style."""
    size = (method.size_px, method.size_px)
    prior = load_embedded_prior(size, config.prior.models_dir or ZOO, run.device, loras)
    parts = generate(
        prior, config.sampler, config.guidance, _requests(config), config.seed, config.batch_size
    )
    pictures = torch.cat([part.cpu() for part in parts])
    if name != "plain":
        return {name: pictures}
    return {name: pictures, "toned": _coded(prior, toned(pictures, method.tone))}


def _coded(prior: EmbeddedPrior, pictures: Images) -> Images:
    parts = [prior.decode(prior.encode(some.to(prior.device))).cpu() for some in pictures.split(8)]
    return torch.cat(parts).clamp(-1, 1)


def _figures(
    config: EvaluateConfig, method: EvaluateStyle, run: Run, kept: dict[str, Images]
) -> dict[str, float]:
    judge = load_judge(config.judge_dir or ZOO, run.device).model
    texts = ReadTexts(judge, load_names())
    asked = [replace(request.asked[0], colour=None) for request in _requests(config)]
    figures = {}
    for name, pictures in kept.items():
        said = judgements(look(judge, pictures), asked, texts)
        figures[f"{name} distance"] = float(tone_distances(pictures, method.tone).mean())
        figures[f"{name} top1"] = fmean(one.rank == 0 for one in said)
        figures[f"{name} top5"] = fmean(one.rank is not None and one.rank < 5 for one in said)
    gap = figures["plain distance"] - figures["toned distance"]
    figures["moved"] = (figures["plain distance"] - figures["lora distance"]) / gap
    figures["concept loss"] = figures["plain top1"] - figures["lora top1"]
    figures["concept loss beyond the style"] = figures["toned top1"] - figures["lora top1"]
    return figures


def _write_sheet(config: EvaluateConfig, run: Run, kept: dict[str, Images]) -> None:
    shown, captions = [], []
    for place, request in enumerate(_requests(config)[:_NUM_SHOWN]):
        for name in _VARIANTS:
            shown.append(to_picture(kept[name][place]))
            captions.append(f"{request.prompt} ({name})")
    sheet = picture_sheet(shown, captions=captions, num_columns=8)
    write_picture(run.folder.samples / "style.png", sheet)


def _sections(run: Run, figures: dict[str, float]) -> tuple[Section, ...]:
    columns = (
        Column("Pictures", align="left"), Column("Distance from the style"),
        Column("Object among 129"), Column("Among the first 5"),
    )  # fmt: skip
    rows = tuple(
        (name, *(figures[f"{name} {what}"] for what in ("distance", "top1", "top5")))
        for name in ("plain", "lora", "toned")
    )
    own_cost = figures["plain top1"] - figures["toned top1"]
    notes = (
        f"The LoRAs moved {figures['moved']:.1%} of the way from plain pictures to the same in the "
        f"style (toned, as the autoencoder gives them back), and cost {figures['concept loss']:.1%}"
        f" of the objects; the style itself costs {own_cost:.1%}, as the judge knows colours too.",
    )
    return (
        Table("Style, and what is still shown", columns, rows, footnotes=notes),
        Gallery("Without and with", (MediaItem(run.folder.samples / "style.png", "style"),)),
    )
