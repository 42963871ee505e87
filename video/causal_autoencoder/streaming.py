"""Clips of any length through a causal autoencoder, a part at a time, in constant memory.

A part is coded with what the blocks before it have seen, so that parts of any lengths give what the
whole gives. Parts are ``(b, z, f, y, x)`` latents and ``(b, z, g, y, x)`` codes.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from common.shapes import Clips
from video.causal_autoencoder.groups import check_num_frames, num_groups
from video.causal_autoencoder.model import CausalAutoencoder, Codes, Past


def coded_parts(model: CausalAutoencoder, parts: Iterable[Tensor]) -> Iterator[Codes]:
    """The codes of a clip whose latents come in parts.

    Frames wait until their group is whole; the last group ends with the clip.
    """
    size, past, waiting = model.architecture.frames_per_code, None, None
    for part in parts:
        held = part if waiting is None else torch.cat([waiting, part], 2)
        begun = int(past is None and held.shape[2] > 0)
        whole = begun + (held.shape[2] - begun) // size * size
        waiting = held[:, :, whole:]
        if whole:
            coded = model.encode_part(held[:, :, :whole], past)
            past = coded.past
            yield coded.frames
    if waiting is not None and waiting.shape[2]:
        yield model.encode_part(waiting, past).frames


def decoded_parts(
    model: CausalAutoencoder, parts: Iterable[Tensor], num_frames: int | None = None
) -> Iterator[Clips]:
    """The latents of a clip whose codes come in parts, each of one frame of code or more.

    Args:
        model: that coded them.
        parts: of one clip.
        num_frames: of the clip; None: all that the codes hold. What is too many is cut from the
            end once the codes have ended, so one group of frames is held back.

    Raises:
        InputError: the codes are of clips of another length.
    """
    size, done, past = model.architecture.frames_per_code, 0, None
    held: Tensor | None = None
    for part in parts:
        past, frames = _decoded(model, part, past)
        done += part.shape[2]
        if num_frames is not None:
            frames = frames if held is None else torch.cat([held, frames], 2)
            held, frames = frames[:, :, -size:], frames[:, :, :-size]
        if frames.shape[2]:
            yield frames
    if num_frames is not None and held is not None:
        check_num_frames(num_frames, done, size)
        over = 1 + size * (num_groups(num_frames, size) - 1) - num_frames
        yield held[:, :, : held.shape[2] - over]


def _decoded(model: CausalAutoencoder, part: Codes, past: Past | None) -> tuple[Past, Clips]:
    made = model.decode_part(part, past)
    return made.past, made.frames
