"""The files that an OBJ names: beside it or below, or the OBJ is refused.

An OBJ names material libraries, these name pictures. Names that lead out of the OBJ's folder could
carry any file of the reader's machine into what is exported.
"""

from collections.abc import Iterator
from pathlib import Path

from common.errors import InputError

MAX_LIBRARY_BYTES = 16 * 2**20
_MAPS = ("map_", "bump", "norm", "disp", "decal", "refl")


def check_references(path: Path) -> list[str]:
    """Refuse an OBJ whose materials lead out of its folder; clauses on files that are missing.

    Raises:
        InputError: a name is absolute or leads out, or a library is too large.
    """
    missing = []
    for library in _named(path, ("mtllib",)):
        for word in library.split():  # several libraries may stand on one line
            _inside(path, word)
        inside = _inside(path, library)
        if not inside.is_file():
            missing.append(f"its material library {library} is missing")
            continue
        if inside.stat().st_size > MAX_LIBRARY_BYTES:
            raise InputError(
                f"{inside}: a material library of more than {MAX_LIBRARY_BYTES:,} bytes"
            )
        for picture in _named(inside, _MAPS):
            if not _inside(inside, picture).is_file():
                missing.append(f"its picture {picture} is missing")
    return sorted(set(missing))


def _named(path: Path, keys: tuple[str, ...]) -> Iterator[str]:
    """What follows such keys, without options such as ``-s 1 1 1``."""
    with path.open("rb") as file:
        for raw in file:
            if raw[:1] in b"vf#\n" or len(raw) > 4096:
                continue
            key, _, rest = raw.decode("utf-8", "replace").strip().partition(" ")
            if key.lower().startswith(keys) and rest.strip():
                yield _without_options(rest.strip())


def _without_options(rest: str) -> str:
    words = rest.split()
    while len(words) > 1 and words[0].startswith("-"):
        words.pop(0)
        while len(words) > 1 and (_is_number(words[0]) or words[0] in ("on", "off")):
            words.pop(0)
    return " ".join(words)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _inside(holder: Path, name: str) -> Path:
    folder = holder.parent.resolve()
    named = name.replace("\\", "/")
    target = (folder / named).resolve()
    if Path(named).is_absolute() or not target.is_relative_to(folder):
        raise InputError(
            f"{holder}: names '{name[:200]}', which is outside its folder; copy the file beside it"
        )
    return target
