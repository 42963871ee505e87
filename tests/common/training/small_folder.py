"""A folder of eight captioned disks, and settings that learn it in seconds."""

from common.media.images import write_picture
from tests.common.training.small_training import disks

LOOP = (
    "method.loop={num_steps: 4, batch_size: 3, precision: float32, ema_decay: 0.5, log_every: 1, "
    "preview_every: 4, evaluate_every: 4, learning_rate: {peak: 0.05, warmup_steps: 1}}"
)
SMALL = (LOOP, "method.height=64", "method.width=64", "num_threads=1", "device=cpu")


def write_folder(folder, count=8, size_px=64):
    """Transparent PNGs, opaque or nothing in every pixel, with captions beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(disks(count, size_px)):
        write_picture(folder / f"{index}.png", picture)
        (folder / f"{index}.txt").write_text(f"a disk number {index}\n", encoding="utf-8")
    return folder
