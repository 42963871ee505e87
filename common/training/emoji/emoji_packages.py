"""The published packages that the emoji data comes from, pinned to their bytes.

Digests are of the tarballs as published; sizes unpacked are bounds a little above the real ones.
"""

from common.training.emoji.npm_package import NpmPackage

STILLS = NpmPackage(
    name="@lobehub/fluent-emoji-3d",
    version="1.1.0",
    license="MIT",
    sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    integrity="sha512-Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv"
    "60lUAG3h7g==",
    max_unpacked_bytes=18_000_000,
)
"""3-D rendered stills, 256 px RGBA WebP, 16 MB packed."""

CLIPS = (
    NpmPackage(
        name="@lobehub/fluent-emoji-anim-1",
        version="1.0.0",
        license="MIT",
        sha256="4c03ac178c1eabf2e2a16dd498f3cc2b92dc30ec3466ae38fdc497d4774c99ea",
        integrity="sha512-/4m31vAuZEQ4aUJ5pxcOU5PVkuJya55GRxUZL7+zgLlxZXpzzE8jPqpDyhZICE3n47nS/Y9M"
        "5/vLdizi8201QA==",
        max_unpacked_bytes=166_000_000,
    ),
    NpmPackage(
        name="@lobehub/fluent-emoji-anim-2",
        version="1.0.0",
        license="MIT",
        sha256="e431da8172e394036c330faa77648d6fbbae1fd3b0be95637c4497c9075019c0",
        integrity="sha512-S6yzf0RZXrQbXdxCWuHA9BAoLdBRk2flX+ne4TPGEH/qApwisCAKHoAAGjKSlTY3OVeZ9b7t"
        "/NEbmpjawnQYJA==",
        max_unpacked_bytes=183_000_000,
    ),
    NpmPackage(
        name="@lobehub/fluent-emoji-anim-3",
        version="1.0.0",
        license="MIT",
        sha256="3624d0c34c819c1794b74ccf6ae9034adff7c4cb6318dd2a645145f0196feb43",
        integrity="sha512-UzRSUDMjdfdt9vER5bhjHkPqgc3EEgfGtYs6ndvizOTvQOxYQ57ow2RTkWSDZxwW30X4EYBi"
        "2eWTS7CXDDoFsg==",
        max_unpacked_bytes=198_000_000,
    ),
    NpmPackage(
        name="@lobehub/fluent-emoji-anim-4",
        version="1.0.0",
        license="MIT",
        sha256="3d4c08f1e321f70808ef4996aba0ab575a9d97b6c56ffffc92cf6161a7836aa3",
        integrity="sha512-IIkl5ztSd1HrzvIDt/uGsFoC1WODXRdYq5uROrnkyqi9DbToEcJ1nlY86PnoUXeFS9nBCnHf"
        "iYk3ouSEGThFmA==",
        max_unpacked_bytes=187_000_000,
    ),
)
"""Animated and still 3-D pictures, 256 px RGBA WebP, 165 to 197 MB packed each."""

NAMES = NpmPackage(
    name="emojibase-data",
    version="17.0.0",
    license="MIT, with data under the Unicode License",
    sha256="d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    integrity="sha512-Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEm"
    "ItljHsTygjA==",
    max_unpacked_bytes=51_000_000,
)
"""Names, keywords and groups of all emoji from Unicode CLDR in many languages, 7 MB packed."""
