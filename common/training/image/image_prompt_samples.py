"""What image prompts make the prior draw, and how often the judge names the thing in it.

``python -m common.training.image.image_prompt_samples <folder with ip_adapter.json>`` prints, for
new kit objects and for emoji that training left out, how often their pictures' samples without a
prompt, seen from the front, are named right, and the same of the pictures themselves.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.image_prompt import ImagePrompt, PictureStates, seen
from common.embedded.image_unet import FRONT, View
from common.embedded.prior import EmbeddedCond, EmbeddedPrior
from common.embedded.tokenizer import load_tokenizer
from common.judging.asked import Asked
from common.judging.judgement import shares
from common.judging.judging import judgements, look
from common.judging.names import Domain, load_names
from common.judging.read_texts import ReadTexts
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.seeding import generators_for, randn
from common.shapes import Images
from common.training.emoji.emoji_split import load_split
from common.training.emoji.npm_package import default_cache
from common.training.frames.clip_latents import kit_clip_latents
from common.training.kit.clip_parts import INSTANCE_CLIPS
from common.training.pictures.latent_sets import emoji_latents
from common.training.pictures.subjects import EmojiSubject
from common.zoo.ip_adapter import load_ip_adapter
from common.zoo.models import PRIOR_KINDS, Loaded, load_judge, load_prior_models

_BATCH = 16
_NUM_STEPS = 25
_GUIDANCE = 5.0
_SIDE_PX = 128
_NUM_SHOWN = 32


def told(
    prior: EmbeddedPrior,
    adapter: ImagePrompt,
    states: PictureStates,
    prompts: Sequence[str],
    views: Sequence[View | None],
    scale: float = 1.0,
) -> EmbeddedCond:
    """Conditioning of samples that each have a picture of their own."""
    cond = prior.embed(prompts, views)
    says = torch.tensor([bool(one.strip()) for one in prompts], device=prior.device)
    shown = seen(adapter, states, scale, cond.vector, says)
    return EmbeddedCond(cond.states, cond.mask, cond.vector, shown)


@torch.no_grad()
def drawn_from(
    prior: EmbeddedPrior,
    adapter: ImagePrompt,
    latents: Images,
    prompts: Sequence[str],
    view: View | None = None,
) -> Float[Tensor, "b 4 y x"]:
    """Pictures for image prompts and prompts, with guidance; each sample has its own seed."""
    rows = []
    for start in range(0, len(prompts), _BATCH):
        some, said = latents[start : start + _BATCH], prompts[start : start + _BATCH]
        seeds = range(start, start + len(said))
        noise = randn(prior.spec.latent_shape, generators_for(0, seeds, "latents")).to(some)
        scheduler = build_scheduler(DPMSolverPP2M(num_steps=_NUM_STEPS), prior.spec.schedule, "v")
        states = adapter(some)
        cond = told(prior, adapter, states, said, [view] * len(said))
        steps = sample(
            prior, scheduler, cond, prior.embed([""] * len(said)), CFG(guidance_scale=_GUIDANCE),
            noise, generators_for(0, seeds, "sampler"),
        )  # fmt: skip
        *_, last = steps
        rows.append(prior.decode(last.latents))
    return torch.cat(rows)


def held_out_pictures(
    cache: Path, models: Mapping[str, Loaded], num: int
) -> dict[str, tuple[Images, list[Asked]]]:
    """Latents of new kit objects, one of each category, and of emoji that are left out."""
    autoencoder = models["autoencoder"]
    kit = kit_clip_latents(autoencoder, cache, "cpu", INSTANCE_CLIPS)
    firsts: dict[str, int] = {}
    for row, one in enumerate(kit.subjects):
        firsts.setdefault(one.facts.category.name, row)
    chosen = list(firsts.values())[:num]
    objects = [_asked("objects", kit.subjects[row].facts.category.name) for row in chosen]
    emoji, reserved = emoji_latents(autoencoder, cache, _SIDE_PX, "cpu"), load_split()
    keys = [one.key for one in emoji.subjects if isinstance(one, EmojiSubject)]
    named = set(reserved.judge_names) & set(reserved.reconstruction)
    rows = [row for row, key in enumerate(keys) if key in named][:num]
    return {
        "objects": (_latents([kit.latents[row, 0] for row in chosen]), objects),
        "emoji": (
            _latents([emoji.latents[row, 0] for row in rows]),
            [_asked("emoji", keys[row]) for row in rows],
        ),
    }


def _asked(domain: Domain, key: str) -> Asked:
    name = next(one for one in load_names().of(domain) if one.key == key)
    return Asked(name.english, domain, key)


def _latents(rows: Sequence[Any]) -> Images:
    return torch.stack([torch.tensor(row) for row in rows]).float()


def main(folder: Path, num: int) -> None:
    """Draw, judge, print, and write a sheet of pictures and samples beside the adapter."""
    models = load_prior_models()
    autoencoder, text_encoder, unet = (models[kind].model for kind in PRIOR_KINDS)
    size = (_SIDE_PX, _SIDE_PX)
    prior = EmbeddedPrior(autoencoder, text_encoder, unet, load_tokenizer(), size)
    at_hand = {kind: one.identity for kind, one in models.items()}
    adapter = load_ip_adapter(prior, at_hand, folder)
    judge = load_judge().model
    texts = ReadTexts(judge, load_names())
    shown = []
    for name, (latents, asked) in held_out_pictures(default_cache(), models, num).items():
        made = drawn_from(prior, adapter, latents, [""] * len(asked), FRONT)
        with torch.no_grad():
            true = prior.decode(latents)
        for what, pictures in (("samples", made), ("pictures", true)):
            found = shares(judgements(look(judge, pictures.clamp(-1, 1)), asked, texts))
            said = ", ".join(f"{key} {share.value:.3f}" for key, share in found.items())
            sys.stdout.write(f"{name}, {what} of {len(asked)}: {said}\n")
            sys.stdout.flush()
        for given, one in list(zip(true, made, strict=True))[:_NUM_SHOWN]:
            shown += [to_picture(given), to_picture(one)]
    write_picture(folder / "image_prompts.png", picture_sheet(shown, num_columns=12))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 129)
