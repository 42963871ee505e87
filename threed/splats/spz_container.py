"""The containers of .spz: what is around the codes, gzip to version 3 and zstd in version 4.

    to version 3   gzip of NGSP, version u32, count u32, degree u8, fractional bits u8, flags u8, 0;
                   centres, opacities, colours, scales, rotations, harmonics; extensions
    version 4      NGSP, version u32, count u32, degree u8, fractional bits u8, flags u8,
                   streams u8, offset of the table u32, 12 zeros; extensions; the table, packed and
                   unpacked size u64 for each stream; the streams, one for each part not empty

Flags: 1 trained with antialiasing, 2 extensions, which are records of type u32, length u32, bytes.
Sizes follow from count and degree and are known before anything is unpacked: a file that claims
more than its bytes can hold, or more than `MAX_UNPACKED_GAUSSIANS`, is refused first.
"""

import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import zstandard

from common.errors import InputError
from threed.scenes.gaussian_cloud import MAX_SH_DEGREE
from threed.splats.contents import MAX_UNPACKED_GAUSSIANS
from threed.splats.spz_codes import Codes

MAGIC = b"NGSP"
GZIP_MAGIC = b"\x1f\x8b"
_OLD_HEADER = struct.Struct("<4s2I4B")
_HEADER = struct.Struct("<4s2I4BI12x")
_TABLE_ENTRY = struct.Struct("<2Q")
_ANTIALIASED, _HAS_EXTENSIONS = 1, 2
_COORDINATE_SYSTEM = 0xADBE0003
_MAX_EXTENSION_BYTES = 1 << 20
_MAX_RATIO = 1032
"""Deflate packs no tighter, and zstd is held to the same."""
_ZSTD_LEVEL = 12
_COORDINATE_SYSTEMS = (
    None, "LDB", "RDB", "LUB", "RUB", "LDF", "RDF", "LUF", "RUF",
    "LFD", "RFD", "LFU", "RFU", "LBD", "RBD", "LBU", "RBU",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SpzParts:
    """The codes in a file, one row a Gaussian, in the order of the file."""

    version: int
    degree: int
    fractional_bits: int
    antialiased: bool
    """Trained with antialiasing."""
    axes: str | None
    """As an extension states them."""
    means: Codes
    opacities: Codes
    colours: Codes
    scales: Codes
    rotations: Codes
    harmonics: Codes

    @property
    def arrays(self) -> tuple[Codes, ...]:
        """The six parts."""
        return (
            self.means, self.opacities, self.colours, self.scales, self.rotations, self.harmonics
        )  # fmt: skip


def unpack(data: bytes) -> SpzParts:
    """The codes of a file of any version.

    Raises:
        InputError: foreign, of an unknown version, cut off, or claiming more than it can hold.
    """
    if data.startswith(GZIP_MAGIC):
        return _unpack_gzip(data)
    if data.startswith(MAGIC):
        return _unpack_zstd(data)
    raise InputError("is not an .spz file: it begins neither with NGSP nor as gzip does")


def pack_gzip(parts: SpzParts) -> bytes:
    """A file of version 1, 2 or 3, without a time stamp: equal clouds give equal bytes."""
    head = _OLD_HEADER.pack(
        MAGIC, parts.version, len(parts.means), parts.degree, parts.fractional_bits,
        int(parts.antialiased), 0,
    )  # fmt: skip
    packer = zlib.compressobj(wbits=31)
    raw = head + b"".join(part.tobytes() for part in parts.arrays)
    return packer.compress(raw) + packer.flush()


def pack_zstd(parts: SpzParts) -> bytes:
    """A file of version 4."""
    raw = [part.tobytes() for part in parts.arrays if part.size]
    packer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_content_size=True)
    streams = [packer.compress(one) for one in raw]
    head = _HEADER.pack(
        MAGIC, 4, len(parts.means), parts.degree, parts.fractional_bits,
        int(parts.antialiased), len(streams), _HEADER.size,
    )  # fmt: skip
    sizes = zip(streams, raw, strict=True)
    table = b"".join(_TABLE_ENTRY.pack(len(packed), len(whole)) for packed, whole in sizes)
    return head + table + b"".join(streams)


