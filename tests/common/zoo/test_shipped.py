"""The models in the repository: whole, small, documented, and standing on each other."""

import re

import pytest

from common.zoo.models import ZOO
from common.zoo.storage import load_model, read_manifest

MAX_BYTES = {
    "autoencoder": 6_000_000, "text_encoder": 6_000_000, "judge": 5_000_000,
    "image_unet": 14_000_000, "motion_layers": 4_000_000, "view_layers": 4_000_000,
    "domain": 1_200_000, "motion_measure": 1_000_000, "framing": 100_000,
    "trajectories": 400_000, "spacetime_dit": 9_000_000, "controlnet": 2_500_000,
    "upscaler": 700_000, "ip_adapter": 3_000_000, "few_step": 1_500_000,
    "noisy_classifier": 800_000, "causal_autoencoder": 500_000, "geometry_estimator": 700_000,
    "speech_mouth": 200_000, "mouth_finder": 200_000, "pose_estimator": 110_000,
}  # fmt: skip
"""Of the weights, by kind: what a clone should carry."""
DOCUMENTED = {"domain", "framing", "trajectories"}
"""Described in the card of what they stand on."""
NAMES = sorted(path.stem for path in ZOO.glob("*.json"))
SAID = ("licence of the weights", "Data", "Training", "Figures", "Limits")


def test_something_is_shipped():
    assert {"autoencoder", "text_encoder", "motion_measure", "domain"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_model_is_whole_and_small(name):
    manifest = read_manifest(ZOO, name)
    model = load_model(ZOO, name, manifest.kind)  # checks the digest of every shard
    assert model.weights
    assert manifest.num_bytes <= MAX_BYTES[manifest.kind]
    sizes = [(ZOO / shard.file).stat().st_size for shard in manifest.shards]
    assert sizes == [shard.num_bytes for shard in manifest.shards]
    assert max(sizes) < 15_000_000


@pytest.mark.parametrize("name", NAMES)
def test_model_stands_on_what_is_beside_it(name):
    for kind, identity in read_manifest(ZOO, name).requires.items():
        assert read_manifest(ZOO, kind).identity == identity


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DOCUMENTED])
def test_model_has_a_card_that_says_its_size(name):
    card = (ZOO / f"{name}.md").read_text(encoding="utf-8")
    if name == "motion_measure":
        assert "made by" in card
        return
    for part in SAID:
        assert part in card, part
    manifest = read_manifest(ZOO, name)
    said = {int(number.replace(",", "")) for number in re.findall(r"([\d,]{5,}) bytes", card)}
    assert {shard.num_bytes for shard in manifest.shards} <= said
