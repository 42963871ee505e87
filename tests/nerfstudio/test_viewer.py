"""nerfstudio's viewer, asked by a client over its websocket as a browser does."""

import io
import socket
import subprocess
import time

import msgspec
from PIL import Image
from websockets.sync.client import connect

from tests.nerfstudio.conftest import FIT, command, environment

PATIENCE_S = 300


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def connected(port, process):
    """A connection, once the server is up."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()[0][-4000:]
        try:
            return connect(f"ws://127.0.0.1:{port}", max_size=None)
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the viewer did not start")


def shown_to(client):
    """The first picture of at least 200 pixels that the viewer sends behind the scene."""
    # four metres before the object's front in viser's units, looking at the origin, +Z up
    half = 2**-0.5
    client.send(msgspec.msgpack.encode({
        "type": "ViewerCameraMessage", "wxyz": (half, -half, 0.0, 0.0),
        "position": (0.0, -20.0, 0.0), "fov": 0.7, "aspect": 1.0,
        "look_at": (0.0, 0.0, 0.0), "up_direction": (0.0, 0.0, 1.0),
    }))  # fmt: skip
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        for message in msgspec.msgpack.decode(client.recv(timeout=PATIENCE_S)):
            if message["type"] == "BackgroundImageMessage":
                picture = Image.open(io.BytesIO(message["rgb_bytes"])).convert("RGB")
                if picture.width >= 100:
                    return picture
    raise AssertionError("the viewer sent no picture")


def test_viewer_shows_the_scene_while_it_trains(place):
    port = free_port()
    process = subprocess.Popen(
        command(
            "ns-train", "extrude", "--experiment-name", "viewed", "--vis", "viewer+tensorboard",
            "--viewer.websocket-host", "127.0.0.1", "--viewer.websocket-port", str(port),
            *FIT, "--max-num-iterations", "100000",
        ),
        cwd=place, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        with connected(port, process) as client:
            picture = shown_to(client)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    corner = picture.getpixel((2, 2))
    middle = picture.getpixel((picture.width // 2, picture.height // 2))
    assert min(corner) > 240  # the white background
    assert min(middle) < 200  # the body
