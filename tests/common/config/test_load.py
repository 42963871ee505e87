from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config.load import find_config, load
from common.config.problems import ConfigError
from common.config.text import to_plain, yaml_text, yaml_with_origins
from common.config.tree import parse
from tests.common.config.sample_app import APPS, DDIM


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(text: str, *arguments: str, **others: str):
        for name, other in others.items():
            Path(f"{name}.yaml").write_text(other)
        Path("run.yaml").write_text(text)
        return load(Path("run.yaml"), arguments, APPS)

    return read


GOOD = "app: video\nname: fox\nprompt: a fox\n"


def test_load_all_errors_at_once_with_place_and_hint(read):
    with pytest.raises(ConfigError) as caught:
        read(
            "app: video\nname: fox\nsampler:\n  num_stepss: 3\n  num_steps: 1e9\nsede: 1\n"
            "mode: fats\nweights: [1, x]\n",
            "seed=-1",
            "low=3",
        )
    # The whole text is the contract: file:line, key, what is wrong, what is known.
    assert str(caught.value) == (
        "command line  seed\n"
        "  input should be greater than or equal to 0, not -1 (a whole number)\n"
        "run.yaml  prompt\n"
        "  is required, but not set\n"
        "run.yaml:4  sampler.num_stepss\n"
        "  no such key; did you mean 'num_steps'?\n"
        "  known here: name, num_steps\n"
        "run.yaml:5  sampler.num_steps\n"
        "  must be a whole number, not 1000000000.0 (a number)\n"
        "run.yaml:6  sede\n"
        "  no such key; did you mean 'seed'?\n"
        "  known here: schema_version, description, name, seed, device, num_threads, output_dir, "
        "embed_provenance, checkpoint, app, prompt, sampler, weights, mode, low, high\n"
        "run.yaml:7  mode\n"
        "  must be one of fast | exact, not \"fats\" (text); did you mean 'fast'?\n"
        "run.yaml:8  weights.1\n"
        '  must be a number, not "x" (text)'
    )


def test_load_cross_field_rule_states_both_values(read):
    with pytest.raises(ConfigError, match=r"low \(3\) must not exceed high \(1\)"):
        read(GOOD, "low=3")


@pytest.mark.parametrize(
    ("value", "fits"),
    [("3", True), ("3.0", False), ("true", False), ("'3'", False), ("null", False), ("[3]", False)],
)
def test_load_whole_numbers_are_strict(read, value, fits):
    if fits:
        assert read(GOOD, f"seed={value}").config.seed == 3
    else:
        with pytest.raises(ConfigError, match="must be a whole number"):
            read(GOOD, f"seed={value}")


def test_load_infinite_number_is_refused(read):
    with pytest.raises(ConfigError, match="low"):
        read(GOOD, "low=1e999")


def test_load_base_composes_and_keeps_origins(read):
    loaded = read(
        "base: [one.yaml, two.yaml]\nname: fox\n",
        "seed=7",
        one=GOOD + "sampler: {name: euler, num_steps: 5}\nlow: 0.25\n",
        two="sampler: {name: ddim}\n",
    )
    assert loaded.config.sampler == DDIM()
    text = yaml_with_origins(to_plain(loaded.config), loaded.tree)
    origins = {line.split(":")[0].strip(): line.rpartition("# ")[2] for line in text.splitlines()}
    assert origins["low"] == "one.yaml:5"
    assert origins["seed"] == "command line"
    assert origins["name"] in ("run.yaml:2", "two.yaml:1")
    assert origins["eta"] == "default"
    assert origins["mode"] == "default"


def test_load_base_cycle_names_the_chain(read):
    with pytest.raises(ConfigError, match=r"run.yaml -> one.yaml -> run.yaml"):
        read("base: one.yaml\n", one="base: run.yaml\n")


def test_load_missing_base_names_file_and_line(read):
    with pytest.raises(ConfigError, match=r"run.yaml:2  base\n  there is no file 'gone.yaml'"):
        read("app: video\nbase: gone.yaml\n")


def test_load_variant_by_argument_drops_old_variants_keys(read):
    loaded = read(GOOD + "sampler: {num_steps: 5}\n", "sampler.name=ddim", "sampler.eta=0.5")
    assert loaded.config.sampler == DDIM(eta=0.5)


@pytest.mark.parametrize("text", ["a cat: asleep", "[x", "12", "true", "'quoted'", "猫 🐱", "#1"])
def test_load_prompt_argument_is_text(read, text):
    assert read(GOOD, f"prompt={text}").config.prompt == text.strip("'")


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "a\\b", "", " a", ".hidden", "latest", "a\x00b", "x" * 121, "\u202ea"]
)
def test_load_unsafe_run_name_is_refused(read, name):
    with pytest.raises(ConfigError, match="name"):
        read(GOOD, f"name={yaml_text({'x': name})[3:].strip()}")


@pytest.mark.parametrize("prompt", ["", "   ", "a\x07b", "x" * 10_001])
def test_load_bad_prompt_is_refused(read, prompt):
    with pytest.raises(ConfigError, match="prompt"):
        read(GOOD, f"prompt={prompt}")


def test_load_missing_file_and_preset_are_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        find_config(str(tmp_path / "gone.yaml"))
    with pytest.raises(ConfigError, match=r"did you mean 'video/text_to_video'\?"):
        find_config("video/text_to_vide")


def test_load_binary_and_huge_files_are_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(path, (), APPS)
    path.write_bytes(b"a" * 1_000_001)
    with pytest.raises(ConfigError, match="1,000,001 bytes"):
        load(path, (), APPS)


leaves = (
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=6), trees, max_size=4))
def test_yaml_text_reads_back_equal(values):
    text = yaml_text(values)
    assert (parse(text, "t")[0] or {}) == values


def test_resolved_config_reads_back_equal(read):
    config = read(GOOD, "sampler.name=ddim", "prompt=猫: a # b 🐱").config
    assert read(yaml_text(to_plain(config))).config == config


@pytest.mark.parametrize("value", ["3", "null", "[1]", "euler", "true"])
def test_load_variant_that_is_no_block_is_refused(read, value):
    with pytest.raises(ConfigError, match="sampler\n  must be a block, not"):
        read(GOOD + f"sampler: {value}\n")


@pytest.mark.parametrize("name", ["3", "null", "[1]", "{a: 1}", "''"])
def test_load_variant_with_a_name_that_is_none_of_them_is_refused(read, name):
    with pytest.raises(ConfigError, match="no variant"):
        read(GOOD + f"sampler: {{name: {name}}}\n")


def test_load_lists_inside_variants_are_tuples(read):
    assert read(GOOD + "sampler: {name: ddim, range: [0, 0.5]}\n").config.sampler.range == (0, 0.5)
