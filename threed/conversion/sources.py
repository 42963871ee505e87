"""What a file to convert is: a mesh, Gaussians, or a checkpoint of nerfstudio."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.errors import InputError
from threed.gltf.document import read_gltf
from threed.mesh_files import SUFFIXES as MESH_SUFFIXES
from threed.mesh_files import check_mesh_file
from threed.nerfstudio.checkpoint import NerfstudioCheckpoint, read_checkpoint
from threed.nerfstudio.dataparser import DataparserTransform, read_dataparser_transform
from threed.nerfstudio.splatfacto import splatfacto_cloud
from threed.nerfstudio.transforms import read_transforms
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.axes import axes_matrix
from threed.splats.files import SUFFIXES as SPLAT_SUFFIXES
from threed.splats.files import read_splats
from threed.splats.khr_gltf import has_splats, read_khr_gltf
from threed.splats.ply import is_splat_ply
from threed.splats.ply_table import MAX_HEADER_BYTES, read_ply_header

Kind = Literal["mesh", "gaussians", "checkpoint"]
MAX_SPLAT_BYTES = 4 * 2**30


@dataclass(frozen=True, eq=False)
class Source:
    """Gaussians, and what their file held beside them."""

    cloud: GaussianCloud
    losses: tuple[str, ...] = ()


def kind_of(path: Path) -> Kind:
    """What a file holds, by its suffix and, for PLY and glTF, by its header.

    Raises:
        InputError: no such file, or of a format that is not read.
    """
    suffix = path.suffix.lower()
    known = sorted({*MESH_SUFFIXES, *SPLAT_SUFFIXES, ".ckpt"})
    if suffix not in known:
        said = "; posed pictures are fitted, not converted" if suffix == ".json" else ""
        raise InputError(f"{path}: reads {', '.join(known)}, not '{path.suffix}' files{said}")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    if suffix == ".ckpt":
        return "checkpoint"
    if suffix in (".splat", ".spz"):
        return "gaussians"
    if suffix == ".ply" and _is_splat_ply(path):
        return "gaussians"
    if suffix in (".glb", ".gltf") and has_splats(read_gltf(path)):
        return "gaussians"
    return "mesh"


def check_source(path: Path, axes: str | None) -> Kind:
    """Refuse what cannot be read by its name, size or header, before a run folder exists.

    Raises:
        InputError: with the numbers and the fix.
    """
    kind = kind_of(path)
    if kind == "mesh":
        check_mesh_file(path)
    elif kind == "gaussians" and not 0 < path.stat().st_size <= MAX_SPLAT_BYTES:
        raise InputError(
            f"{path}: has {path.stat().st_size:,} bytes; between 1 and {MAX_SPLAT_BYTES:,} are read"
        )
    if axes is not None:
        if kind != "gaussians":
            raise InputError(
                f"axes are those of a file of Gaussians; {path.name} is a {kind}, whose axes are "
                "known, or told by up"
            )
        axes_matrix(axes)
    return kind


def read_gaussians(path: Path, axes: str | None) -> Source:
    """The Gaussians of a splat file, in our world.

    Raises:
        InputError: foreign or damaged.
    """
    if path.suffix.lower() in (".glb", ".gltf"):
        losses = []
        file = read_gltf(path)
        drawn = [p for mesh in file.entries("meshes") for p in mesh.get("primitives", [])]
        faces = sum(one.get("mode", 4) >= 4 for one in drawn if isinstance(one, dict))
        if faces:
            losses.append(f"{faces} parts made of triangles are left out: Gaussians were read")
        return Source(read_khr_gltf(path, axes), tuple(losses))
    return Source(read_splats(path, axes))


def read_training(path: Path) -> NerfstudioCheckpoint:
    """A checkpoint of splatfacto, nerfacto or our own plugin.

    Raises:
        InputError: another method's, or none of nerfstudio.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.method == "unknown":
        raise InputError(f"{path}: is of another method than splatfacto, nerfacto and extrude")
    return checkpoint


def trained_cloud(
    checkpoint: NerfstudioCheckpoint, path: Path, dataset: Path | None
) -> GaussianCloud:
    """The Gaussians of splatfacto, in the world of the dataset if one is named.

    Raises:
        InputError: damaged, or without the run's ``dataparser_transforms.json``.
    """
    try:
        return splatfacto_cloud(checkpoint, placement(path, dataset))
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from None


def placement(path: Path, dataset: Path | None) -> DataparserTransform | None:
    """From the world of a dataset to that of the training; None to stay in the latter.

    nerfstudio keeps checkpoints in ``<run>/nerfstudio_models`` and the transform in ``<run>``.
    """
    if dataset is None:
        return None
    return read_dataparser_transform(path.parent.parent, read_transforms(dataset))


def _is_splat_ply(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(MAX_HEADER_BYTES)
    try:
        return is_splat_ply(read_ply_header(head))
    except InputError:
        return False  # the mesh reader says what is wrong with it
