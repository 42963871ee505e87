"""Clips of a checkpoint with a motion module: our sampling against diffusers' AnimateDiffPipeline.

The model is Stable Diffusion 1.5 with 0.3 of its channels (96, 192, 384, 384), a motion module of
version 2 in the same proportion and a small autoencoder, all with random weights: its layers are
those of the real one, and their sizes fit a laptop. Both have the same weights, noise, prompts,
steps (DDIM, guided; 4, or 10 where features are used again in 4 of 5 evaluations) and dtype, and
end in the same latents to rounding, which is checked. Runs alternate, ours and theirs, so that what
else the machine does slows both alike; a ratio is the geometric mean of the pairs', with its 95 %
interval. With one thread (``OMP_NUM_THREADS=1``) it is
processor time that is compared, which other work on the machine changes little.

``EXTRUDE_ANIMATEDIFF=cached`` takes only the ways whose names have that in them.
"""

import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from scipy.stats import t as student_t

from common.diffusion.compute_config import FeatureCacheConfig
from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig
from common.seeding import generators_for, randn
from tests.common.pretrained import tiny_pipelines as tiny
from tests.video.animatediff.test_motion_file import original_of
from video.animatediff.build import build_animatediff_prior
from video.animatediff.clip_prior import AnimateDiffPrior
from video.motion_config import MotionModuleConfig

CHANNELS, CROSS, HEADS = (96, 192, 384, 384), 224, 8
FRAMES, SIDE_PX, SCALE = 16, 128, 7.5
PAIRS = int(os.environ.get("EXTRUDE_PAIRS", "4"))
PROMPT, NEGATIVE = "a red cat in the house", "blurry"
LEADING: dict[str, Any] = {"timestep_spacing": "leading", "steps_offset": 1}
EVERY_5TH = FeatureCacheConfig(every=5)
"""As DeepCache (Ma et al. 2023) has it by default."""
WAYS = {
    "float32": (torch.float32, ComputeConfig(), 4, 1.0),
    "float32, cached": (torch.float32, ComputeConfig(feature_cache=EVERY_5TH), 10, 2.0),
    "float32, compiled": (torch.float32, ComputeConfig(compile=True), 4, 1.2),
    "bfloat16": (torch.bfloat16, ComputeConfig(dtype="bfloat16"), 4, 1.0),
    "bfloat16, compiled": (torch.bfloat16, ComputeConfig(dtype="bfloat16", compile=True), 4, 1.4),
}
"""What is compared: dtype of both, our switches, steps, and the bar of the sampling loop."""


def made_pipeline() -> Any:
    """diffusers' pipeline with random weights."""
    import diffusers

    words = tiny.tokenizer()
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        unet = diffusers.UNet2DConditionModel(
            sample_size=SIDE_PX // 8, block_out_channels=CHANNELS, layers_per_block=2,
            cross_attention_dim=CROSS, attention_head_dim=HEADS,
            down_block_types=(*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
            up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
        )  # fmt: skip
        motion = diffusers.MotionAdapter(
            block_out_channels=CHANNELS, use_motion_mid_block=True, motion_num_attention_heads=HEADS
        )
        for module in motion.modules():  # trained ones do something
            if getattr(module, "proj_out", None) is not None:
                torch.nn.init.normal_(module.proj_out.weight, std=0.02)
        vae = tiny.autoencoder()
        text = tiny.text_encoder(words, width=CROSS)
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=False, **LEADING
    )
    made = diffusers.AnimateDiffPipeline(
        vae=vae, text_encoder=text, tokenizer=words, unet=unet, motion_adapter=motion,
        scheduler=scheduler,
    )  # fmt: skip
    made.set_progress_bar_config(disable=True)
    return made, unet, motion


def stored(folder: Path, theirs: Any, unet: Any, motion: Any) -> tuple[Path, Path]:
    """The checkpoint's folder, and the motion module in the original's layout."""
    import diffusers

    pictures = diffusers.StableDiffusionPipeline(
        vae=theirs.vae, unet=unet, text_encoder=theirs.text_encoder, tokenizer=theirs.tokenizer,
        scheduler=theirs.scheduler, safety_checker=None, feature_extractor=None,
        image_encoder=None, requires_safety_checker=False,
    )  # fmt: skip
    pictures.save_pretrained(folder / "sd")
    safetensors.torch.save_file(original_of(motion, 32), folder / "motion.safetensors")
    return folder / "sd", folder / "motion.safetensors"


