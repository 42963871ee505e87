from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.embedded.few_step_frames import FewStepFramesArchitecture
from common.embedded.moved_start import begun
from common.kit.captions import Facts
from common.kit.catalogue import category_named
from common.runs.state import Checkpoint, load_newest, save
from common.seeding import generators_for
from common.training.emoji.emoji_phrases import Phrase
from common.training.frames.few_step_frames_config import TrainFewStepMotion, TrainFewStepViews
from common.training.frames.frame_few_step_trainer import few_step_frames_training
from common.training.frames.frame_paths import drawn_views
from common.training.image.teacher_paths import PromptSource, grid
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.path_shelf import places
from common.training.pictures.subjects import EmojiSubject, KitSubject
from tests.common.training.small_training import same_bits
from tests.common.zoo.small_zoo import store_few_step, store_frame_layers, store_prior

SIZES = FewStepFramesArchitecture(rank=2, num_steps=(1, 2, 4), guidance_scale=3.0, given_scale=2.0)
KINDS = ("views", "motion")
SOURCE = PromptSource(
    (EmojiSubject("1F525", (Phrase("fire", 1.0),), (Phrase("火", 1.0),)),), np.ones(1),
    (KitSubject(Facts(category_named("mug"), "red")),), 0.5, 0.3, 0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    store_prior(folder)
    store_frame_layers(folder, "view_layers")
    store_frame_layers(folder, "motion_layers")
    store_few_step(folder)
    return folder


@pytest.fixture
def small(folder):
    def small(kind, **changes):
        """A training on untrained models, three frames each."""
        loop = LoopConfig(
            num_steps=4, batch_size=4, ema_decay=0.9, precision="float32",
            learning_rate=LearningRate(peak=1e-2, warmup_steps=2),
        )  # fmt: skip
        own = {"num_views": 3, "given_share": 0.5} if kind == "views" else {"num_frames": 3}
        keys = {
            "architecture": SIZES, "models_dir": folder, "shares": (0.2, 0.2, 0.6),
            "teacher_steps": 4, "chunk_size": 2, "steps_per_chunk": 1, "chunks_kept": 2,
            "loop": loop, **own, **changes,
        }  # fmt: skip
        config = (TrainFewStepViews if kind == "views" else TrainFewStepMotion)(**keys)
        return config, few_step_frames_training(config, SOURCE, 0, "cpu", size_px=64)

    return small


def test_killed_and_resumed_training_ends_in_the_same_bits(small, tmp_path):
    config, whole = small("views")
    *_, expected = train(config.loop, whole, "cpu")
    _, first = small("views")
    for step in islice(train(config.loop, first, "cpu"), 2):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small("views")
    *_, resumed = train(config.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["model"], expected.state["model"])
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])