def _unpack_gzip(data: bytes) -> SpzParts:
    stream = zlib.decompressobj(wbits=31)
    try:
        head = stream.decompress(data, _OLD_HEADER.size)
        if len(head) < _OLD_HEADER.size:
            raise InputError("is not an .spz file: its gzip stream ends within the header")
        magic, version, count, degree, bits, flags, _ = _OLD_HEADER.unpack(head)
        if magic != MAGIC:
            raise InputError("is not an .spz file: its gzip stream does not begin with NGSP")
        if version not in (1, 2, 3):
            raise InputError(f"is .spz of version {version} in gzip; 1 to 3 are known")
        widths = _widths(version, degree)
        _check_size(count, sum(widths), len(data))
        body = stream.decompress(stream.unconsumed_tail, count * sum(widths) + 1)
        tail = stream.decompress(stream.unconsumed_tail, _MAX_EXTENSION_BYTES)
    except zlib.error as error:
        raise InputError(f"is a damaged .spz file: {error}") from None
    body, tail = body[: count * sum(widths)], body[count * sum(widths) :] + tail
    if len(body) < count * sum(widths):
        raise InputError(
            f"is cut off: {count:,} Gaussians take {count * sum(widths):,} bytes unpacked, and "
            f"there are {len(body):,}"
        )
    if not stream.eof or stream.unused_data:
        raise InputError("is cut off, or has more after its Gaussians than belongs there")
    if tail and not flags & _HAS_EXTENSIONS:
        raise InputError(f"has {len(tail):,} bytes too many after its Gaussians")
    ends = np.cumsum([0, *widths]) * count
    raw = [body[begin:end] for begin, end in pairwise(ends)]
    axes = _axes(tail) if flags & _HAS_EXTENSIONS else None
    return _parts(version, degree, bits, flags, axes, count, raw)


def _unpack_zstd(data: bytes) -> SpzParts:
    if len(data) < _HEADER.size:
        raise InputError(f"is cut off: {len(data)} bytes, and its header takes {_HEADER.size}")
    _, version, count, degree, bits, flags, streams, table = _HEADER.unpack_from(data)
    if version != 4:
        raise InputError(f"is .spz of version {version} without gzip; version 4 is known")
    widths = _widths(version, degree)
    _check_size(count, sum(widths), len(data))
    expected = [width * count for width in widths if width]
    offset = table + streams * _TABLE_ENTRY.size
    if streams != len(expected) or not _HEADER.size <= table <= offset <= len(data):
        raise InputError(
            f"is a damaged .spz file: {streams} streams and a table at byte {table:,} of "
            f"{len(data):,}, where degree {degree} needs {len(expected)} streams"
        )
    raw = []
    for index, size in enumerate(expected):
        packed, whole = _TABLE_ENTRY.unpack_from(data, table + index * _TABLE_ENTRY.size)
        if whole != size or packed > len(data) - offset:
            raise InputError(
                f"is cut off or damaged: stream {index} of {packed:,} bytes for {whole:,}, "
                f"where {size:,} are needed and {len(data) - offset:,} are left"
            )
        raw.append(_inflated(data[offset : offset + packed], size))
        offset += packed
    if offset != len(data):
        raise InputError(f"has {len(data) - offset:,} bytes too many after its streams")
    extensions = data[_HEADER.size : min(table, _HEADER.size + _MAX_EXTENSION_BYTES)]
    axes = _axes(extensions) if flags & _HAS_EXTENSIONS else None
    return _parts(version, degree, bits, flags, axes, count, raw + [b""] * (len(widths) - len(raw)))


def _inflated(packed: bytes, size: int) -> bytes:
    # Read as a stream: at once, the library would allocate whatever the frame claims to hold.
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
            whole = reader.read(size)
            more = reader.read(1)
    except zstandard.ZstdError as error:
        raise InputError(f"is a damaged .spz file: {error}") from None
    if len(whole) != size or more:
        raise InputError(f"is a damaged .spz file: a stream does not unpack to {size:,} bytes")
    return whole


def _widths(version: int, degree: int) -> tuple[int, ...]:
    """Bytes of each part for one Gaussian."""
    if degree > MAX_SH_DEGREE:
        raise InputError(f"has colours of degree {degree}; 0 to {MAX_SH_DEGREE} are known")
    harmonics = 3 * ((degree + 1) ** 2 - 1)
    return 6 if version == 1 else 9, 1, 3, 3, 3 if version < 3 else 4, harmonics


def _check_size(count: int, width: int, length: int) -> None:
    if not 0 < count <= min(MAX_UNPACKED_GAUSSIANS, length * _MAX_RATIO // width):
        raise InputError(
            f"claims {count:,} Gaussians in {length:,} bytes; such a file can hold 1 to "
            f"{min(MAX_UNPACKED_GAUSSIANS, length * _MAX_RATIO // width):,}"
        )


def _axes(extensions: bytes) -> str | None:
    """The axes that an extension states."""
    offset = 0
    while offset + 8 <= len(extensions):
        kind, length = struct.unpack_from("<2I", extensions, offset)
        offset += 8
        if kind == _COORDINATE_SYSTEM and length == 4 and offset + 4 <= len(extensions):
            (system,) = struct.unpack_from("<I", extensions, offset)
            if system >= len(_COORDINATE_SYSTEMS):
                raise InputError(f"states the unknown coordinate system {system}")
            return _COORDINATE_SYSTEMS[system]
        offset += length
    return None


def _parts(
    version: int, degree: int, bits: int, flags: int, axes: str | None, count: int, raw: list[bytes]
) -> SpzParts:
    if bits > 23:
        raise InputError(f"is a damaged .spz file: {bits} bits after the point of 24")
    arrays = [np.frombuffer(one, np.uint8).reshape(count, -1) for one in raw]
    return SpzParts(version, degree, bits, bool(flags & _ANTIALIASED), axes, *arrays)
