"""Hub ids: the cache without network, downloads only where allowed, and only what is read."""

import fnmatch
import http.server
import json
import shutil
import threading

import huggingface_hub.constants
import pytest

from common.errors import InputError
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.location import checkpoint_folder, is_hub_id, wanted_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, and a hub that nobody answers for."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    answer_at("http://127.0.0.1:9", monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "hub"


def answer_at(endpoint, monkeypatch):
    """Make the client ask there."""
    template = f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def config(path="owner/tiny", **settings):
    return PretrainedPriorConfig(path=str(path), **settings)


def test_folder_is_itself(tmp_path, cache):
    assert checkpoint_folder(config(tmp_path)) == tmp_path
    assert not is_hub_id(config(tmp_path))
    assert is_hub_id(config())


def test_hub_id_in_the_cache_is_read_without_network(checkpoints, cache):
    place = cache / "models--owner--tiny"
    shutil.copytree(checkpoints["sd15"], place / "snapshots" / COMMIT)
    (place / "refs").mkdir()
    (place / "refs/main").write_text(COMMIT)
    assert checkpoint_folder(config()) == place / "snapshots" / COMMIT
    assert checkpoint_folder(config(revision=COMMIT)) == place / "snapshots" / COMMIT
    with pytest.raises(InputError, match="is not in the hub's cache"):
        checkpoint_folder(config(revision="other"))


def test_hub_id_is_not_fetched_unless_allowed(cache):
    with pytest.raises(InputError, match=r"owner/tiny is no folder here, .*allow_download=true"):
        checkpoint_folder(config())
    assert not cache.exists()


def test_hub_that_cannot_be_reached_is_one_message(cache):
    with pytest.raises(InputError, match=r"owner/tiny cannot be fetched from the hub: "):
        checkpoint_folder(config(allow_download=True))


def test_only_files_that_are_read_are_wanted():
    plain, half = wanted_files(None), wanted_files("fp16")

    def wanted(name, patterns):
        return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    for name in ("model_index.json", "tokenizer_2/merges.txt", "unet/config.json",
                 "text_encoder/model.safetensors", "scheduler/scheduler_config.json",
                 "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
                 "unet/diffusion_pytorch_model.safetensors.index.json"):  # fmt: skip
        assert wanted(name, plain), name
    for name in ("unet/diffusion_pytorch_model.fp16.safetensors", "tokenizer/vocab.json",
                 "unet/diffusion_pytorch_model-00001-of-00002.fp16.safetensors"):  # fmt: skip
        assert wanted(name, half), name
    for name in ("unet/diffusion_pytorch_model.bin", "v1-5.ckpt", "v1-5-pruned.safetensors",
                 "safety_checker/model.safetensors", "unet/unet.py"):  # fmt: skip
        assert not wanted(name, plain + half), name
    assert not wanted("unet/diffusion_pytorch_model.fp16.safetensors", plain)
    assert not wanted("unet/diffusion_pytorch_model-00001-of-00002.fp16.safetensors", plain)
    assert not wanted("unet/diffusion_pytorch_model.safetensors", half)


class Hub(http.server.BaseHTTPRequestHandler):
    """The three answers of the hub that a download needs, for one checkpoint."""

    folder = None
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/owner/tiny/revision/"):
            return self.answer(json.dumps({"id": "owner/tiny", "sha": COMMIT}).encode())
        if path.startswith(f"/api/models/owner/tiny/tree/{COMMIT}"):
            return self.answer(json.dumps(self.tree()).encode())
        name = path.removeprefix(f"/owner/tiny/resolve/{COMMIT}/")
        if name != path and (self.folder / name).is_file():
            self.asked.append(name)
            return self.answer((self.folder / name).read_bytes())
        return self.send_error(404)

    do_HEAD = do_GET

    def tree(self):
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return [{"type": "file", "path": path.relative_to(self.folder).as_posix(), "oid": "0" * 40,
                 "size": path.stat().st_size} for path in files]  # fmt: skip

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hash(body):x}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(checkpoints, tmp_path, monkeypatch, cache):
    """A hub on this machine that has one checkpoint, with a pickle beside its weights."""
    folder = shutil.copytree(checkpoints["sd15"], tmp_path / "remote")
    (folder / "unet/diffusion_pytorch_model.bin").write_bytes(b"pickle")
    monkeypatch.setattr(Hub, "folder", folder)
    monkeypatch.setattr(Hub, "asked", [])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    answer_at(f"http://127.0.0.1:{server.server_port}", monkeypatch)
    yield Hub
    server.shutdown()
    thread.join()
    server.server_close()


def test_allowed_download_fetches_the_checkpoint_without_pickles(hub, cache, checkpoints):
    folder = checkpoint_folder(config(allow_download=True))
    assert folder.is_relative_to(cache)
    for path in checkpoints["sd15"].rglob("*.*"):
        copy = folder / path.relative_to(checkpoints["sd15"])
        assert copy.read_bytes() == path.read_bytes()
    assert not list(folder.rglob("*.bin"))
    assert not [name for name in hub.asked if name.endswith(".bin")]
    assert checkpoint_folder(config()) == folder, "and then it is in the cache"


def test_interrupted_download_is_said_to_be_partial(hub, cache):
    folder = checkpoint_folder(config(allow_download=True))
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(InputError, match="is only in part in the hub's cache"):
        checkpoint_folder(config())
