from itertools import islice, pairwise

import numpy as np
import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.embedded.autoencoder import Autoencoder
from common.embedded.few_step import FewStepArchitecture
from common.embedded.image_unet import FRONT, build_image_unet
from common.embedded.text_encoder import TextEncoder
from common.kit.captions import Facts
from common.kit.catalogue import category_named
from common.runs.state import Checkpoint, load_newest, save
from common.seeding import generators_for
from common.training.emoji.emoji_phrases import Phrase
from common.training.image.few_step_trainer import FewStepTraining, TrainFewStep
from common.training.image.teacher_paths import PromptSource, Teacher, grid
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.subjects import EmojiSubject, KitSubject
from common.zoo.models import Loaded
from tests.common.training.small_training import ARCHITECTURE, same_bits
from tests.common.zoo.small_zoo import TEXT, UNET

SIZES = FewStepArchitecture(rank=4, num_steps=(1, 2, 4), guidance_scale=3.0)
SOURCE = PromptSource(
    (EmojiSubject("1F525", (Phrase("fire", 1.0),), (Phrase("火", 1.0),)),), np.ones(1),
    (KitSubject(Facts(category_named("mug"), "red")),), 0.5, 0.3, 0.1,
)  # fmt: skip


def small(**changes: object) -> tuple[TrainFewStep, FewStepTraining]:
    """A training on untrained frozen models."""
    loop = LoopConfig(
        num_steps=6, batch_size=8, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=1e-2, warmup_steps=2),
    )  # fmt: skip
    config = TrainFewStep(
        **{
            "architecture": SIZES, "loop": loop, "shares": (0.2, 0.2, 0.6), "teacher_steps": 8,
            "chunk_size": 4, "steps_per_chunk": 2, "chunks_kept": 2, **changes,
        }
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        models = {
            "autoencoder": Autoencoder(ARCHITECTURE),
            "text_encoder": TextEncoder(TEXT),
            "image_unet": build_image_unet(UNET),
        }
    frozen = {
        kind: Loaded(model.eval().requires_grad_(False), kind[0] * 64)
        for kind, model in models.items()
    }
    return config, FewStepTraining(config, SOURCE, frozen, 0, "cpu", size_px=64)


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    config, whole = small()
    *_, expected = train(config.loop, whole, "cpu")
    _, first = small()
    for step in islice(train(config.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small()
    *_, resumed = train(config.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["model"], expected.state["model"])
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])


def test_student_comes_nearer_to_where_the_teacher_ends_and_leaves_the_unet_alone():
    config, training = small()
    unet = training._unet
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    untrained = training.evaluate(training.model)

    loop = config.loop.model_copy(update={"num_steps": 40})
    *_, last = train(loop, training, "cpu")

    found = training.evaluate(last.averaged.eval())
    for count in SIZES.num_steps:
        assert found[f"distance/{count}"] < 0.95 * untrained[f"distance/{count}"], count
    assert same_bits(unet.state_dict(), before)


def test_untrained_student_is_ddim_without_guidance():
    _, training = small()
    paths = training._held_out(3)
    prior = training._prior
    for count in SIZES.num_steps:
        scheduler = build_scheduler(DDIM(num_steps=count), prior.spec.schedule, "v")
        assert scheduler.timesteps.tolist() == grid(count)[:-1]
        *_, last = sample(
            prior, scheduler, prior.embed(paths.asked.prompts, paths.asked.views),
            prior.embed([""] * 3), CFG(guidance_scale=1.0), paths.states[:, 0],
            generators_for(0, range(3), "sampler"),
        )  # fmt: skip
        # float32, a few steps: diffusers multiplies in another order
        made = training.drawn(training.model, paths, count)
        torch.testing.assert_close(made, last.latents, atol=2e-5, rtol=1e-4)


def test_paths_are_what_the_guided_sampler_passes():
    _, training = small()
    paths = training._held_out(3)
    prior, teacher = training._prior, training._teacher
    steps = sample(
        prior, teacher.solver.scheduler, prior.embed(paths.asked.prompts, paths.asked.views),
        prior.embed([""] * 3), CFG(guidance_scale=3.0), paths.states[:, 0],
        generators_for(0, range(3), "sampler"),
    )  # fmt: skip
    passed = [step.latents for step in steps]
    assert paths.states.shape[1] == 5
    for place in range(1, 5):
        assert torch.equal(paths.states[:, place], passed[2 * place - 1])


def test_jumps_are_pieces_of_paths_in_the_shares_asked():
    _, training = small()
    jumps = training._jumps(5, np.random.default_rng(0))
    assert sorted(training._shelf.chunks) == [1, 2], "two chunks are kept, two steps each"
    times = {count: list(pairwise(grid(count))) for count in SIZES.num_steps}
    for row, kind in enumerate(jumps.which.tolist()):
        pair = (int(jumps.timesteps[row]), int(jumps.timesteps_after[row]))
        assert pair in times[SIZES.num_steps[kind]]
        states = torch.cat([training._shelf.chunks[number].states for number in (1, 2)])
        of_path = (states == jumps.latents[row]).flatten(2).all(2).nonzero()
        assert len(of_path) == 1
        path, place = of_path[0].tolist()
        end = place + 4 // SIZES.num_steps[kind]
        assert torch.equal(states[path, end], jumps.after[row])


def test_chunks_follow_from_their_number_alone():
    _, one = small()
    _, other = small()
    one._shelf.chunk(0)
    a, b = one._shelf.chunk(3), other._shelf.chunk(3)
    assert a.asked == b.asked
    assert torch.equal(a.states, b.states)


def test_prompts_come_from_both_with_the_front_any_view_or_none():
    asked = SOURCE.draw(400, np.random.default_rng(0))
    kit = sum("fire" not in one and "火" not in one for one in asked.prompts) / 400
    assert kit == pytest.approx(0.5, abs=0.08)  # three deviations of 0.025
    assert {None, FRONT} < set(asked.views)
    turned = [one for one in asked.views if one not in (None, FRONT)]
    assert len(turned) / 400 == pytest.approx(0.15, abs=0.055)


def test_preview_shows_the_teacher_and_every_number_of_steps():
    _, training = small()
    sheet = training.preview(training.model.eval())
    assert sheet.shape[0] > 4 * 64
    assert sheet.shape[1] > 12 * 64


@pytest.mark.parametrize("steps", [6, 10])
def test_teacher_must_pass_where_students_jump(steps):
    _, training = small()
    with pytest.raises(ValueError, match="teacher_steps"):
        Teacher(training._prior, 4, steps, 3.0)


@pytest.mark.parametrize("shares", [(1.0,), (0.0, 0.0, 0.0), (0.5, -0.5, 1.0)])
def test_shares_are_one_for_each_number_of_steps(shares):
    with pytest.raises(ValueError, match="shares"):
        TrainFewStep(architecture=SIZES, shares=shares)


@pytest.mark.parametrize("counts", [(2, 3), (4, 2), (3,), (0, 1)])
def test_numbers_of_steps_divide(counts):
    with pytest.raises(ValueError, match="must rise"):
        FewStepArchitecture(num_steps=counts)
