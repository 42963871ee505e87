"""Clips for the motion measure: ground truth as a decoder might draw it, and what is no motion.

Clips here are premultiplied in [0, 1], ``4 f h w``. A clip is called by the name of its motion, or
``none``.
"""

import math

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

Clip = Float[Tensor, "4 f h w"]

MIRRORED = {"slide left": "slide right", "slide right": "slide left"}
REVERSED = {**MIRRORED, "grow": "shrink", "shrink": "grow", "tip over": "none"}
"""What a clip shows when it is played backwards; the others look the same. Nothing of the ten
rises from lying to standing."""
MAX_BLUR_PX = 0.7
"""At 64 px; twice as much at 128 px."""
MAX_GRAIN, MAX_STAIN = 0.03, 0.06
"""Deviation of noise a pixel, and of noise as smooth as eight pixels."""
MAX_JITTER = 0.005
"""Shift and zoom of single frames, as shares of the side."""
MAX_ZOOM = 1.15


def mirrored(clip: Clip, name: str) -> tuple[Clip, str]:
    """Left and right exchanged, and what it shows then."""
    return clip.flip(3), MIRRORED.get(name, name)


def reversed_clip(clip: Clip, name: str) -> tuple[Clip, str]:
    """Played backwards, and what it shows then."""
    return clip.flip(1), REVERSED.get(name, name)


def decoded(clip: Clip, generator: torch.Generator) -> Clip:
    """The clip as a decoder might draw it: framed anew, blurred, grainy, unsteady, dimmed.

    Half of the grain and stains stand still, half change from frame to frame; their strengths are
    drawn from 0 up, so that some clips stay nearly clean.
    """
    num_frames = clip.shape[1]
    zoom = MAX_ZOOM ** uniform(-1.5, 1.0, generator)
    shift = 0.1 * (torch.rand(1, 2, generator=generator) - 0.5)
    jitter = uniform(0.0, MAX_JITTER, generator)
    unsteady = jitter * torch.randn(num_frames, 3, generator=generator)
    moved = warped(clip, zoom * (1 + unsteady[:, 0]), shift + unsteady[:, 1:])
    soft = blurred(moved, uniform(0.0, MAX_BLUR_PX, generator))
    gain = uniform(0.75, 1.1, generator)
    coloured = torch.cat([soft[:3] * gain, soft[3:]])
    return _noisy(coloured, generator).clamp(0, 1)


def still(clip: Clip, generator: torch.Generator) -> Clip:
    """One frame, repeated."""
    chosen = int(torch.randint(clip.shape[1], (1,), generator=generator))
    return clip[:, chosen : chosen + 1].expand_as(clip).clone()


def shuffled(clip: Clip, generator: torch.Generator) -> Clip:
    """The frames in an order in which few neighbours stay neighbours."""
    num_frames = clip.shape[1]
    while True:
        order = torch.randperm(num_frames, generator=generator)
        if int((order.diff().abs() == 1).sum()) <= num_frames // 5:
            return clip[:, order]


def drifting(clip: Clip, generator: torch.Generator) -> Clip:
    """A still that moves a little, or much but straight up, straight down or aslant."""
    num_frames = clip.shape[1]
    time = torch.linspace(-0.5, 0.5, num_frames)
    eased = 0.75 * (1.5 * time - 2 * time**3) + 0.25 * time
    if uniform(0.0, 1.0, generator) < 0.5:
        amounts = 0.04 * torch.randn(3, generator=generator)
        zoom, shift = 1 + amounts[0] * eased, eased[:, None] * amounts[1:]
    else:
        angle = math.pi * uniform(0.28, 0.72, generator)
        reach = uniform(0.15, 0.5, generator) * (1 if uniform(0.0, 1.0, generator) < 0.5 else -1)
        direction = torch.tensor([math.cos(angle), math.sin(angle)])
        zoom, shift = torch.full((num_frames,), 0.7), reach * eased[:, None] * direction
    return warped(still(clip, generator), zoom, shift)


def becoming(clip: Clip, other: Clip, generator: torch.Generator) -> Clip:
    """A still that dissolves into a still of something else, or into nothing."""
    time = torch.linspace(0, 1, clip.shape[1])
    speed, middle = uniform(4.0, 12.0, generator), uniform(0.3, 0.7, generator)
    share = torch.sigmoid(speed * (time - middle))[:, None, None]
    into = still(other, generator)
    if uniform(0.0, 1.0, generator) < 0.25:
        into = torch.zeros_like(into)
    return still(clip, generator) * (1 - share) + into * share


