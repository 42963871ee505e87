import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from common.errors import InputError
from common.media.images import read_picture, write_picture
from tests.common.media.sample_media import ffmpeg, moving_clip, noise_clip, psnr_db


@pytest.mark.parametrize("suffix", ["png", "webp"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 1), (17, 31)])
def test_lossless_formats_give_the_same_pixels_back(tmp_path, suffix, channels, size):
    picture = noise_clip(1, *size, channels)[0]
    write_picture(tmp_path / f"a.{suffix}", picture)
    assert np.array_equal(read_picture(tmp_path / f"a.{suffix}"), picture)


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "JPG"])
def test_jpeg_is_close(tmp_path, suffix):
    picture = moving_clip(1, 64, 96)[0]
    write_picture(tmp_path / f"a.{suffix}", picture)
    # Quality 95 with full-resolution colour.
    assert psnr_db(picture, read_picture(tmp_path / f"a.{suffix}")) > 40


def test_writers_refuse_what_formats_cannot_hold(tmp_path):
    rgba = noise_clip(1, 4, 4, 4)[0]
    with pytest.raises(InputError, match="JPEG holds no transparency"):
        write_picture(tmp_path / "a.jpg", rgba)
    with pytest.raises(InputError, match=r"must end in \.png or \.webp or \.jpg or \.jpeg"):
        write_picture(tmp_path / "a.bmp", rgba)
    with pytest.raises(InputError, match="3 or 4 channels"):
        write_picture(tmp_path / "a.png", rgba[..., :1])
    with pytest.raises(InputError, match="3 or 4 channels"):
        write_picture(tmp_path / "a.png", rgba[:0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["bmp", "tiff", "gif", "png", "webp"])
def test_pictures_of_other_programs_are_read(tmp_path, suffix):
    picture = noise_clip(1, 12, 9)[0] // 64 * 64  # 64 colours fit a GIF
    Image.fromarray(picture).save(tmp_path / f"a.{suffix}", lossless=True)
    assert np.array_equal(read_picture(tmp_path / f"a.{suffix}"), picture)


def test_sixteen_bit_grey_is_rounded(tmp_path):
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for suffix in ("png", "tiff"):
        Image.fromarray(values).save(tmp_path / f"a.{suffix}")
        found = read_picture(tmp_path / f"a.{suffix}")
        assert np.array_equal(found[..., 0], np.rint(values / 257).astype(np.uint8))
        assert np.array_equal(found[..., 0], found[..., 2])


def test_sixteen_bit_grey_keeps_its_transparent_level(tmp_path):
    values = np.array([[300, 301]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png", transparency=300)
    assert read_picture(tmp_path / "a.png")[0, :, 3].tolist() == [0, 255]


def test_sixteen_bit_colour_keeps_its_upper_bits(tmp_path):
    Image.fromarray(noise_clip(1, 8, 8)[0]).save(tmp_path / "eight.png")
    ffmpeg("-i", tmp_path / "eight.png", "-pix_fmt", "rgb48be", tmp_path / "sixteen.png")
    raw = ffmpeg("-i", tmp_path / "sixteen.png", "-f", "rawvideo", "-pix_fmt", "rgb48le", "-")
    values = np.frombuffer(raw, "<u2").reshape(8, 8, 3)
    assert np.array_equal(read_picture(tmp_path / "sixteen.png"), values >> 8)


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("1", 1, [255, 255, 255]), ("L", 77, [77, 77, 77]), ("LA", (77, 9), [77, 77, 77, 9]),
        ("CMYK", (255, 0, 0, 0), [0, 255, 255]), ("RGBA", (1, 2, 3, 0), [1, 2, 3, 0]),
    ],
)  # fmt: skip
def test_other_colour_modes_become_rgb(tmp_path, mode, color, expected):
    suffix = "tiff" if mode == "CMYK" else "png"
    Image.new(mode, (4, 4), color).save(tmp_path / f"a.{suffix}")
    assert read_picture(tmp_path / f"a.{suffix}")[2, 2].tolist() == expected


def test_palettes_and_their_transparency_are_resolved(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putdata([0, 1])
    picture.save(tmp_path / "plain.png")
    assert read_picture(tmp_path / "plain.png").tolist() == [[[10, 20, 30], [40, 50, 60]]]
    picture.save(tmp_path / "a.png", transparency=bytes([128, 255]))
    found = read_picture(tmp_path / "a.png").tolist()
    assert found == [[[10, 20, 30, 128], [40, 50, 60, 255]]]


def test_cmyk_jpeg_of_adobe_is_not_inverted(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    red, green, blue = read_picture(tmp_path / "a.jpg")[4, 4].tolist()
    assert (red > 250, green < 5, blue < 5) == (True, True, True)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_rotation_is_applied(tmp_path, orientation, suffix):
    # A white corner on black tells all eight apart.
    stored = np.zeros((32, 48, 3), np.uint8)
    stored[:16, :16] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / f"a.{suffix}", exif=exif)
    found = read_picture(tmp_path / f"a.{suffix}")
    # The EXIF standard: where row 0 and column 0 of the stored picture are seen.
    upright = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.swapaxes(0, 1), 6: np.rot90(stored, -1), 7: np.rot90(stored.swapaxes(0, 1), 2),
        8: np.rot90(stored),
    }[orientation]  # fmt: skip
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).mean() < 5  # JPEG and WebP are lossy here


