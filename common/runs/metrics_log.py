"""``metrics.jsonl``: one JSON object a line, appended as the run goes."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.atomic import write_text


class MetricsLog:
    """Appends rows ``{"step": 500, "time_s": 12.3, "loss/sds": ...}`` to a file."""

    def __init__(self, path: Path):
        self.path = path

    def log(self, step: int, time_s: float, values: Mapping[str, float]) -> None:
        """Append one row; a value that is not finite is written as null."""
        row: dict[str, float | None] = {"step": step, "time_s": round(time_s, 4)}
        row |= {key: value if math.isfinite(value) else None for key, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def cut_after(self, step: int) -> None:
        """Drop the rows of steps after ``step``, which a resumed run does again."""
        rows = [row for row in self.read() if row["step"] <= step]
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in rows))

    def read(self) -> list[dict[str, Any]]:
        """All complete rows; a last line cut short by a kill is left out."""
        if not self.path.exists():
            return []
        rows = []
        for line in self.path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                rows.append(json.loads(line))
        return rows