def spotted(clip: Clip, generator: torch.Generator) -> Clip:
    """A still with a spot of a random colour that comes and goes somewhere on it."""
    frame = still(clip, generator)
    num_frames, rows, columns = frame.shape[1:]
    inside = torch.nonzero(frame[3, 0] > 0.9)
    if not len(inside):
        return frame
    place = inside[int(torch.randint(len(inside), (1,), generator=generator))]
    y, x = torch.arange(rows)[:, None] - place[0], torch.arange(columns)[None] - place[1]
    radius = uniform(0.02, 0.12, generator) * columns
    spot = torch.exp(-(x**2 + y**2) / radius**2)
    coming = torch.randn(3, generator=generator)
    time = torch.linspace(0, math.pi, num_frames)
    waves = torch.stack([torch.cos(number * time) for number in (1.0, 2.0, 3.0)])
    opacity = torch.sigmoid(2 * coming @ waves)[:, None, None] * spot * frame[3]
    colour = torch.rand(3, 1, 1, 1, generator=generator)
    painted = frame[:3] * (1 - opacity) + colour * opacity
    return torch.cat([painted, frame[3:]])


def melting(clip: Clip, generator: torch.Generator) -> Clip:
    """A still that is slowly bent out of shape, without moving as a whole."""
    frame = still(clip, generator)
    num_frames, rows, columns = frame.shape[1:]
    time = torch.linspace(0, math.pi, num_frames)
    waves = torch.stack([torch.cos(number * time) for number in (1.0, 2.0, 3.0)])
    strength = uniform(0.02, 0.1, generator)
    drawn = strength * torch.randn(3, 2, 5, 5, generator=generator)
    bends = einsum(waves, drawn - drawn.mean((2, 3), keepdim=True), "k f, k c i j -> f c i j")
    field = F.interpolate(bends, size=(rows, columns), mode="bicubic", align_corners=False)
    still_grid = F.affine_grid(
        torch.eye(2, 3).expand(num_frames, 2, 3), [num_frames, 4, rows, columns],
        align_corners=False,
    )  # fmt: skip
    grid = still_grid + rearrange(field, "f c h w -> f h w c")
    frames = rearrange(frame, "c f h w -> f c h w")
    bent = F.grid_sample(frames, grid, align_corners=False)
    return rearrange(bent, "f c h w -> c f h w")


def warped(clip: Clip, zoom: Float[Tensor, " f"], shift: Float[Tensor, "f 2"]) -> Clip:
    """Every frame zoomed about its middle, then moved by shares of the side (right, down)."""
    num_frames = clip.shape[1]
    matrix = torch.zeros(num_frames, 2, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1 / zoom
    matrix[:, :, 2] = -2 * shift / zoom[:, None]
    frames = rearrange(clip, "c f h w -> f c h w")
    grid = F.affine_grid(matrix, list(frames.shape), align_corners=False)
    moved = F.grid_sample(frames, grid, align_corners=False)
    return rearrange(moved, "f c h w -> c f h w")


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """One number in [low, high)."""
    return low + (high - low) * float(torch.rand(1, generator=generator))


def blurred(clip: Clip, sigma: float) -> Clip:
    """Gaussian blur by ``sigma`` pixels."""
    reach = torch.arange(-3, 4)
    kernel = torch.exp(-(reach**2) / (2 * max(sigma, 1e-3) ** 2))
    kernel = kernel / kernel.sum()
    frames = rearrange(clip, "c f h w -> (c f) 1 h w")
    wide = F.conv2d(F.pad(frames, (3, 3, 0, 0)), kernel[None, None, None])
    tall = F.conv2d(F.pad(wide, (0, 0, 3, 3)), kernel[None, None, :, None])
    return rearrange(tall, "(c f) 1 h w -> c f h w", f=clip.shape[1])


def _noisy(clip: Clip, generator: torch.Generator) -> Clip:
    """Grain and stains on what is there, a tenth as much where nothing is."""
    num_frames, rows, columns = clip.shape[1:]
    noise = torch.zeros_like(clip)
    for largest, cell in ((MAX_GRAIN, 1), (MAX_STAIN, 8)):
        for frames in (1, num_frames):
            strength = largest * uniform(0.0, 1.0, generator) ** 2
            size = (4, frames, -(-rows // cell), -(-columns // cell))
            drawn = strength * torch.randn(size, generator=generator)
            noise = noise + F.interpolate(drawn, size=(rows, columns), mode="bilinear")
    there = 0.1 + 0.9 * clip[3:]
    noise = torch.cat([noise[:3], -noise[3:].abs() * 0.5])
    return clip + noise * there