def wide_gamut_profile() -> bytes:
    """A profile whose red is sRGB's green: no conversion can be missed."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132])
    table = {data[132 + 12 * i : 136 + 12 * i].decode(): 136 + 12 * i for i in range(count)}
    red, green = (bytes(data[table[tag] : table[tag] + 8]) for tag in ("rXYZ", "gXYZ"))
    data[table["rXYZ"] : table["rXYZ"] + 8] = green
    data[table["gXYZ"] : table["gXYZ"] + 8] = red
    name = data.find("sRGB".encode("utf-16-be"))
    data[name : name + 8] = "swap".encode("utf-16-be")
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colour_profiles_are_converted_to_srgb(tmp_path, mode):
    picture = Image.new("RGB", (4, 4), (255, 0, 0)).convert(mode)
    picture.save(tmp_path / "a.png", icc_profile=wide_gamut_profile())
    found = read_picture(tmp_path / "a.png")[0, 0].tolist()
    # littlecms works with 8-bit tables.
    assert found[:3] == pytest.approx([0, 255, 0], abs=3)
    assert found[3:] == ([255] if mode == "RGBA" else [])


def test_srgb_pictures_keep_their_exact_values(tmp_path):
    picture = noise_clip(1, 9, 9)[0]
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(picture).save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(read_picture(tmp_path / "a.png"), picture)


def test_grey_pictures_with_a_profile_are_read(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("L", (4, 4), 100).save(tmp_path / "a.png", icc_profile=profile)
    assert read_picture(tmp_path / "a.png")[0, 0].tolist() == [100, 100, 100]


def test_unusable_profiles_are_refused_with_the_fix(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=b"no profile at all")
    with pytest.raises(InputError, match=r"colour profile cannot be used.*save it without"):
        read_picture(tmp_path / "a.png")


def test_floating_point_pictures_are_refused(tmp_path):
    for values in (np.zeros((4, 4), np.float32), np.zeros((4, 4), np.int32)):
        Image.fromarray(values).save(tmp_path / "a.tiff")
        with pytest.raises(InputError, match="range is not known"):
            read_picture(tmp_path / "a.tiff")


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_first_frame_of_an_animation_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (6, 5), color) for color in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], lossless=True)
    found = read_picture(tmp_path / f"a.{suffix}")
    assert found.shape == (5, 6, 3)
    assert found[0, 0].tolist() == [255, 0, 0]


def test_same_picture_gives_the_same_bytes(tmp_path):
    for suffix in ("png", "webp", "jpg"):
        written = []
        for name in ("a", "b"):
            write_picture(tmp_path / f"{name}.{suffix}", moving_clip(1)[0])
            written.append((tmp_path / f"{name}.{suffix}").read_bytes())
        assert written[0] == written[1]


def test_damaged_exif_does_not_hide_a_good_picture(tmp_path):
    encoded = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(encoded, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    (tmp_path / "a.jpg").write_bytes(encoded.getvalue())
    assert read_picture(tmp_path / "a.jpg").shape == (8, 8, 3)
