"""The codes of .spz: how each part of a Gaussian becomes bytes (Niantic's published layout).

=========  =====================================================================================
centre     24-bit signed fixed point, ``fractional_bits`` after the point; half floats in version 1
opacity    ``255 sigmoid(logit)``
colour     ``255 (0.15 f_dc + 1/2)``: -3.33 to 3.33, wider than colours are
scale      ``16 (log scale + 10)``: e^-10 to e^5.94 metres, steps of 6.5 %
rotation   version 3 on, 32 bits: 2 for the largest of x y z w (left out), 10 for each other
           (sign and ``511 sqrt(2) |q|``), in order, the last lowest; before, ``127.5 (q + 1)`` of
           x y z with w >= 0
sh         ``128 a + 128``, coefficient by coefficient, R G B within; rounded to the middle of
           buckets of 2^(8 - bits): 5 bits for degree 1 and 4 above are the reference's choice
=========  =====================================================================================

Values are rounded to the nearest code, halves away from 0, and end at the limits. All arrays have
one row a Gaussian; arithmetic is float32, as the reference's.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from common.errors import InputError
from threed.splats.contents import logits_of_bytes

COLOUR_SCALE = np.float32(0.15)
FRACTIONAL_BITS = 12
"""Steps of a quarter millimetre, 2048 m either way: the reference's choice."""
_HALF_RANGE = 2**23
_LARGEST_OTHER = np.float32(np.sqrt(0.5))

Values = Float[np.ndarray, "n d"]
Codes = UInt8[np.ndarray, "n _"]


@dataclass(frozen=True)
class ShBits:
    """How many bits of a harmonic's byte are used, 1 to 8: fewer pack smaller."""

    first: int = 5
    """For degree 1."""
    rest: int = 4
    """For degrees 2 to 4."""

    def __post_init__(self) -> None:
        if not (1 <= self.first <= 8 and 1 <= self.rest <= 8):
            raise InputError(f"harmonics take 1 to 8 bits, not {self.first} and {self.rest}")


def fitting_fractional_bits(means: Values) -> int:
    """The reference's 12 bits after the point, or as many as leave room for the largest centre."""
    reach = float(np.abs(means).max(initial=0.0))
    for bits in range(FRACTIONAL_BITS, -1, -1):
        if round(reach * 2**bits) < _HALF_RANGE:
            return bits
    raise InputError(f"a centre {reach:.4g} m away does not fit .spz, which reaches 8,388 km")


def encoded_means(means: Values, fractional_bits: int) -> Codes:
    """24 bits little-endian, three to a Gaussian."""
    fixed = _rounded(means * np.float32(2**fractional_bits)).astype("<i4")
    raw = fixed.reshape(-1, 3, 1).view(np.uint8)[..., :3]
    return np.ascontiguousarray(raw.reshape(-1, 9))


def decoded_means(codes: Codes, fractional_bits: int) -> Values:
    """Centres in metres, of version 2 and later."""
    raw = codes.reshape(-1, 3, 3).astype(np.int32)
    fixed = raw[..., 0] | raw[..., 1] << 8 | raw[..., 2] << 16
    signed = np.where(fixed >= _HALF_RANGE, fixed - 2 * _HALF_RANGE, fixed)
    return (signed / float(2**fractional_bits)).astype(np.float32)


def decoded_half_means(codes: Codes) -> Values:
    """Centres in metres, of version 1."""
    return np.ascontiguousarray(codes).view("<f2").astype(np.float32)


def encoded_opacities(logits: Values) -> Codes:
    """255ths."""
    with np.errstate(over="ignore"):  # exp of a very negative logit is infinite, its sigmoid 0
        return _byte(1 / (1 + np.exp(-logits)) * np.float32(255))


def decoded_opacities(codes: Codes) -> Values:
    """Logits; the ends as `threed.splats.contents.logits_of_bytes` has them."""
    return logits_of_bytes(codes)