@pytest.mark.parametrize("kind", KINDS)
def test_student_comes_nearer_to_the_teacher_and_changes_nothing_else(small, kind):
    config, training = small(kind, steps_per_chunk=10)
    network = training._begun.lifted
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    paths = training._held_out(4, 4)

    def distance(model):
        return float((training.drawn(model, paths, 4) - paths.states[:, -1]).square().mean())

    untrained = distance(training.model)
    *_, last = train(config.loop.model_copy(update={"num_steps": 30}), training, "cpu")
    assert distance(last.averaged.eval()) < 0.9 * untrained
    assert same_bits(network.state_dict(), before)
    package = training.package(last.averaged)
    assert package.kind == f"few_step_{kind}"
    layers = "view_layers" if kind == "views" else "motion_layers"
    assert set(package.requires) == {
        "autoencoder", "text_encoder", "image_unet", layers, "few_step"
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_untrained_student_is_the_picture_student_under_the_layers(small, kind):
    """What is drawn by hand is what the sampler draws, from where paths begin."""
    _, training = small(kind)
    paths, prior = training._held_out(2, 4), training._begun
    scheduler = build_scheduler(DDIM(num_steps=4), prior.spec.schedule, "v")
    first = paths.firsts if paths.given else None
    views = None if paths.views[0] is None else list(paths.views)
    *_, last = sample(
        prior, scheduler, prior.embed(paths.prompts, views, first),
        prior.embed([""] * 2, first=first, hidden=True), CFG(guidance_scale=1.0),
        paths.states[:, 0], generators_for(0, range(2), "sampler"), begin=paths.begin,
    )  # fmt: skip
    # float32, a few steps: diffusers multiplies in another order
    made = training.drawn(training.model, paths, 4)
    torch.testing.assert_close(made, last.latents, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_jumps_are_pieces_of_paths(small, kind):
    _, training = small(kind)
    jumps = training._jumps(1, np.random.default_rng(0))
    times = {count: list(pairwise(grid(count))) for count in SIZES.num_steps}
    for row, which in enumerate(jumps.which.tolist()):
        pair = (int(jumps.timesteps[row]), int(jumps.timesteps_after[row]))
        count = SIZES.num_steps[which]
        assert pair in times[count]
        begin = grid(4).index(pair[0])
        found = [
            paths for paths in training._shelf.chunks.values()
            if begin >= paths.begin and bool((paths.at(begin) == jumps.latents[row]).any())
        ]  # fmt: skip
        assert found
        assert begin in places(count, 4, found[0].begin)
        assert bool((found[0].at(begin + 4 // count) == jumps.after[row]).flatten(1).all(1).any())


def test_chunks_follow_from_their_number_alone(small):
    for kind in KINDS:
        _, one = small(kind)
        _, other = small(kind)
        one._shelf.chunk(0)
        a, b = one._shelf.chunk(3), other._shelf.chunk(3)
        assert (a.prompts, a.views, a.begin) == (b.prompts, b.views, b.begin)
        assert torch.equal(a.states, b.states)


def test_given_fronts_stay_on_the_whole_path_end_and_do_not_count(small):
    _, training = small("views", given_share=1.0)
    paths = training._held_out(2, 4)
    assert paths.given
    drawn = training.drawn(training.model, paths, 2)
    assert torch.equal(drawn[:, :, 0], paths.firsts)
    losses = training.losses(training.model, 0)
    for chunk in training._shelf.chunks.values():  # another front on the way is not seen
        chunk.states[:, :-1, :, 0] += 5
    again = training.losses(training.model, 0)
    assert float(again["loss"].detach()) == pytest.approx(float(losses["loss"].detach()), rel=1e-5)


def test_clips_begin_where_a_student_of_so_many_steps_does(small):
    """With the move known, later than with noise alone."""
    _, training = small("motion")
    source = training._source
    moving = source.pair.teacher.moving(torch.zeros(1, 3, 5))
    moving.plan = replace(moving.plan, noise=1.0)
    source = replace(source, pair=replace(source.pair, teacher=moving))
    paths = source.chunk(5, 2, 4)
    scheduler = build_scheduler(DDIM(num_steps=4), moving.spec.schedule, "v")
    told = moving.pictures.embed(paths.prompts).vector
    assert paths.begin == begun(moving.plan, told, scheduler) > 0
    assert paths.states.shape[1] == 5 - paths.begin


def test_views_of_a_path_are_some_of_those_that_are_drawn_together():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        turns = [view.azimuth_deg for view in drawn_views(4, rng)]
        assert turns[0] == 0
        assert turns == sorted(set(turns))
        seen.add(tuple(turns))
    assert (0.0, 90.0, 180.0, 270.0) in seen
    assert len(seen) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_preview_shows_the_teacher_above_every_number_of_steps(small, kind):
    _, training = small(kind)
    sheet = training.preview(training.model.eval())
    assert sheet.shape[0] > 6 * 64
    figures = training.evaluate(training.model)
    assert {f"distance/{count}" for count in SIZES.num_steps} < set(figures)


def test_wrong_settings_are_refused(small):
    with pytest.raises(ValueError, match="has \\(1, 2, 4\\): take the same"):
        small("views", architecture=SIZES.model_copy(update={"num_steps": (1, 2)}), shares=(1, 1))
    with pytest.raises(ValueError, match="one for each"):
        small("views", shares=(1.0,))
    with pytest.raises(ValueError, match="teacher_steps"):
        small("views", teacher_steps=6)
