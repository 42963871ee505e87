"""Splat files by their suffix: what they hold, what they lose, how they are written.

========  ===========================================================  ===========================
suffix    format                                                       axes unless stated
========  ===========================================================  ===========================
.ply      INRIA's, lossless                                            ``RDF`` (COLMAP)
.splat    antimatter15's, 8 bits, colour the same from everywhere      ``RDF``
.spz      Niantic's, packed; version 4 is written                      ``RUB`` (ours)
.glb      ``KHR_gaussian_splatting``, a Release Candidate              glTF's, fixed
========  ===========================================================  ===========================
"""

from pathlib import Path

from common.errors import InputError
from common.media.targets import explained_write_errors, written_whole
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.dot_splat import dot_splat_bytes, dot_splat_losses, read_dot_splat
from threed.splats.khr_gltf import khr_gltf_bytes, khr_losses, read_khr_gltf
from threed.splats.ply import ply_bytes, read_ply
from threed.splats.spz import read_spz, spz_bytes, spz_losses

SUFFIXES = (".ply", ".splat", ".spz", ".glb")


def read_splats(path: Path, axes: str | None = None) -> GaussianCloud:
    """The Gaussians in a file, float32, in our world.

    Args:
        path: ends in one of `SUFFIXES`.
        axes: of the file, such as ``RDF`` (`threed.splats.axes`); None for what it states, or the
            format's default.

    Raises:
        InputError: missing, foreign, damaged, cut off, or with values that are no numbers.
    """
    try:
        match path.suffix.lower():
            case ".ply":
                return read_ply(path, axes)
            case ".splat":
                return read_dot_splat(path, axes)
            case ".spz":
                return read_spz(path, axes)
            case ".glb":
                return read_khr_gltf(path, axes)
            case other:
                raise _unknown(other)
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from None


def splat_bytes(cloud: GaussianCloud, suffix: str, axes: str | None = None) -> bytes:
    """The file of a cloud; ask `losses_of` what it leaves out.

    Args:
        cloud: of our world.
        suffix: one of `SUFFIXES`.
        axes: to write in; None for the format's default. A GLB's are fixed.

    Raises:
        InputError: an unknown suffix, or a cloud that the format cannot hold.
    """
    match suffix.lower():
        case ".ply":
            return ply_bytes(cloud, axes)
        case ".splat":
            return dot_splat_bytes(cloud, axes)
        case ".spz":
            return spz_bytes(cloud, axes)
        case ".glb":
            if axes not in (None, "RUB"):
                raise InputError(f"the axes of a GLB are glTF's, x right, y up: not {axes}")
            return khr_gltf_bytes(cloud)
        case other:
            raise _unknown(other)


def losses_of(cloud: GaussianCloud, suffix: str) -> tuple[str, ...]:
    """What a file with this suffix does not keep of a cloud, in sentences; none for PLY."""
    match suffix.lower():
        case ".ply":
            return ()
        case ".splat":
            return dot_splat_losses(cloud)
        case ".spz":
            return spz_losses(cloud)
        case ".glb":
            return khr_losses(cloud)
        case other:
            raise _unknown(other)


def write_splats(path: Path, cloud: GaussianCloud, axes: str | None = None) -> tuple[str, ...]:
    """Write a file, whole or not at all, and return `losses_of` it.

    Raises:
        InputError: an unknown suffix, a cloud that the format cannot hold, an unwritable place.
    """
    data = splat_bytes(cloud, path.suffix, axes)
    with written_whole(path, *SUFFIXES) as partial, explained_write_errors(path):
        partial.write_bytes(data)
    return losses_of(cloud, path.suffix)


def _unknown(suffix: str) -> InputError:
    return InputError(f"'{suffix}' is no splat file; {', '.join(SUFFIXES)} are")
