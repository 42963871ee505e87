"""What is in a GLB, meshes and Gaussians, for ``run.py inspect``."""

from pathlib import Path

from threed.gltf.description import described_gltf
from threed.splats.description import described_khr


def described_glb(path: Path) -> list[str]:
    """Meshes, materials and the linter's findings, then Gaussians if there are any.

    Raises:
        InputError: it is damaged.
    """
    return [*described_gltf(path), *described_khr(path)]
