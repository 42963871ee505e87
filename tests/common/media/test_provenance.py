import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InputError
from common.media.animation_write import write_png_frames, write_webp
from common.media.clips import write_clip
from common.media.images import write_picture
from common.media.provenance import MAX_BYTES, Provenance, from_json, read_provenance
from common.media.provenance_tags import container_tags
from tests.common.media.sample_media import (
    damaged_copies,
    ffmpeg,
    moving_clip,
    noise_clip,
    sample_provenance,
)

CLIPS = ("clip.mp4", "clip.webm", "clip.webp", "clip.gif")
PICTURES = ("picture.png", "picture.jpg", "picture.webp")
HARD_PROMPTS = {
    "chinese": "一只红色的猫在雪地里奔跑",
    "emoji": "🎈👩‍🚀🏳️‍🌈 \N{VARIATION SELECTOR-16}",
    "control": "bell\a NUL\0 tab\t line\r\n escape\x1b[31m del\x7f",
    "markup": "]]> <a href=\"x\">&amp;&copy</a> </extrude:provenance> '\\' \\u0041 --",
    "long": "🎈" * 10_000,
    "lone surrogate": "half \ud83d of a pair",
    "right to left": "שלום \u202e olleh",
    "empty": "",
}
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def write_small(path, provenance):
    if path.name in PICTURES:
        write_picture(path, moving_clip(1)[0], provenance=provenance)
    else:
        write_clip(path, moving_clip(4), 8, provenance=provenance)


@pytest.mark.parametrize("name", CLIPS + PICTURES)
@pytest.mark.parametrize("prompt", HARD_PROMPTS.values(), ids=HARD_PROMPTS.keys())
def test_record_survives_every_format_exactly(tmp_path, name, prompt):
    record = sample_provenance(prompt)
    write_small(tmp_path / name, record)
    assert read_provenance(tmp_path / name) == record


@pytest.mark.parametrize("name", CLIPS + PICTURES)
def test_no_record_leaves_no_trace(tmp_path, name):
    write_small(tmp_path / name, None)
    assert read_provenance(tmp_path / name) is None
    data = (tmp_path / name).read_bytes()
    for trace in (b"extrude", b"Extrude", b"comment", b"COMMENT", b"Comment", b"<x:xmpmeta"):
        assert trace not in data


@pytest.mark.parametrize("name", CLIPS + PICTURES)
def test_record_does_not_change_the_pixels(tmp_path, name):
    from common.media.images import read_picture
    from common.media.video_read import read_clip

    (tmp_path / "plain").mkdir()
    write_small(tmp_path / name, sample_provenance())
    write_small(tmp_path / "plain" / name, None)
    if name in PICTURES:
        found, plain = (read_picture(folder / name) for folder in (tmp_path, tmp_path / "plain"))
    else:
        found, plain = (
            read_clip(folder / name).frames for folder in (tmp_path, tmp_path / "plain")
        )
    assert np.array_equal(found, plain)


@pytest.mark.parametrize(
    ("source", "target"),
    [("a.mp4", "b.mp4"), ("a.mp4", "b.mov"), ("a.mp4", "b.mkv"), ("a.webm", "b.webm"),
     ("a.webm", "b.mkv")],
)  # fmt: skip
@pytest.mark.parametrize("prompt", ["chinese", "control", "long"])
def test_record_survives_a_remux_by_ffmpeg(tmp_path, source, target, prompt):
    record = sample_provenance(HARD_PROMPTS[prompt])
    write_clip(tmp_path / source, moving_clip(4), 8, provenance=record)
    ffmpeg("-i", tmp_path / source, "-c", "copy", tmp_path / target)
    if target.endswith(".mov") and len(record.to_json()) > 65_535:
        # QuickTime's tags are that short; half a record must not pass for a whole one.
        with pytest.raises(InputError, match="not usable"):
            read_provenance(tmp_path / target)
    else:
        assert read_provenance(tmp_path / target) == record


def test_players_see_the_prompt_as_title_and_description(tmp_path):
    import av

    prompt = "a very long prompt, " * 20 + "球"
    write_clip(tmp_path / "a.mp4", moving_clip(2), 8, provenance=sample_provenance(prompt))
    with av.open(str(tmp_path / "a.mp4")) as container:
        tags = container.metadata
    assert tags["description"] == prompt
    assert tags["title"] == container_tags(sample_provenance(prompt))["title"]
    assert len(tags["title"]) == 120
    assert tags["title"].startswith("a very long prompt, a very")


