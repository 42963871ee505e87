"""A cloud of Gaussians in every format that was asked for, each file read again and compared."""

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from threed.asset_formats import SplatFormat
from threed.measures.cloud_views import CloudBack, Frame, cloud_back, cloud_pictures, frame_of
from threed.nerfstudio.checkpoint import read_checkpoint
from threed.nerfstudio.splatfacto import splatfacto_cloud
from threed.nerfstudio.write_checkpoint import FILE_NAME, write_checkpoint
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.files import read_splats, write_splats


@dataclass(frozen=True, eq=False)
class SplatFile:
    """One file of a cloud."""

    path: Path
    losses: tuple[str, ...]
    """What the cloud has that the file does not, a clause each."""
    check: CloudBack
    """Pictures of the file against those of the cloud."""
    pictures: Float[Tensor, "v h w 4"]
    """What the file shows from six sides."""


@dataclass(frozen=True, eq=False)
class SplatFiles:
    """All files of a cloud."""

    frame: Frame
    """What the pictures are framed on."""
    pictures: Float[Tensor, "v h w 4"]
    """What the cloud shows from six sides."""
    files: tuple[SplatFile, ...]


def write_splat_files(
    folder: Path,
    stem: str,
    cloud: GaussianCloud,
    formats: tuple[SplatFormat, ...],
    axes: str | None,
) -> SplatFiles:
    """Write ``<stem>.<format>`` for each format, read it again and draw it.

    A checkpoint is ``<stem>_splatfacto/step-000000000.ckpt``.

    Args:
        folder: where to.
        stem: the name.
        cloud: of our world.
        formats: of `threed.splats.files`.
        axes: to write in; None for each format's default. A GLB's and a checkpoint's are fixed.

    Raises:
        InputError: nothing visible, a cloud that a format cannot hold, an unwritable place.
    """
    frame = frame_of(cloud)
    wanted = cloud_pictures(cloud, frame)
    files = []
    for kind in formats:
        path, losses, back = _written(folder, stem, cloud, kind, axes)
        shown = cloud_pictures(back, frame)
        files.append(SplatFile(path, losses, cloud_back(wanted, shown), shown))
    return SplatFiles(frame, wanted, tuple(files))


def _written(
    folder: Path, stem: str, cloud: GaussianCloud, kind: SplatFormat, axes: str | None
) -> tuple[Path, tuple[str, ...], GaussianCloud]:
    """One file, what it lacks, and what it holds, read again."""
    path = folder / f"{stem}.{kind}"
    if kind == "ckpt":  # nerfstudio looks for this name in a folder
        path = folder / f"{stem}_splatfacto" / FILE_NAME
        path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)  # a resumed run writes again what it does not know to be whole
    if kind == "ckpt":
        return path, write_checkpoint(path, cloud), splatfacto_cloud(read_checkpoint(path))
    own = None if kind == "glb" else axes
    return path, write_splats(path, cloud, own), read_splats(path, own)
