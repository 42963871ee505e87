"""npm packages as a source of data: one exact version, verified, unpacked without trust.

The ordinary client does the download (``npm pack``), so that the mirror, proxy and offline settings
of the user apply. What arrives is compared with a SHA-256 and an integrity string written in this
repository, and its members are written by us, one at a time, within stated bounds.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from common.atomic import atomic_path
from common.errors import InputError

DOWNLOAD_SECONDS = 1800
MAX_MEMBERS = 20_000


@dataclass(frozen=True)
class NpmPackage:
    """One published version and what its tarball must be.

    ``integrity`` is npm's own string (``sha512-`` and base64), ``max_unpacked_bytes`` the most that
    the unpacked files may take together.
    """

    name: str
    version: str
    license: str
    sha256: str
    integrity: str
    max_unpacked_bytes: int

    @property
    def spec(self) -> str:
        """The package as npm is asked for it, such as ``emojibase-data@17.0.0``."""
        return f"{self.name}@{self.version}"

    @property
    def tarball_name(self) -> str:
        """The file name that ``npm pack`` gives the tarball."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/extrude``, or ``~/.cache/extrude``; a relative variable is ignored.

    (The XDG base directory specification says that relative paths are invalid.)
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (configured if configured.is_absolute() else Path.home() / ".cache") / "extrude"


def fetch_package(package: NpmPackage, cache: Path) -> Path:
    """The verified tarball of ``package`` in ``cache/npm``, downloaded only if it is not there.

    Raises:
        InputError: npm is missing, fails or is offline, or the bytes are not the expected ones.
    """
    tarball = cache / "npm" / package.tarball_name
    if tarball.is_file():
        verify_tarball(package, tarball)
        return tarball
    with tempfile.TemporaryDirectory(prefix="extrude-npm-") as folder:
        packed = _pack(package, Path(folder))
        verify_tarball(package, packed)
        with atomic_path(tarball) as partial:
            shutil.copyfile(packed, partial)
    return tarball


def verify_tarball(package: NpmPackage, tarball: Path) -> None:
    """Compare both digests of ``tarball`` with the recorded ones.

    Raises:
        InputError: a digest differs; the message names the file to delete.
    """
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    with tarball.open("rb") as packed:
        while block := packed.read(1 << 20):
            sha256.update(block)
            sha512.update(block)
    integrity = "sha512-" + base64.b64encode(sha512.digest()).decode()
    found = {"SHA-256": sha256.hexdigest(), "integrity": integrity}
    expected = {"SHA-256": package.sha256, "integrity": package.integrity}
    for kind, digest in found.items():
        if digest != expected[kind]:
            raise InputError(
                f"{tarball} ({tarball.stat().st_size} bytes) is not {package.spec}: its {kind} is "
                f"{digest}, expected {expected[kind]}. Delete the file and try again; if it comes "
                "back the same, the package was published anew and must not be used."
            )


def unpack_tarball(
    tarball: Path, folder: Path, *, max_bytes: int, patterns: tuple[str, ...] = ("*",)
) -> Path:
    """Write the members of an npm tarball that match ``patterns`` under the new ``folder``.

    npm puts everything below one top folder, which is dropped. Patterns are matched with the rest
    of the path (``en/*.json``). Only regular files are accepted: a link, a device, an absolute
    path or a ``..`` anywhere in the tarball refuses all of it, and nothing is left behind.

    Raises:
        InputError: the tarball is damaged, dishonest or larger than ``max_bytes`` unpacked.
    """
    with atomic_path(folder) as partial:
        partial.mkdir()
        try:
            with tarfile.open(tarball, mode="r|gz") as members:
                _write_members(members, partial, tarball.name, max_bytes, patterns)
        except (tarfile.TarError, EOFError, OSError) as broken:
            raise InputError(f"{tarball} cannot be unpacked: {broken}") from broken
    return folder


@contextmanager
def unpacked_package(
    package: NpmPackage, cache: Path, *, patterns: tuple[str, ...] = ("*",), keep: bool = True
) -> Iterator[Path]:
    """Fetch, unpack to a temporary folder beside the cache, and clean up afterwards.

    With ``keep=False`` the tarball is deleted as well, for packages that are read once.
    """
    tarball = fetch_package(package, cache)
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=tarball.parent) as scratch:
        yield unpack_tarball(
            tarball,
            Path(scratch) / "package",
            max_bytes=package.max_unpacked_bytes,
            patterns=patterns,
        )
    if not keep:
        tarball.unlink()


def _pack(package: NpmPackage, folder: Path) -> Path:
    """Let npm put the tarball into ``folder``; its own download cache goes there too."""
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(
            f"{package.spec} is downloaded with npm, which is not installed. Install Node.js "
            "(it brings npm) and try again. Only preparing training data needs it."
        )
    command = [npm, "pack", package.spec, "--ignore-scripts", "--loglevel=error"]
    command += ["--pack-destination", str(folder), "--cache", str(folder / "npm-cache")]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
        )
    except subprocess.TimeoutExpired as late:
        raise InputError(
            f"npm did not deliver {package.spec} within {DOWNLOAD_SECONDS} s. Check the network."
        ) from late
    packed = folder / package.tarball_name
    if done.returncode != 0 or not packed.is_file():
        said = "\n".join(done.stderr.strip().splitlines()[-6:]) or "(nothing)"
        raise InputError(
            f"npm could not download {package.spec} (exit code {done.returncode}). Check the "
            f"network and npm's settings, then try again. npm said:\n{said}"
        )
    return packed


def _write_members(
    members: tarfile.TarFile, folder: Path, name: str, max_bytes: int, patterns: tuple[str, ...]
) -> None:
    """Write the wanted files; count every member, wanted or not, against the bounds."""
    written = 0
    for count, member in enumerate(members, start=1):
        written += member.size
        if count > MAX_MEMBERS or written > max_bytes:
            raise InputError(
                f"{name} unpacks to more than {max_bytes} bytes or {MAX_MEMBERS} files "
                f"({written} bytes in {count} files so far)."
            )
        inside = _path_inside(member, name)
        if inside is None or not any(fnmatchcase(str(inside), pattern) for pattern in patterns):
            continue
        source = members.extractfile(member)
        assert source is not None  # _path_inside let regular files through only
        target = folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as sink:
            shutil.copyfileobj(source, sink)


def _path_inside(member: tarfile.TarInfo, name: str) -> PurePosixPath | None:
    """The member's path below the top folder, or None for a folder entry."""
    path = PurePosixPath(member.name)
    honest = not path.is_absolute() and ".." not in path.parts
    plain = not any(character in member.name for character in "\\:\0")
    if not honest or not plain or not (member.isreg() or member.isdir()):
        raise InputError(
            f"{name} holds {member.name!r}, which is not a plain file inside the package. "
            "Nothing was unpacked."
        )
    if member.isdir() or len(path.parts) < 2:
        return None
    return PurePosixPath(*path.parts[1:])
