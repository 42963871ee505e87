"""``run.py schema``: one JSON schema for all configs, for completion in editors."""

import json
from typing import Any

from common.runs.apps import Apps


def schema_text(apps: Apps) -> str:
    """The schema as JSON text; ``configs/schema.json`` holds it.

    Nothing is required: a file may leave to its ``base`` what it does not change.
    """
    definitions: dict[str, Any] = {}
    choices = []
    for app in apps.names:
        schema = apps.of(app).config.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= schema.pop("$defs", {})
        schema["properties"]["base"] = {
            "description": "File or files this one is laid over, relative to it.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        }
        definitions[f"app_{app}"] = schema
        choices.append({"$ref": f"#/$defs/app_{app}"})
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Extrude config",
        "anyOf": choices,
        "$defs": definitions,
    }
    _drop_required(document)
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _drop_required(node: Any) -> None:
    if isinstance(node, dict):
        node.pop("required", None)
        for value in node.values():
            _drop_required(value)
    elif isinstance(node, list):
        for value in node:
            _drop_required(value)
