from importlib.util import find_spec

if find_spec("nerfstudio") is None:
    raise ImportError(
        "threed.nerfstudio_plugin is Extrude's plugin for nerfstudio, which is not installed; "
        "pip install 'extrude[nerfstudio]' in an environment of its own"
    )
