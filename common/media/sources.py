"""What a file given by the user is, judged by its first bytes and never by its name.

Every reader asks here before a decoder sees the file: a decoder is then told which format to
expect, so that no file can talk it into another one (a playlist, a script, a network address).
"""

from pathlib import Path
from typing import Literal

from common.errors import InputError

FileKind = Literal[
    "png", "jpeg", "webp", "gif", "bmp", "tiff", "heif",
    "mp4", "matroska", "avi", "flv", "asf", "mpegts", "mpegps", "ogg",
    "wav", "flac", "mp3", "aac", "glb", "gltf", "unknown",
]  # fmt: skip

_SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"\x00\x00\x01\xba", "mpegps"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"glTF", "glb"),
)
_RIFF: dict[bytes, FileKind] = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}
_MP4_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
_HEIF_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_MPEGTS_PACKET_BYTES = 188


def file_kind(path: Path) -> FileKind:
    """The format of a file; ``"unknown"`` when none is recognised.

    Raises:
        InputError: there is no such file, it is not a regular file, it is empty or unreadable.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file")
    if not path.is_file():
        raise InputError(f"{path}: is not a file")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not head:
        raise InputError(f"{path}: is empty (0 bytes)")
    return _kind_of(head)


def _kind_of(head: bytes) -> FileKind:
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12], "unknown")
    if head[4:8] in _MP4_ATOMS:
        return "heif" if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS else "mp4"
    if head[:1] == b"G" and head[_MPEGTS_PACKET_BYTES : _MPEGTS_PACKET_BYTES + 1] == b"G":
        return "mpegts"
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0:
        # An MPEG audio frame header: layer bits 00 are what ADTS-framed AAC has.
        return "mp3" if head[1] & 0x06 else "aac"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return "gltf"
    return "unknown"
