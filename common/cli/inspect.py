"""``run.py inspect <path>``: what is in a file or run folder, read with bounded effort."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.runs.apps import Apps
from common.runs.folder import RunFolder

_MAX_HEADER_BYTES = 100_000_000
_MAX_LISTED = 60
_WITHOUT_PROVENANCE = (".safetensors", ".obj", ".stl", ".off", ".usdz", ".ply", ".splat", ".spz",
                       ".json", ".ckpt", ".bmp", ".yaml", ".yml")  # fmt: skip


def inspect_path(given: str, apps: Apps) -> str:
    """Say what a run folder, clip, picture, asset or checkpoint holds."""
    path = Path(given)
    if path.is_dir():
        return _run_folder(path)
    if not path.is_file():
        raise InputError(f"{given}: there is no such file or folder")
    readers: dict[str, Callable[[Path], list[str]]] = {
        ".safetensors": _safetensors,
        ".png": _picture, ".jpg": _picture, ".jpeg": _picture, ".bmp": _picture,
        ".mp4": _clip, ".webm": _clip, ".gif": _clip, ".webp": _clip, ".mov": _clip,
        ".mkv": _clip, ".avi": _clip,
    }  # fmt: skip
    suffix = path.suffix.lower()
    known = [one for one in (apps.describer(suffix), readers.get(suffix)) if one is not None]
    if not known:
        raise InputError(
            f"{given}: cannot inspect '{path.suffix}' files; knows "
            f"{', '.join(sorted((*readers, *apps.described)))}"
        )
    try:
        found = [line for reader in known for line in reader(path)]
    except InputError as error:
        raise error if given in str(error) else InputError(f"{given}: {error}") from None
    lines = [f"{path.name}  {path.stat().st_size:,} bytes", *found]
    if path.suffix.lower() not in _WITHOUT_PROVENANCE:
        lines += _provenance(path)
    return "\n".join(lines)


def _run_folder(path: Path) -> str:
    from common.report.json_report import read_record

    if not (path / "status.json").is_file():
        raise InputError(f"{path}: is a folder, but not of a run (it has no status.json)")
    folder = RunFolder(path)
    lines = [f"run folder {path}", f"status: {folder.status()}"]
    if (path / "report.json").is_file():
        record = read_record(path)
        lines += [f"artefact: {a.path}  {a.size_bytes:,} bytes" for a in record.artefacts]
        lines += [f"time: {stage} {seconds:.2f} s" for stage, seconds in record.timings_s.items()]
    elif any(folder.checkpoints.glob("step-*")):
        lines.append(f"continue with: python run.py resume {path}")
    return "\n".join(lines)


def _clip(path: Path) -> list[str]:
    from common.media.video_probe import probe

    found = probe(path)
    return [
        f"{found.width} x {found.height} pixels, {found.num_frames} frames, "
        f"{float(found.rate):g} frames/s, {found.duration_s:.3f} s",
        f"codec {found.codec}, sound: {'yes' if found.has_audio else 'no'}, "
        f"transparency: {'yes' if found.has_alpha else 'no'}",
    ]


def _picture(path: Path) -> list[str]:
    from common.media.images import read_picture

    height, width, channels = read_picture(path).shape
    return [f"{width} x {height} pixels, {'RGBA' if channels == 4 else 'RGB'}"]


def _safetensors(path: Path) -> list[str]:
    header = _safetensors_header(path)
    metadata = header.pop("__metadata__", {})
    total, last = 0, 0
    rows, shapes = [], {}
    try:
        for name, entry in sorted(header.items()):
            begin, end = entry["data_offsets"]
            total, last = total + end - begin, max(last, end)
            shapes[name] = tuple(map(int, entry["shape"]))
            shape = " x ".join(map(str, entry["shape"])) or "scalar"
            rows.append(f"  {name}  {entry['dtype']}  {shape}")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is a damaged safetensors file ({error!r})") from None
    with path.open("rb") as file:
        (begins,) = struct.unpack("<Q", file.read(8))
    held = path.stat().st_size - begins - 8
    if held < last:
        raise InputError(f"{path}: is cut off: its tensors take {last:,} bytes, it has {held:,}")
    count = len(rows)
    if count > _MAX_LISTED:
        rows = [*rows[:_MAX_LISTED], f"  ... and {count - _MAX_LISTED} more"]
    notes = [f"{key}: {value}" for key, value in metadata.items()]
    return [*_model(path, shapes), f"{count} tensors, {total:,} bytes", *notes, *rows]


def _model(path: Path, shapes: dict[str, tuple[int, ...]]) -> list[str]:
    """What is known of models and adapters by names and shapes alone."""
    from common.adapters.description import described_adapter
    from common.pretrained.single_file.layout import described_single_file

    return described_single_file(shapes) or described_adapter(path, shapes)


def _safetensors_header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > min(_MAX_HEADER_BYTES, path.stat().st_size):
                raise ValueError(f"its header claims {size:,} bytes")
            header = json.loads(file.read(size))
        if not isinstance(header, dict):
            raise ValueError("its header is not a JSON object")
        return header
    except (ValueError, struct.error, KeyError, TypeError) as error:
        raise InputError(f"{path}: is not a safetensors file ({error})") from None


def _provenance(path: Path) -> list[str]:
    from common.media.provenance import read_provenance

    found = read_provenance(path)
    if found is None:
        return ["made by: not recorded"]
    return [
        f"made by: extrude {found.versions.get('extrude', '?')}, app {found.app}, "
        f"seed {found.seed}, sample {found.sample}",
        f"prompt: {found.prompt}",
        f"repeat with: python run.py rerun {path}",
    ]
