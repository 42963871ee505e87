"""``run.py list``: the presets and what they do; ``list concepts``: what the priors know."""

from common.config.load import CONFIGS, preset_names, read_composed
from common.config.problems import ConfigError
from common.runs.apps import Apps


def list_presets() -> str:
    """Every preset with its description, grouped by folder. Imports nothing heavy."""
    names = preset_names()
    width = max(map(len, names), default=0)
    lines: list[str] = []
    group = ""
    for name in names:
        folder = name.partition("/")[0]
        if folder != group:
            lines += ["", folder] if lines else [folder]
            group = folder
        lines.append(f"  {name:<{width}}  {_description(name)}")
    return "\n".join(lines)


def _description(name: str) -> str:
    try:
        return str(read_composed(CONFIGS / f"{name}.yaml").values.get("description", ""))
    except ConfigError as error:
        return f"(broken: {str(error).splitlines()[-1].strip()})"


def list_concepts(apps: Apps) -> str:
    """The words that the offline priors understand."""
    from common.generation.concepts import concepts_text

    return concepts_text()
