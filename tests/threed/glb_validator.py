"""The Khronos glTF Validator on a file."""

import json
import subprocess
from pathlib import Path
from typing import Any

VALIDATOR = Path(__file__).parents[1] / "vendor" / "gltf_validator" / "index.js"
_ASK = """
const validator = require(process.argv[1]);
const bytes = new Uint8Array(require("fs").readFileSync(process.argv[2]));
validator.validateBytes(bytes, {maxIssues: 0, format: "glb"})
  .then(report => console.log(JSON.stringify(report)), error => { throw error; });
"""


def validation(node: str, path: Path) -> dict[str, Any]:
    """The validator's report: its findings (``issues``) and what is in the file (``info``)."""
    done = subprocess.run(
        [node, "-e", _ASK, str(VALIDATOR), str(path)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def problems(node: str, path: Path) -> list[str]:
    """Errors and warnings, most serious first."""
    said = validation(node, path)["issues"]["messages"]
    return [f"{one['code']} {one.get('pointer', '')}" for one in said if one["severity"] < 2]
