"""Small clips, records and files that several tests of the media share."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from common.media.provenance import Provenance


def moving_clip(
    num_frames: int = 8, height: int = 48, width: int = 64, *, alpha: bool = False
) -> np.ndarray:
    """A ball moving over a gradient; with alpha, the ball alone on nothing, with a soft edge."""
    rows, columns = np.mgrid[:height, :width]
    frames = np.zeros((num_frames, height, width, 4), np.uint8)
    for index in range(num_frames):
        centre = (index + 0.5) / num_frames * width
        distance = np.hypot(rows - height / 2, columns - centre)
        ball = np.clip(height / 4 - distance + 0.5, 0, 1)
        frames[index, ..., 0] = 200 * columns / max(1, width - 1) + 20
        frames[index, ..., 1] = 160 * rows / max(1, height - 1) + 40
        frames[index, ..., 2] = 90 + 100 * ball
        frames[index, ..., 3] = np.rint(255 * ball)
    frames[frames[..., 3] == 0] *= np.array([0, 0, 0, 0] if alpha else [1, 1, 1, 1], np.uint8)
    return frames if alpha else np.ascontiguousarray(frames[..., :3])


def noise_clip(num_frames: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Pixels without any structure: nothing compresses away."""
    shape = (num_frames, height, width, channels)
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def psnr_db(expected: np.ndarray, found: np.ndarray) -> float:
    """Peak signal-to-noise ratio of uint8 pixels."""
    error = np.mean((expected.astype(np.float64) - found.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def ffmpeg(*arguments: object) -> bytes:
    """Run the ffmpeg program: another build than the libraries under test."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def sample_provenance(prompt: str = "a red ball rolls") -> Provenance:
    return Provenance(
        app="video",
        prompt=prompt,
        seed=2**63 - 1,
        sample=3,
        config={"prompt": prompt, "sampler": {"name": "ddim", "eta": 0.1, "steps": [1, 2]}},
        versions={"extrude": "0.1.0", "torch": "2.13.0"},
    )


def damaged_copies(path: Path, folder: Path) -> dict[str, Path]:
    """The file cut at several places, with its bytes inverted, and empty."""
    data = path.read_bytes()
    variants = {f"cut{percent}": data[: len(data) * percent // 100] for percent in (10, 50, 95)}
    variants["empty"] = b""
    inverted = np.frombuffer(data, np.uint8).copy()
    middle = slice(len(data) // 3, len(data) * 2 // 3)
    inverted[middle] ^= 0xFF
    variants["inverted"] = inverted.tobytes()
    copies = {}
    for name, content in variants.items():
        copies[name] = folder / f"{path.stem}-{name}{path.suffix}"
        copies[name].write_bytes(content)
    return copies
