"""Cutting and packing charts by xatlas, as a program of its own: ``xatlas_child.py IN OUT ...``.

A process, because xatlas cannot be stopped and takes minutes or days on meshes of many charts: this
one can be killed. It also ends by itself when its time is over or its parent has died, and it knows
nothing of the rest of the project, so that it starts quickly.
"""

import os
import signal
import sys

import numpy as np


def main(arguments: list[str]) -> None:
    """Read vertices and faces from one .npz, write texture coordinates to another."""
    source, target, size, padding, seconds, parent, megabytes = arguments
    _end_in_time(int(seconds), int(parent), int(megabytes))
    import xatlas

    with np.load(source, allow_pickle=False) as given:
        vertices, faces = given["vertices"], given["faces"]
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices, faces)
    pack = xatlas.PackOptions()
    pack.resolution = int(size)
    pack.padding = int(padding)
    pack.bilinear = True
    atlas.generate(pack_options=pack)
    _, corners, uvs = atlas[0]
    np.savez(target, corners=corners, uvs=uvs, pages=np.array(atlas.atlas_count))


def _end_in_time(seconds: int, parent: int, megabytes: int) -> None:
    """Die at the latest after so many seconds, when the parent dies, or of too much memory."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)  # the kernel's default action: no Python code has to run
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it died before it could be heard
            os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
