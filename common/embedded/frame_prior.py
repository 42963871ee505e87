"""The embedded prior of several pictures that belong together: a clip, or views of one object.

The image prior with frame layers put in. Each sample has a frame axis, ``b c f h w``, and one noise
level; every frame may have its own view. The first frame may be given as a picture: it is then seen
by the others without noise, and is what sampling ends in.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from copy import copy
from dataclasses import replace

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor, nn

from common.adapters.frame_loras import FrameLoras
from common.diffusion.frame_curves import FrameNumbers, PromptTravel
from common.diffusion.frame_windows import FrameWindows, Fusion, repeated_order
from common.diffusion.lifted_unet import LiftedUNet, Strength
from common.diffusion.noise_schedule import per_sample
from common.diffusion.prior import PriorSpec
from common.embedded.camera_path import NEIGHBOURS, CameraPath
from common.embedded.classifying import frames_log_probability
from common.embedded.clip_plan import NOTHING_KNOWN, ClipPart, ClipPlan
from common.embedded.controls import EmbeddedControl, control_features
from common.embedded.frame_coding import decoded_frames, encoded_frames
from common.embedded.frames_cond import FramesCond
from common.embedded.image_prompt import seen_by_frames
from common.embedded.image_unet import View, view_features
from common.embedded.lifted_call import ToldSteps, predict_v_of_frames, with_first
from common.embedded.mouth import Mouths, check_mouths
from common.embedded.prior import EmbeddedCond, EmbeddedPrior
from common.embedded.shared_noise import mixed_noise, one_more
from common.embedded.travelled_rows import mixed_seen, mixed_vector, repeated_rows
from common.errors import InputError
from common.seeding import randn
from common.shapes import Clips, Images, Timesteps


class FramePrior:
    """A prior of clips, or of views.

    State: the image prior, the lifted U-Net, the number of frames it draws, what it knows of a clip
    before it is drawn, what is followed, what a student of few steps is told, windows of longer
    clips, and the path of the camera. The image prior follows what first frames do. Each window
    sees the first frame before its own, if that is drawn by itself or given.
    """

    def __init__(
        self,
        pictures: EmbeddedPrior,
        lifted: LiftedUNet,
        num_frames: int,
        plan: ClipPlan = NOTHING_KNOWN,
        controls: Sequence[EmbeddedControl] = (),
        windows: FrameWindows | None = None,
        repeats_noise: bool = False,
    ):
        self.pictures, self.lifted, self.plan = pictures, lifted, plan
        self.controls = tuple(controls)
        self.windows, self.repeats_noise = windows, repeats_noise
        self.strengths: Float[Tensor, " f"] | None = None
        self.loras: FrameLoras | None = None
        self.path: CameraPath | None = None
        self.steps: ToldSteps | None = None
        sizes = lifted.layers.sizes
        longest = sizes.max_frames
        if not sizes.transformer.ordered:
            longest = max(longest, NEIGHBOURS)
        before = max(int(sizes.first_alone), 0 if windows is None else windows.first)
        together = num_frames if windows is None else windows.length + before
        if not 1 <= together <= longest:
            raise InputError(
                f"these layers draw up to {longest} frames together; num_frames is {together}"
            )
        channels, height, width = pictures.spec.latent_shape
        self._spec = replace(pictures.spec, latent_shape=(channels, num_frames, height, width))

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def num_frames(self) -> int:
        """Frames, or views, of a sample."""
        return self._spec.latent_shape[1]

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self.pictures.device

    @property
    def network(self) -> nn.Module:
        """The lifted U-Net."""
        return self.lifted

    @property
    def first_alone(self) -> bool:
        """Whether the first frame is drawn by itself, before the others."""
        return self.lifted.layers.sizes.first_alone and self.num_frames > 1

    def of_first_frames(self) -> "FramePrior":
        """The prior of clips of one frame."""
        firsts = [control.first() for control in self.controls]
        alone = FramePrior(self.pictures, self.lifted, 1, controls=firsts)
        alone.strengths = None if self.strengths is None else self.strengths[:1]
        alone.loras, alone.steps = self._loras_of(torch.arange(1)), self.steps
        return alone

    def in_few_steps(self, pictures: EmbeddedPrior, steps: ToldSteps) -> "FramePrior":
        """The same prior, told in how many steps it is to lead to the end, as its pictures are."""
        same = copy(self)
        same.pictures, same.steps = pictures, steps
        return same

    def moving(self, tracks: Float[Tensor, "1 f 5"]) -> "FramePrior":
        """The prior of clips whose things move so, whatever the prompt tells."""
        same = copy(self)
        same.plan = replace(self.plan, tracks=tracks, unexplained=None)
        return same

    def speaking(self, mouths: Mouths) -> "FramePrior":
        """The prior of clips whose faces have these mouths, one in each frame."""
        check_mouths(mouths, self.num_frames)
        same = copy(self)
        same.plan = replace(self.plan, mouths=mouths.to(self.device))
        return same

    def of_part(self, part: ClipPart) -> "FramePrior":
        """The prior of clips that go on with a longer one, as its prompt tells."""
        same = copy(self)
        same.plan = replace(self.plan, part=part)
        return same

    def changing(
        self,
        strengths: Float[Tensor, " f"] | None,
        weights: Sequence[Float[Tensor, " f"] | None] = (),
        loras: FrameLoras | None = None,
    ) -> "FramePrior":
        """The prior of clips in whose frames the models act more or less.

        Args:
            strengths: of the frame layers in each frame; None: 1 in all.
            weights: of each control in each frame; None leaves what it has.
            loras: that are not merged into the U-Net.
        """
        same = copy(self)
        same.strengths, same.loras = strengths, loras
        told = weights or [None] * len(self.controls)
        same.controls = tuple(
            one if weight is None else one.weighted(weight)
            for one, weight in zip(self.controls, told, strict=True)
        )
        return same._with_first_frames()

    def of_frames(self, frames: FrameNumbers) -> "FramePrior":
        """The prior of some frames of its clip, drawn as one of their own."""
        same = copy(self)
        same.controls = tuple(control.of_frames(frames) for control in self.controls)
        same.loras = self._loras_of(frames)
        same.strengths = None if self.strengths is None else self.strengths[frames]
        same.plan = self.plan.of_frames(frames)
        same.path = None if self.path is None else self.path.of_frames(frames)
        return same._with_first_frames()

    def _with_first_frames(self) -> "FramePrior":
        """The same, whose image prior follows what first frames do."""
        same = copy(self)
        firsts = [one.first() for one in self.controls]
        same.pictures = self.pictures.following(firsts, self._loras_of(torch.arange(1)))
        return same

    def _loras_of(self, frames: FrameNumbers) -> FrameLoras | None:
        return None if self.loras is None else self.loras.of_frames(frames)

    def in_windows(self, windows: FrameWindows, repeats_noise: bool = False) -> "FramePrior":
        """The prior of longer clips, or of loops, that are drawn in windows.

        With ``repeats_noise`` all windows begin with the same noise (FreeNoise).
        """
        longer = FramePrior(
            self.pictures, self.lifted, windows.num_frames, self.plan, self.controls, windows,
            repeats_noise,
        )  # fmt: skip
        longer.steps = self.steps
        return longer

    def seen_along(self, path: CameraPath) -> "FramePrior":
        """The prior of clips that show a thing from one view after the other.

        Raises:
            InputError: not as many views as frames.
        """
        same = copy(self)
        self._check([""], [path.views], None)
        same.path = path
        return same

    def noise(self, generators: Sequence[torch.Generator]) -> Clips:
        """What samples begin with, one a generator: normal, and partly shared among frames."""
        drawn = randn(one_more(self.spec.latent_shape), generators, device=self.device)
        if self.windows is not None and self.repeats_noise:
            for own, generator in zip(drawn, generators, strict=True):
                order = repeated_order(self.windows, generator).to(own.device)
                own[:, : self.num_frames] = own[:, order]
        share = self.lifted.layers.sizes.shared_noise
        return mixed_noise(drawn, share if self.path is None else self.path.shared_noise)

    @torch.no_grad()
    def embed(
        self,
        prompts: Sequence[str],
        views: Sequence[Sequence[View] | None] | None = None,
        first: Images | None = None,
        hidden: bool = False,
    ) -> FramesCond:
        """Conditioning for prompts in English or Chinese.

        Args:
            prompts: One a sample.
            views: Of each sample, a view for every frame, or None; left out, none has any.
            first: Clean latents of each sample's first frame, if they are given.
            hidden: Whether the other frames do not see them, nor pictures that go with the prompt.

        Raises:
            InputError: numbers of views, or of given frames, that do not fit.
        """
        seen = views or [None] * len(prompts)
        self._check(prompts, seen, first)
        one = (self.pictures.embed_negative if hidden else self.pictures.embed)(prompts)
        windows, count = self.windows, self.num_frames
        # In windows rows are of their frames, which are alike; of all frames where views differ.
        of_clip = windows is not None and any(len(set(row)) > 1 for row in seen if row)
        if windows is not None and not of_clip:
            count = windows.length + int(first is not None)
        states, mask, vector = (
            repeat(tensor, "b ... -> (b f) ...", f=count)
            for tensor in (one.states, one.mask, one.vector)
        )
        told = [view for row in seen for view in _of_frames(row, count)]
        features = view_features(told).to(vector)
        vector = torch.cat([vector[:, : -features.shape[1]], features], 1)
        shown = seen_by_frames(one.seen, count, features)
        rows = EmbeddedCond(states, mask, vector, shown)
        return FramesCond(rows, first, hidden, of_clip, one.classes)

    @torch.no_grad()
    def embed_travel(
        self,
        travel: PromptTravel,
        count: int,
        view: View | None = None,
        first: Images | None = None,
    ) -> FramesCond:
        """Conditioning of ``count`` clips whose frames have prompts of their own.

        Token states, and the pooled state's direction, are mixed between prompts; where only one of
        two has a token, its state fades towards zero.
        """
        views = None if view is None else [view] * len(travel.prompts)
        one = self.pictures.embed(travel.prompts, views)
        rows = EmbeddedCond(
            travel.mixed(one.states), travel.of_any(one.mask), mixed_vector(travel, one.vector),
            mixed_seen(travel, one.seen),
        )  # fmt: skip
        classes = one.classes
        if classes is not None:
            same = bool((classes == classes[:1]).all())
            classes = classes[:1].expand(count, -1) if same else None
        return FramesCond(repeated_rows(rows, count), first, of_clip=True, classes=classes)

    def told_by(self, prompts: Sequence[str]) -> Float[Tensor, "b d"]:
        """What the plan is told from: pooled text, and features of no view."""
        return self.pictures.embed(prompts).vector

    def embed_negative(self, prompts: Sequence[str]) -> FramesCond:
        """Conditioning that guidance moves away from: of the prompts alone, without pictures."""
        return self.embed(prompts, hidden=True)

    def predict(self, latents: Clips, timesteps: Timesteps, cond: FramesCond) -> Clips:
        """The lifted U-Net's ``v`` at each sample's timestep.

        For a given first frame ``x`` it is exact: ``v = (alpha z - x) / sigma``.
        """
        with self.pictures.compute.evaluating(cond, latents, timesteps) as whole_at:
            if self.windows is None:
                made = self._seen_together(latents, timesteps, cond, torch.arange(self.num_frames))
            else:
                made = self._in_windows(self.windows, whole_at, latents, timesteps, cond)
        if cond.first is None:
            return made
        alpha, sigma = self.spec.schedule.alpha_sigma(timesteps)
        at_first = latents[:, :, 0]
        exact = per_sample(alpha, at_first) * at_first - cond.first.to(latents)
        made[:, :, 0] = exact / per_sample(sigma, at_first)
        return made

    def class_log_probability(
        self, latents: Clips, timesteps: Timesteps, cond: FramesCond
    ) -> Float[Tensor, " b"]:
        """``log p(y | z_t)`` of what the prompt names, summed over the frames that are drawn.

        Raises:
            InputError: no classifier is at hand, or prompts differ from frame to frame.
        """
        drawn = latents[:, :, int(cond.first is not None) :]
        return frames_log_probability(
            self.pictures.classifying, self.spec.schedule, drawn, timesteps, cond.classes
        )

    def _seen_together(
        self, latents: Clips, timesteps: Timesteps, cond: FramesCond, frames: FrameNumbers
    ) -> Clips:
        """The U-Net's ``v`` of frames that all see each other, the first one's too."""
        times = repeat(timesteps, "b -> b f", f=latents.shape[2])
        if cond.first is not None and not cond.hidden:
            latents, times = with_first(latents, times, cond.first)
        return self._predicted(latents, times, cond.seen_together(frames, self.num_frames), frames)

    def _in_windows(
        self,
        windows: FrameWindows,
        whole_at: float,
        latents: Clips,
        timesteps: Timesteps,
        cond: FramesCond,
    ) -> Clips:
        """The ``v`` of windows, fused; each has the first frame before its own.

        They lie as they did in the last whole evaluation, whose features they may use again.
        """
        fusion, before = Fusion(windows, latents), int(cond.first is not None)
        for number, window in enumerate(windows.at(whole_at)):
            own = latents[:, :, window.to(latents.device)]
            seen = torch.cat([latents[:, :, :before], own], 2)
            frames = torch.cat([torch.arange(before), window])
            with self.pictures.compute.reuse.part(number):
                made = self._seen_together(seen, timesteps, cond, frames)
            fusion.add(window, made[:, :, before:])
        return fusion.mean()

    def _predicted(
        self,
        latents: Clips,
        timesteps: Float[Tensor, "b f"],
        rows: EmbeddedCond,
        frames: FrameNumbers,
    ) -> Clips:
        """The lifted U-Net's ``v``, with what is followed in these frames of the clip."""
        scale: Strength = 1.0
        if self.strengths is not None:
            scale = repeat(self.strengths[frames], "f -> (b f)", b=len(latents))
        times = rearrange(timesteps, "b f -> (b f)")
        added = control_features(
            [control.of_frames(frames) for control in self.controls],
            rearrange(latents, "b c f h w -> (b f) c h w"), times,
            self.spec.schedule.fraction(times), rows.vector,
        )  # fmt: skip
        loras = self._loras_of(frames)
        with nullcontext() if loras is None else loras.acting(len(latents)):
            return predict_v_of_frames(
                self.lifted, latents, timesteps, rows, scale=scale, added=added,
                steps=self.steps,
            )  # fmt: skip

    def encode(self, pictures: Clips) -> Float[Tensor, "b z f y x"]:
        """Premultiplied RGBA frames in [-1, 1] to latents."""
        return encoded_frames(self.pictures.autoencoder, pictures)

    def decode(self, latents: Float[Tensor, "b z f y x"]) -> Clips:
        """Latents to premultiplied RGBA frames, not clamped."""
        return decoded_frames(self.pictures.autoencoder, latents)

    def _check(
        self,
        prompts: Sequence[str],
        views: Sequence[Sequence[View] | None],
        first: Tensor | None,
    ) -> None:
        if len(views) != len(prompts):
            raise InputError(f"{len(prompts)} prompts and views of {len(views)}: give each its own")
        wrong = [len(row) for row in views if row is not None and len(row) != self.num_frames]
        if wrong:
            raise InputError(
                f"a sample has {self.num_frames} frames, and {wrong[0]} views are given"
            )
        if first is not None and len(first) != len(prompts):
            raise InputError(f"{len(prompts)} prompts and {len(first)} first frames")


def _of_frames(row: Sequence[View] | None, count: int) -> Sequence[View | None]:
    """The views of so many frames: their own, or the one that all have."""
    if row is None:
        return [None] * count
    return row if len(row) == count else [row[0]] * count
