"""Clips that come in parts: the same codes and frames, in memory that does not grow."""

import pytest
import torch

from common.embedded.autoencoder import Autoencoder
from common.embedded.clip_coding import ClipCoding
from common.embedded.frame_coding import FrameCoding, encoded_frames
from common.errors import InputError
from tests.common.training.small_training import ARCHITECTURE
from tests.video.causal_autoencoder.small_causal import SIZES, random_causal
from tests.video.spacetime_dit.small_dit import randn
from video.causal_autoencoder.coding import CausalCoding
from video.causal_autoencoder.streaming import coded_parts, decoded_parts

# The same products; how a CPU adds them up may depend on how many rows there are.
CLOSE = {"rtol": 1e-6, "atol": 1e-6}
PARTS = [(16,), (1,) * 16, (1, 4, 4, 4, 3), (5, 0, 11), (2, 3, 7, 4), (15, 1)]


@pytest.fixture(scope="module")
def codings():
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        autoencoder = Autoencoder(ARCHITECTURE).eval().requires_grad_(False)
    return FrameCoding(autoencoder), CausalCoding(autoencoder, random_causal())


@pytest.mark.parametrize("reach", [1, 2, 3])
@pytest.mark.parametrize("lengths", PARTS)
def test_parts_are_coded_as_the_whole(lengths, reach):
    model = random_causal(SIZES.model_copy(update={"reach": reach}))
    clip = randn(2, 4, 16, 6, 4)
    codes = list(coded_parts(model, clip.split(lengths, 2)))
    torch.testing.assert_close(torch.cat(codes, 2), model.encode(clip), **CLOSE)


@pytest.mark.parametrize("num_frames", [None, 14, 16, 17])
@pytest.mark.parametrize("lengths", [(5,), (1,) * 5, (1, 3, 1), (2, 3)])
def test_parts_are_decoded_as_the_whole(lengths, num_frames):
    model, codes = random_causal(), randn(2, 4, 5, 6, 4)
    frames = list(decoded_parts(model, codes.split(lengths, 2), num_frames))
    torch.testing.assert_close(torch.cat(frames, 2), model.decode(codes, num_frames), **CLOSE)


def test_a_picture_is_decoded_alone():
    codes = randn(1, 4, 1, 4, 4)
    (frames,) = decoded_parts(random_causal(), [codes], 1)
    assert torch.equal(frames, codes)


def test_parts_of_another_length_are_refused():
    with pytest.raises(InputError, match="2 frames of the code are clips of 2 to 5 frames, not 6"):
        list(decoded_parts(random_causal(), [randn(1, 4, 2, 4, 4)], 6))


def test_what_is_remembered_does_not_grow():
    model, sizes = random_causal(), set()
    past = None
    for _ in range(4):
        coded = model.encode_part(randn(1, 4, 4 + (past is None), 4, 4), past)
        past = coded.past
        sizes.add(sum(one.untyped_storage().nbytes() for one in past.blocks))
    # The first part repeats its beginning; what follows holds the same.
    assert len(sizes) <= 2
    assert all(one.shape[1] == SIZES.reach - 1 for one in past.blocks)


def test_both_codings_are_one_interface(codings):
    clip = randn(1, 4, 6, 16, 24).clamp(-1, 1)
    for coding, count in zip(codings, (6, 3), strict=True):
        assert isinstance(coding, ClipCoding)
        assert coding.num_latent_frames(6) == count
        latents = coding.encode(clip)
        assert latents.shape == (1, 4, count, 2, 3)
        assert coding.decode(latents, 6).shape == clip.shape
        with pytest.raises(InputError, match="frames"):
            coding.decode(latents, 11)


def test_pictures_have_the_same_latents_in_both(codings):
    picture = randn(2, 4, 1, 16, 16).clamp(-1, 1)
    by_frame, causal = (coding.encode(picture) for coding in codings)
    assert torch.equal(by_frame, causal)
    assert torch.equal(*(coding.decode(by_frame, 1) for coding in codings))


def test_pixels_in_parts_are_those_of_the_whole(codings):
    _, coding = codings
    clip = randn(1, 4, 10, 16, 16).clamp(-1, 1)
    codes = torch.cat(list(coding.encode_parts(clip.split(3, 2))), 2)
    torch.testing.assert_close(codes, coding.encode(clip), **CLOSE)
    torch.testing.assert_close(
        coding.coded(encoded_frames(coding.autoencoder, clip)), codes, **CLOSE
    )
    frames = torch.cat(list(coding.decode_parts(codes.split(1, 2), 10)), 2)
    torch.testing.assert_close(frames, coding.decode(codes, 10), rtol=1e-5, atol=1e-5)


def test_a_code_is_drawn_if_any_of_its_frames_is(codings):
    by_frame, coding = codings
    drawn = torch.zeros(1, 9, 2, 2)
    drawn[:, 3, 0, 0] = 1
    drawn[:, 5:, 1, 1] = 1
    found = coding.drawn_latents(drawn)
    assert found.shape == (1, 3, 2, 2)
    assert found[0, :, 0, 0].tolist() == [0, 1, 0]
    assert found[0, :, 1, 1].tolist() == [0, 0, 1]
    assert by_frame.drawn_latents(drawn) is drawn
