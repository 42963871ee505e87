"""The keys of the upscale app."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.image.config import PictureFiles
from common.runs.config import RunConfig


class UpscaleConfig(RunConfig):
    """Makes pictures larger."""

    app: Literal["upscale"] = "upscale"
    input: Path
    """A picture (PNG, JPEG, WebP, BMP, TIFF or GIF), or a folder of pictures, such as the frames of
    a clip: each is treated alone and alike."""
    factor: Literal[2, 4] = 4
    """How many times larger; 4 is twice times twice."""
    tile_px: int = Field(256, ge=32, le=4096, multiple_of=2)
    """Side of the tiles that are computed one by one: it bounds memory and changes nothing else."""
    models_dir: Path | None = None
    """Folder of the upscaler; null is the zoo of Extrude."""
    export: PictureFiles = PictureFiles()
    """Which files to write."""
