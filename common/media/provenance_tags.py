"""Where each format keeps the record of how a file was made, for writers and readers.

=========  ==========================================================================
format     place of the JSON record; the prompt in plain text beside it
=========  ==========================================================================
MP4, WebM  tag ``comment``; tags ``title`` (shortened) and ``description``. These three names
           survive a remux, unlike own ones (to .mov only up to 64 kB)
PNG        text chunk ``Comment``; ``Description``
JPEG       COM segments, joined in order (one segment holds 64 kB)
WebP       XMP packet, ``extrude:provenance``; ``dc:description``
GIF        comment extension
glTF, GLB  ``asset.extras.extrude``
=========  ==========================================================================

``None`` for the record adds nothing anywhere.
"""

import re
import struct
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from common.errors import InputError
from common.media.containers import opened
from common.media.gltf_extras import extract
from common.media.provenance import MAX_BYTES, Provenance
from common.media.sources import FileKind

if TYPE_CHECKING:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

_TITLE_CHARACTERS = 120
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_COM_BYTES = 65_533
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:extrude="urn:extrude:provenance"><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{prompt}</rdf:li></rdf:Alt></dc:description>'
    "<extrude:provenance>{record}</extrude:provenance>"
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_XMP_RECORD = re.compile(rb"<extrude:provenance>(.*?)</extrude:provenance>", re.DOTALL)


def container_tags(provenance: Provenance | None) -> dict[str, str]:
    """Tags for MP4 and WebM."""
    if provenance is None:
        return {}
    prompt = printable(provenance.prompt)
    title = " ".join(prompt.split())
    if len(title) > _TITLE_CHARACTERS:
        title = title[: _TITLE_CHARACTERS - 1] + "…"
    return {"title": title, "description": prompt, "comment": provenance.to_json()}


def png_text(provenance: Provenance | None) -> "PngInfo | None":
    """Text chunks for PNG."""
    if provenance is None:
        return None
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_itxt("Description", printable(provenance.prompt))
    chunks.add_text("Comment", provenance.to_json())
    return chunks


def jpeg_segments(provenance: Provenance | None) -> bytes:
    """COM segments for JPEG."""
    if provenance is None:
        return b""
    record = provenance.to_json().encode("ascii")
    parts = [record[start : start + _COM_BYTES] for start in range(0, len(record), _COM_BYTES)]
    return b"".join(b"\xff\xfe" + struct.pack(">H", len(part) + 2) + part for part in parts)


def webp_xmp(provenance: Provenance | None) -> bytes:
    """The XMP packet for WebP."""
    if provenance is None:
        return b""
    prompt, record = escape(printable(provenance.prompt)), escape(provenance.to_json())
    return _XMP.format(prompt=prompt, record=record).encode("utf-8")


def gif_comment(provenance: Provenance | None) -> bytes:
    """The comment extension block for GIF: sub-blocks of at most 255 bytes."""
    if provenance is None:
        return b""
    record = provenance.to_json().encode("ascii")
    parts = [record[start : start + 255] for start in range(0, len(record), 255)]
    return b"\x21\xfe" + b"".join(bytes([len(part)]) + part for part in parts) + b"\x00"


def printable(text: str) -> str:
    """Text for places that hold no control characters or halves of surrogate pairs."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def find_record(path: Path, kind: FileKind) -> str | None:
    """The text in the place where the record would be; None when there is none.

    Raises:
        InputError: the file is damaged, or its format has no such place.
    """
    match kind:
        case "mp4" | "matroska":
            return _container_comment(path, kind)
        case "png" | "jpeg" | "webp" | "gif":
            return _picture_comment(path, kind)
        case "glb" | "gltf":
            try:
                return extract(path.read_bytes())
            except InputError as error:
                raise InputError(f"{path}: {error}") from error
        case _:
            raise InputError(
                f"{path}: only MP4, WebM, WebP, GIF, PNG, JPEG, GLB and glTF files say how they "
                f"were made; this one is {'of no known format' if kind == 'unknown' else kind}"
            )


def _container_comment(path: Path, kind: FileKind) -> str | None:
    with opened(path, kind) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    return tags.get("comment")


def _picture_comment(path: Path, kind: FileKind) -> str | None:
    from PIL import Image

    try:
        with Image.open(path, formats=[kind.upper()]) as picture:
            return _comment_of(picture, kind)
    except Exception as error:  # damaged files raise nearly anything in Pillow
        raise InputError(f"{path}: not a readable {kind.upper()} ({error})") from error


def _comment_of(picture: "Image.Image", kind: FileKind) -> str | None:
    if kind == "png":
        picture.load()  # text chunks may follow the pixels
        comment = picture.info.get("Comment")
        return comment if isinstance(comment, str) else None
    if kind == "jpeg":
        segments = getattr(picture, "applist", [])
        data = b"".join(content for marker, content in segments if marker == "COM")
    elif kind == "webp":
        found = _XMP_RECORD.search(picture.info.get("xmp", b""))
        data = unescape(found.group(1).decode("utf-8", "replace")).encode() if found else b""
    else:
        data = picture.info.get("comment", b"")
    return data[: MAX_BYTES + 1].decode("utf-8", "replace") or None