def encoded_colours(constants: Values) -> Codes:
    """Wide colours of the constant's coefficients."""
    return _byte(constants * (COLOUR_SCALE * np.float32(255)) + np.float32(127.5))


def decoded_colours(codes: Codes) -> Values:
    """The constant's coefficients."""
    return (codes / np.float32(255) - np.float32(0.5)) / COLOUR_SCALE


def encoded_scales(log_scales: Values) -> Codes:
    """Sixteenths of the logarithm."""
    return _byte((log_scales + np.float32(10)) * np.float32(16))


def decoded_scales(codes: Codes) -> Values:
    """Logarithms of metres."""
    return codes / np.float32(16) - np.float32(10)


def encoded_rotations(quaternions: Values) -> Codes:
    """Four bytes of unit quaternions ``x y z w``: the smallest three."""
    size = np.abs(quaternions)
    largest = size.argmax(1)
    flipped = np.take_along_axis(quaternions, largest[:, None], 1) < 0
    sign = ((quaternions < 0) ^ flipped).astype(np.uint32)
    magnitude = (np.float32(511) * (size / _LARGEST_OTHER) + np.float32(0.5)).astype(np.uint32)
    parts = sign << 9 | np.minimum(magnitude, 511)
    code = largest.astype(np.uint32)
    for axis in range(4):
        code = np.where(largest == axis, code, code << 10 | parts[:, axis])
    return code.astype("<u4").reshape(-1, 1).view(np.uint8)


def decoded_rotations(codes: Codes) -> Values:
    """Quaternions ``x y z w`` of the smallest three, the largest above 0."""
    code = np.ascontiguousarray(codes).view("<u4")[:, 0].astype(np.uint32)
    largest = code >> 30
    found = np.zeros((len(code), 4), np.float32)
    for axis in range(3, -1, -1):
        here = largest != axis
        size = _LARGEST_OTHER * (code & 511).astype(np.float32) / np.float32(511)
        found[:, axis] = np.where(here, np.where(code >> 9 & 1, -size, size), 0)
        code = np.where(here, code >> 10, code)
    left = np.sqrt(np.maximum(1 - (found * found).sum(1), 0))
    np.put_along_axis(found, largest[:, None].astype(np.intp), left[:, None], 1)
    return found


def encoded_first_three(quaternions: Values) -> Codes:
    """Three bytes of unit quaternions ``x y z w``: versions 1 and 2."""
    sign = np.where(quaternions[:, 3:] < 0, np.float32(-127.5), np.float32(127.5))
    return _byte(quaternions[:, :3] * sign + np.float32(127.5))


def decoded_first_three(codes: Codes) -> Values:
    """Quaternions ``x y z w``, w at least 0."""
    xyz = codes * np.float32(1 / 127.5) - 1
    w = np.sqrt(np.maximum(1 - (xyz * xyz).sum(1, keepdims=True), 0))
    return np.concatenate([xyz, w], 1).astype(np.float32)


def encoded_harmonics(coefficients: Values, bits: ShBits) -> Codes:
    """Bytes of the coefficients above the constant's, ``n (k c)``."""
    step = np.full(coefficients.shape[1], 1 << (8 - bits.rest), np.int32)
    step[:9] = 1 << (8 - bits.first)
    level = _rounded(coefficients * np.float32(128)).astype(np.int32) + 128
    return np.clip((level + step // 2) // step * step, 0, 255).astype(np.uint8)


def decoded_harmonics(codes: Codes) -> Values:
    """Coefficients, ``n (k c)``, from -1 to just under 1."""
    return (codes.astype(np.float32) - 128) / 128


def _rounded(values: np.ndarray) -> np.ndarray:
    """Halves away from 0 (numpy's own rounding takes them to even); exact, since in float64."""
    wide = values.astype(np.float64)
    return np.copysign(np.floor(np.abs(wide) + 0.5), wide)


def _byte(values: np.ndarray) -> np.ndarray:
    return np.clip(_rounded(values), 0, 255).astype(np.uint8)
