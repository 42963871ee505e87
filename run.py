"""The command line: ``python run.py <config.yaml or preset name> [key=value ...]``."""

import sys
from typing import TYPE_CHECKING

from common.cli.main import main
from common.runs.apps import Apps

if TYPE_CHECKING:
    from pathlib import Path

    from common.runs.app import App
    from common.runs.apps import Describer


def app_of(name: str) -> "App":
    """The app of a name, imported only when it is asked for."""
    match name:
        case "image":
            from common.image.app import APP
        case "upscale":
            from common.upscaling.app import APP
        case "video":
            from video.app import APP
        case "motion_conversion":
            from video.conversion.app import APP
        case "threed":
            from threed.app import APP
        case "prepare":
            from common.training.prepare.prepare_app import APP
        case "train":
            from common.training.app import APP
        case "train_video":
            from video.training.app import APP
        case "evaluate":
            from common.evaluation.app import APP
        case "evaluate_video":
            from video.evaluation.app import APP
        case "kit_clip":
            from video.evaluation.kit_clip_app import APP
        case "clip_coding":
            from video.evaluation.clip_coding_app import APP
        case "clip_distance":
            from video.evaluation.clip_distance_app import APP
        case "evaluate_threed":
            from threed.evaluation.app import APP
        case "kit_asset":
            from threed.evaluation.kit_asset_app import APP
        case "distillation":
            from threed.bench.app import APP
        case "compare":
            from common.compare.app import APP
        case _:
            raise KeyError(name)
    return APP


def described_json(path: "Path") -> list[str]:
    """A U-Net's config.json, or nerfstudio's transforms.json."""
    from threed.nerfstudio.description import described_transforms
    from video.animatediff.description import described_unet, is_unet_config

    return described_unet(path) if is_unet_config(path) else described_transforms(path)


def described_ckpt(path: "Path") -> list[str]:
    """A motion module or its LoRA, or one of nerfstudio's checkpoints."""
    from threed.nerfstudio.description import described_checkpoint
    from video.animatediff.description import described_motion_pickle

    return described_motion_pickle(path) or described_checkpoint(path)


def describer_of(suffix: str) -> "Describer":
    """What lists the contents of such files, imported only when it is asked for."""
    match suffix:
        case ".glb":
            from threed.glb_description import described_glb as describer
        case ".gltf":
            from threed.gltf.description import described_gltf as describer
        case ".obj" | ".stl" | ".off" | ".usdz":
            from threed.mesh_description import described_mesh as describer
        case ".ply":
            from threed.splats.description import described_ply as describer
        case ".splat" | ".spz":
            from threed.splats.description import described_splats as describer
        case ".json":
            return described_json
        case ".safetensors":
            from video.animatediff.description import described_motion as describer
        case ".yaml" | ".yml":
            from threed.peers.description import described_peer as describer
        case ".ckpt":
            return described_ckpt
        case _:
            raise KeyError(suffix)
    return describer


NAMES = (
    "image", "upscale", "video", "motion_conversion", "threed", "prepare", "train", "train_video",
    "evaluate", "evaluate_video", "kit_clip", "clip_coding", "clip_distance", "evaluate_threed",
    "kit_asset", "distillation", "compare",
)  # fmt: skip

SUFFIXES = (
    ".glb", ".gltf", ".obj", ".stl", ".off", ".usdz", ".ply", ".splat", ".spz", ".json",
    ".ckpt", ".safetensors", ".yaml", ".yml",
)  # fmt: skip
"""What `describer_of` knows."""

APPS = Apps(
    NAMES,
    app_of,
    SUFFIXES,
    describer_of,
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], APPS))
