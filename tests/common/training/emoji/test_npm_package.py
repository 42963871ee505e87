import base64
import hashlib
import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import InputError
from common.training.emoji import npm_package
from common.training.emoji.emoji_packages import CLIPS, NAMES, STILLS
from common.training.emoji.npm_package import (
    NpmPackage,
    default_cache,
    fetch_package,
    unpack_tarball,
    unpacked_package,
)

FILES = {
    "package/package.json": b"{}",
    "package/assets/1f40c.webp": b"snail",
    "package/en/a.json": b"1",
}


def tarball_of(members: dict[str, bytes | tarfile.TarInfo], path: Path) -> Path:
    """A gzipped tar with regular files, or with whatever a given TarInfo says."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def package_of(tarball: Path) -> NpmPackage:
    data = tarball.read_bytes()
    return NpmPackage(
        name="@scope/tiny",
        version="1.2.3",
        license="MIT",
        sha256=hashlib.sha256(data).hexdigest(),
        integrity="sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode(),
        max_unpacked_bytes=1000,
    )


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return tarball_of(dict(FILES), tmp_path / "published.tgz")


@pytest.fixture
def npm(tmp_path: Path, packed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real program called npm that packs the tarball above; each call adds a line to its log."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "npm.log"
    script = folder / "npm"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> "{log}"\n'
        'while [ "$1" != --pack-destination ]; do shift; done\n'
        f'cp "{packed}" "$2/scope-tiny-1.2.3.tgz"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


def test_fetch_packs_the_exact_version_once(tmp_path: Path, npm: Path, packed: Path) -> None:
    package = package_of(packed)
    first = fetch_package(package, tmp_path / "cache")
    second = fetch_package(package, tmp_path / "cache")
    assert first == second == tmp_path / "cache/npm/scope-tiny-1.2.3.tgz"
    assert first.read_bytes() == packed.read_bytes()
    calls = npm.read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].startswith("pack @scope/tiny@1.2.3 --ignore-scripts")
    assert list((tmp_path / "cache/npm").iterdir()) == [first]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"sha256": "0" * 64}, "SHA-256"), ({"integrity": "sha512-AAAA"}, "integrity")],
)
@pytest.mark.usefixtures("npm")
def test_fetch_other_bytes_refused(
    tmp_path: Path, packed: Path, change: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=f"is not @scope/tiny@1.2.3: its {said} is"):
        fetch_package(replace(package_of(packed), **change), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_fetch_damaged_cache_refused(tmp_path: Path, packed: Path) -> None:
    package = package_of(packed)
    kept = tmp_path / "cache/npm" / package.tarball_name
    kept.parent.mkdir(parents=True)
    kept.write_bytes(packed.read_bytes()[:-1])
    with pytest.raises(InputError, match="Delete the file"):
        fetch_package(package, tmp_path / "cache")


def test_fetch_without_npm_says_what_to_install(
    tmp_path: Path, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(InputError, match=r"npm, which is not installed\. Install Node\.js"):
        fetch_package(package_of(packed), tmp_path / "cache")


def test_fetch_offline_passes_on_what_npm_said(tmp_path: Path, packed: Path, npm: Path) -> None:
    script = tmp_path / "bin/npm"
    script.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    with pytest.raises(InputError, match=r"exit code 1\)\. Check the network(.|\n)*ENOTFOUND"):
        fetch_package(package_of(packed), tmp_path / "cache")
    assert not npm.exists()


def test_unpack_drops_top_folder_and_filters(tmp_path: Path, packed: Path) -> None:
    out = unpack_tarball(
        packed, tmp_path / "out", max_bytes=1000, patterns=("assets/*.webp", "en/*")
    )
    found = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert found == {"assets/1f40c.webp": b"snail", "en/a.json": b"1"}


def _special(kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo("package/special")
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "evil",
    [
        {"package/../../outside": b"x"},
        {"/absolute": b"x"},
        {"package/..": b"x"},
        {"package\\..\\outside": b"x"},
        {"C:/outside": b"x"},
        {"package/special": _special(tarfile.SYMTYPE)},
        {"package/special": _special(tarfile.LNKTYPE)},
        {"package/special": _special(tarfile.CHRTYPE)},
        {"package/special": _special(tarfile.FIFOTYPE)},
    ],
)
def test_unpack_escape_refused_with_nothing_left(
    tmp_path: Path, evil: dict[str, bytes | tarfile.TarInfo]
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    tarball = tarball_of({"package/good": b"1", **evil}, tmp_path / "evil.tgz")
    with pytest.raises(InputError, match="not a plain file inside the package"):
        unpack_tarball(tarball, work / "out", max_bytes=1000, patterns=("good",))
    assert list(work.iterdir()) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evil.tgz", "work"]


def test_unpack_same_member_twice_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.tgz"
    with tarfile.open(path, "w:gz") as tar:
        for _ in range(2):
            tar.addfile(tarfile.TarInfo("package/a"), io.BytesIO())
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack_tarball(path, tmp_path / "out", max_bytes=10)
    assert not (tmp_path / "out").exists()


def test_unpack_bounds_count_unwanted_members_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = tarball_of({"package/a": b"x" * 60, "package/b": b"x" * 60}, tmp_path / "big.tgz")
    assert unpack_tarball(tarball, tmp_path / "fits", max_bytes=120).is_dir()
    with pytest.raises(InputError, match="more than 119 bytes"):
        unpack_tarball(tarball, tmp_path / "out", max_bytes=119, patterns=("a",))
    monkeypatch.setattr(npm_package, "MAX_MEMBERS", 1)
    with pytest.raises(InputError, match="or 1 files"):
        unpack_tarball(tarball, tmp_path / "out", max_bytes=120)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("keep", [0, 40])
def test_unpack_truncated_refused(tmp_path: Path, packed: Path, keep: int) -> None:
    short = tmp_path / "short.tgz"
    short.write_bytes(packed.read_bytes()[:keep])
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack_tarball(short, tmp_path / "out", max_bytes=1000)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("npm")
def test_unpacked_package_cleans_up(tmp_path: Path, packed: Path) -> None:
    package, cache = package_of(packed), tmp_path / "cache"
    with unpacked_package(package, cache) as folder:
        assert (folder / "assets/1f40c.webp").read_bytes() == b"snail"
    assert not folder.exists()
    assert [p.name for p in (cache / "npm").iterdir()] == [package.tarball_name]
    with unpacked_package(package, cache, keep=False):
        pass
    assert list((cache / "npm").iterdir()) == []


@pytest.mark.usefixtures("npm")
def test_unpacked_package_keeps_tarball_when_reading_fails(tmp_path: Path, packed: Path) -> None:
    package, cache = package_of(packed), tmp_path / "cache"
    with pytest.raises(RuntimeError), unpacked_package(package, cache, keep=False):
        raise RuntimeError("decoding failed")
    assert [p.name for p in (cache / "npm").iterdir()] == [package.tarball_name]


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("/data/cache", "/data/cache/extrude"),
        ("relative", "~/.cache/extrude"),
        ("", "~/.cache/extrude"),
    ],
)
def test_default_cache_follows_xdg(
    monkeypatch: pytest.MonkeyPatch, variable: str, expected: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", variable)
    assert default_cache() == Path(expected).expanduser()


def test_pinned_packages_have_whole_digests() -> None:
    pinned = (STILLS, NAMES, *CLIPS)
    assert len({package.sha256 for package in pinned}) == len(pinned)
    for package in pinned:
        assert len(bytes.fromhex(package.sha256)) == 32
        kind, _, digest = package.integrity.partition("-")
        assert kind == "sha512"
        assert len(base64.b64decode(digest, validate=True)) == 64