def test_each_picture_of_a_folder_carries_the_record(tmp_path):
    record = sample_provenance()
    for path in write_png_frames(tmp_path / "frames", moving_clip(3), provenance=record):
        assert read_provenance(path) == record


def test_animated_and_still_webp_carry_the_record(tmp_path):
    record = sample_provenance()
    for num_frames in (1, 5):
        frames = noise_clip(num_frames, 8, 8, 4)
        write_webp(tmp_path / "a.webp", frames, 8, provenance=record)
        assert read_provenance(tmp_path / "a.webp") == record


@given(prompt=st.text(max_size=200), config=st.dictionaries(st.text(), PLAIN, max_size=3))
@settings(max_examples=200)
def test_any_text_and_plain_config_survive_json(prompt, config):
    record = replace(sample_provenance(prompt), config=config)
    text = record.to_json()
    assert text.isascii()
    assert "\n" not in text
    assert from_json(text) == record


@given(prompt=st.text(max_size=60))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_prompt_survives_mp4_and_webp(tmp_path, prompt):
    record = sample_provenance(prompt)
    for name in ("a.mp4", "a.webp"):
        write_clip(tmp_path / name, moving_clip(1, 16, 16), 8, provenance=record)
        assert read_provenance(tmp_path / name) == record


@given(st.text() | st.builds(json.dumps, PLAIN))
def test_other_programs_comments_are_no_record(text):
    assert from_json(text) is None


@given(st.data())
@settings(max_examples=200)
def test_damaged_records_are_refused_or_equal_never_crash(data):
    text = sample_provenance().to_json()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    changed = text[:start] + data.draw(st.text(max_size=10)) + text[end:]
    with suppress(InputError):  # any other error fails
        found = from_json(changed)
        assert found is None or isinstance(found, Provenance)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seed": -1}, "seed is -1"), ({"seed": True}, "seed is True"),
        ({"seed": 1.0}, "seed is 1.0"), ({"seed": 2**63}, "seed is 9223372036854775808"),
        ({"sample": None}, "sample is None"), ({"app": 3}, "app is not a str"),
        ({"prompt": ["x"]}, "prompt is not a str"), ({"config": []}, "config is not a dict"),
        ({"versions": {"torch": 2}}, "versions are not all text"),
        ({"schema_version": 2}, "version is 2, this program reads 1"),
        ({"config": {"a": [0, {"b": 1e999}]}}, r"config\.a\[1\]\.b is inf"),
        ({"extra": 1}, "exactly the keys"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_by_name(change, problem):
    values = json.loads(sample_provenance().to_json()) | change
    with pytest.raises(InputError, match=problem):
        from_json(json.dumps(values))


@pytest.mark.parametrize("value", [(1, 2), {1: 2}, {"a": {3}}, float("nan"), b"bytes"])
def test_what_yaml_cannot_hold_is_refused_when_writing(value):
    with pytest.raises(InputError, match="config"):
        replace(sample_provenance(), config={"key": value})


def test_deep_nesting_is_refused():
    deep = json.loads("[" * 100 + "]" * 100)
    with pytest.raises(InputError, match="deeper than 64"):
        replace(sample_provenance(), config={"a": deep})
    text = sample_provenance().to_json().replace('"steps":[1,2]', '"steps":' + "[" * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        from_json(text)


def test_oversized_records_are_refused_both_ways():
    record = sample_provenance("x" * MAX_BYTES)
    with pytest.raises(InputError, match="at most 1048576 fit"):
        record.to_json()
    with pytest.raises(InputError, match="at most 1048576 are read"):
        from_json(sample_provenance().to_json() + " " * MAX_BYTES)


@pytest.mark.parametrize("name", CLIPS + PICTURES)
def test_damaged_files_give_the_record_none_or_one_error(tmp_path, name):
    write_small(tmp_path / name, sample_provenance())
    for copy in damaged_copies(tmp_path / name, tmp_path).values():
        with suppress(InputError):  # any other error fails
            assert read_provenance(copy) in (None, sample_provenance())


def test_files_that_cannot_carry_a_record_are_named(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(InputError, match="no known format"):
        read_provenance(tmp_path / "a.txt")
    with pytest.raises(InputError, match="no such file"):
        read_provenance(tmp_path / "missing.mp4")