class Ours:
    """Our sampling of one clip: the loop, or all from prompts to pictures."""

    def __init__(self, prior: AnimateDiffPrior, steps: int):
        self.prior = prior
        sampler = DDIM(num_steps=steps, **LEADING)
        self.scheduler = build_scheduler(sampler, prior.spec.schedule, prior.spec.prediction)
        self.noise = randn(prior.spec.latent_shape, generators_for(0, range(1), "latents"))
        self.told = prior.embed([PROMPT]), prior.embed([NEGATIVE])

    def loop(self) -> torch.Tensor:
        """Latents, from embeddings."""
        return self._sampled(*self.told)

    def whole(self) -> torch.Tensor:
        """Pictures, from prompts."""
        cond, uncond = self.prior.embed([PROMPT]), self.prior.embed([NEGATIVE])
        with torch.inference_mode():
            return self.prior.decode(self._sampled(cond, uncond))

    def _sampled(self, cond: Any, uncond: Any) -> torch.Tensor:
        *_, last = sample(
            self.prior, self.scheduler, cond, uncond, CFG(guidance_scale=SCALE), self.noise,
            generators_for(0, range(1), "sampler"),
        )  # fmt: skip
        return last.latents


class Theirs:
    """diffusers' pipeline, told the same."""

    def __init__(self, pipeline: Any, noise: torch.Tensor, dtype: torch.dtype, steps: int):
        self.pipeline = pipeline.to(dtype)
        self.noise = noise.to(dtype)
        self.told = pipeline.encode_prompt(PROMPT, "cpu", 1, True, NEGATIVE)
        self.common = {
            "num_frames": FRAMES, "height": SIDE_PX, "width": SIDE_PX,
            "num_inference_steps": steps, "guidance_scale": SCALE, "decode_chunk_size": 1,
        }  # fmt: skip

    def loop(self) -> torch.Tensor:
        """Latents, from embeddings."""
        return self.pipeline(
            prompt_embeds=self.told[0], negative_prompt_embeds=self.told[1],
            latents=self.noise.clone(), output_type="latent", **self.common,
        ).frames  # fmt: skip

    def whole(self) -> torch.Tensor:
        """Pictures, from prompts."""
        return self.pipeline(
            PROMPT, negative_prompt=NEGATIVE, latents=self.noise.clone(), output_type="pt",
            **self.common,
        ).frames  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call; of the processor where there is one thread."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    begin = clock()
    work()
    return clock() - begin


def said(ratios: list[float]) -> str:
    """Geometric mean and 95 % interval, by Student's t of the logarithms."""
    logs = [math.log(ratio) for ratio in ratios]
    mean = statistics.mean(logs)
    if len(logs) == 1:
        return f"{math.exp(mean):.2f}"
    half = float(student_t.ppf(0.975, len(logs) - 1)) * statistics.stdev(logs) / len(logs) ** 0.5
    return f"{math.exp(mean):.2f} ({math.exp(mean - half):.2f} to {math.exp(mean + half):.2f})"


def compare(name: str, folder: tuple[Path, Path], pipeline: Any) -> None:
    """Print one way's ratios."""
    dtype, compute, steps, bar = WAYS[name]
    config = PretrainedPriorConfig(path=str(folder[0]), compute=compute)
    motion = MotionModuleConfig(path=folder[1], norms="diffusers")
    ours = Ours(build_animatediff_prior(config, motion, (FRAMES, SIDE_PX, SIDE_PX)), steps)
    theirs = Theirs(pipeline, ours.noise, dtype, steps)
    first, wanted = ours.loop().float(), theirs.loop().float()
    ours.whole(), theirs.whole()  # warm, and ours compiled, in either mode
    off = float((first - wanted).norm() / wanted.norm())
    loops, wholes, own = [], [], []
    for _ in range(PAIRS):
        own.append(timed(ours.loop))
        loops.append(timed(theirs.loop) / own[-1])
        wholes.append(timed(theirs.whole) / timed(ours.whole))
    print(
        f"animatediff, {name}, {steps} steps: {statistics.median(own):.2f} s; as fast as "
        f"diffusers times {said(loops)} in the loop (bar {bar:g}), {said(wholes)} from prompts to "
        f"pictures; latents off by {off:.1e}",
        flush=True,
    )


def main() -> None:
    """Compare every way."""
    pipeline, unet, motion = made_pipeline()
    millions = sum(weight.numel() for weight in pipeline.unet.parameters()) / 1e6
    print(
        f"Stable Diffusion 1.5 with channels {CHANNELS} and motion module v2, random, "
        f"{millions:.0f} M weights; {FRAMES} frames of {SIDE_PX} px, DDIM, guided"
    )
    asked = os.environ.get("EXTRUDE_ANIMATEDIFF", "")
    with tempfile.TemporaryDirectory() as place:
        folder = stored(Path(place), pipeline, unet, motion)
        for name in WAYS:
            if asked in name:
                compare(name, folder, pipeline)


if __name__ == "__main__":
    main()
