"""Beside each sample: how it was made and how it scored, so that a resumed run knows too."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.atomic import write_json


@dataclass(frozen=True)
class Sidecar:
    """The record of one finished sample."""

    sample: int
    seed: int
    prompt: str
    files: tuple[str, ...]
    """Paths within the samples' folder, best first."""
    thumbnail: str
    """File name of a small lossless picture of it."""
    metrics: dict[str, float]

    def write(self, folder: Path) -> None:
        """Write ``<sample>.json`` into ``folder``."""
        write_json(folder / f"{self.sample:03d}.json", self.__dict__ | {"files": list(self.files)})


def read_sidecars(folder: Path) -> list[Sidecar]:
    """All sidecars of a samples' folder, in the order of the samples."""
    found = []
    for path in folder.glob("*.json"):
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found.append(Sidecar(**(values | {"files": tuple(values["files"])})))
    return sorted(found, key=lambda item: item.sample)
