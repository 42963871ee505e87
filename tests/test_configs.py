"""Every file in configs/ loads, and the base files show every key."""

import json
from pathlib import Path

import pytest

from common.cli.schema import schema_text
from common.config.load import CONFIGS, find_config, flatten, load, preset_names, read_composed
from common.config.schema import config_classes, is_variant_union, walk
from common.config.text import to_plain, yaml_text
from common.config.tree import dotted
from run import APPS

BASES = {name: name for name in APPS.names}


@pytest.mark.parametrize("name", preset_names())
def test_preset_loads_and_says_what_it_is(name):
    loaded = load(find_config(name), (), APPS)
    assert loaded.config.description
    assert loaded.config.name


@pytest.mark.parametrize("name", preset_names())
def test_preset_snapshot_reads_back_equal(name, tmp_path):
    config = load(find_config(name), (), APPS).config
    path = tmp_path / "config.yaml"
    path.write_text(yaml_text(to_plain(config)), encoding="utf-8")
    assert load(path, (), APPS).config == config


@pytest.mark.parametrize("name", [n for n in preset_names() if not n.startswith("smoke/")])
def test_preset_opens_with_its_command(name):
    first = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"# python run.py {name}")


@pytest.mark.parametrize("app", APPS.names)
def test_every_key_has_help(app):
    for key in walk(APPS.config_class(app)):
        fixed = key.path.rpartition(".")[2] in ("name", "app") and key.path != "name"
        assert fixed or key.field.description, f"{app}: {key.path} has no text under it"


@pytest.mark.parametrize("app", APPS.names)
def test_base_file_shows_every_key_outside_variants(app):
    written = {
        dotted(path) for path in flatten(read_composed(CONFIGS / f"base/{BASES[app]}.yaml").values)
    }
    missing = []
    root = APPS.config_class(app)
    for name, field in root.model_fields.items():
        classes = config_classes(field.annotation)
        if field.is_required() or name in ("name", "description", "prompt"):
            continue
        if classes and is_variant_union(classes):
            missing += [] if any(key.startswith(f"{name}.") for key in written) else [name]
        elif classes and name not in written:  # written itself, it is null or an empty list
            keys = {f"{name}.{inner}" for inner in classes[0].model_fields} - written
            missing += sorted(
                key for key in keys if not any(one.startswith(f"{key}.") for one in written)
            )
        elif name not in written and not any(key.startswith(f"{name}.") for key in written):
            missing.append(name)
    optional = {"variants", "grid", "prompts"}  # a comparison's own content
    assert not set(missing) - optional


def test_editor_schema_is_up_to_date_and_accepts_every_preset():
    text = (CONFIGS / "schema.json").read_text(encoding="utf-8")
    assert text == schema_text(APPS), "run `make schema`"
    assert json.loads(text)["anyOf"]


def test_configs_hold_nothing_else():
    kinds = {path.suffix for path in Path(CONFIGS).rglob("*") if path.is_file()}
    assert kinds == {".yaml", ".json"}
