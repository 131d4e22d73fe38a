"""Official files alone, downloaded from servers on the loopback interface only: MNIST, CIFAR-10 and their like."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import pickle
import socket
import struct
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from filelock import FileLock
from scipy.io import savemat
from torchvision import datasets

from cnntention.base.errors import DataError
from cnntention.data import download
from cnntention.data import idx as archives
from cnntention.data.source import create
from cnntention.data.sources import fashion_mnist

OFFICIAL = ROOT.parent / "shared" / "data" / "mnist"


# ---- servers


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(self.path)
        if server.failures:
            self.send_error(server.failures.pop())
        elif self.path not in server.files:
            self.send_error(404)
        else:
            content = server.files[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(server.lengths.get(self.path, len(content))))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files`` by path.

    Attributes:
        files: content by path.
        lengths: Content-Length by path, where it is not that of the content.
        failures: statuses to answer the next requests with.
        requests: the paths that were asked for.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.lengths: dict[str, int] = {}
        self.failures: list[int] = []
        self.requests: list[str] = []
        self.thread = threading.Thread(target=functools.partial(self.serve_forever, 0.01), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def stop(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


@pytest.fixture
def serve():
    """Call it for one more server."""
    with contextlib.ExitStack() as stack:

        def start() -> Server:
            server = Server()
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def nowhere() -> str:
    """An address on the loopback interface that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """No name is looked up and no other machine is called."""
    foreign = []
    look_up = socket.getaddrinfo

    def local(host, *arguments, **options):
        if host != "127.0.0.1":
            foreign.append(host)
            raise socket.gaierror(f"the tests do not call {host}")
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield
    assert not foreign


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    monkeypatch.setattr(download, "BACKOFF_S", 0.0)
    monkeypatch.setattr(download, "TIMEOUT_S", 5)


# ---- small datasets in the official formats


def idx(array: np.ndarray) -> bytes:
    """An unsigned-byte array in the format of the MNIST files."""
    return struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def mnist_arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte": random.integers(0, 256, (7, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": np.array([5, 0, 4, 1, 9, 2, 1], np.uint8),
        "t10k-images-idx3-ubyte": random.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": np.array([7, 2, 1], np.uint8),
    }


@pytest.fixture
def mnist(server, monkeypatch) -> dict[str, np.ndarray]:
    """A small MNIST, which the server holds in place of the official mirrors. Returns its arrays by file."""
    return small(datasets.MNIST, server, monkeypatch)


@pytest.fixture
def fashion(server, monkeypatch) -> dict[str, np.ndarray]:
    """A small Fashion-MNIST, likewise; no package of it is installed."""
    monkeypatch.setattr(fashion_mnist, "PACKAGE", Path("nowhere"))
    return small(datasets.FashionMNIST, server, monkeypatch)


def small(official: type, server, monkeypatch) -> dict[str, np.ndarray]:
    arrays = mnist_arrays()
    archives = {f"{name}.gz": gzip.compress(idx(array), mtime=0) for name, array in arrays.items()}
    resources = [(name, hashlib.md5(content).hexdigest()) for name, content in archives.items()]
    monkeypatch.setattr(official, "resources", resources)
    monkeypatch.setattr(official, "mirrors", [server.url + "official/"])
    server.files = {f"/official/{name}": content for name, content in archives.items()}
    return arrays


def tar(folder: str, contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def cifar10(server, monkeypatch) -> dict[str, np.ndarray]:
    """A small CIFAR-10 of two training batches, likewise. Returns the arrays that are expected."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    labels = [6, 9, 9, 4, 1, 1, 2, 7, 8]
    parts = {"data_batch_1": slice(0, 3), "data_batch_2": slice(3, 5), "test_batch": slice(5, 9)}
    contents = {
        name: pickle.dumps({"data": images[part].transpose(0, 3, 1, 2).reshape(-1, 3072), "labels": labels[part]})
        for name, part in parts.items()
    }
    contents["batches.meta"] = pickle.dumps({"label_names": [str(number) for number in range(10)]})
    archive = tar("cifar-10-batches-py", contents)
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    official = datasets.CIFAR10
    monkeypatch.setattr(official, "train_list", [[name, md5[name]] for name in ("data_batch_1", "data_batch_2")])
    monkeypatch.setattr(official, "test_list", [["test_batch", md5["test_batch"]]])
    monkeypatch.setattr(official, "meta", official.meta | {"md5": md5["batches.meta"]})
    monkeypatch.setattr(official, "tgz_md5", hashlib.md5(archive).hexdigest())
    monkeypatch.setattr(official, "filename", "small.tar.gz")
    monkeypatch.setattr(official, "url", server.url + "official/small.tar.gz")
    server.files = {"/official/small.tar.gz": archive}
    return {"x_train": images[:5], "y_train": labels[:5], "x_test": images[5:], "y_test": labels[5:]}


def load(source: str, folder, mirrors=()) -> dict[str, np.ndarray]:
    return create(source, {}).load(folder, mirrors)


def refused(source: str, folder, mirrors=()) -> str:
    with pytest.raises(DataError) as caught:
        load(source, folder, mirrors)
    return str(caught.value)


def assert_helpful(text: str, folder) -> None:
    """Every archive of MNIST is named with its place and its MD5."""
    for name, md5 in datasets.MNIST.resources:
        assert f"{folder / 'MNIST' / 'raw' / name} (MD5 {md5})" in text


def test_another_file_than_the_official_one_is_never_read(tmp_path):
    """Not even where it changes after it was fetched."""
    file = download.Official(tmp_path / "official", hashlib.md5(b"content").hexdigest())
    file.path.write_bytes(b"content")
    assert file.read() == b"content"
    file.path.write_bytes(b"Content")
    with pytest.raises(DataError, match="not the official file") as caught:
        file.read()
    assert str(file.path) in str(caught.value)


def test_what_another_study_downloads_into_the_folder_is_waited_for(server, tmp_path):
    server.files["/official/file"] = b"content"
    file = download.Official(tmp_path / "file", hashlib.md5(b"content").hexdigest())
    waiting = threading.Thread(target=download.fetch, args=([file], [server.url + "official/"]))
    with FileLock(tmp_path / ".file.lock"):
        waiting.start()
        time.sleep(0.3)
        assert waiting.is_alive()
        file.path.write_bytes(b"content")
    waiting.join(timeout=20)
    assert not waiting.is_alive()
    assert server.requests == []


# ---- MNIST


def test_mnist_is_downloaded_and_read(mnist, server, tmp_path):
    arrays = load("mnist", tmp_path)
    assert np.array_equal(arrays["x_train"], mnist["train-images-idx3-ubyte"][..., None])
    assert np.array_equal(arrays["x_test"], mnist["t10k-images-idx3-ubyte"][..., None])
    assert arrays["y_train"].tolist() == [5, 0, 4, 1, 9, 2, 1]
    assert arrays["y_test"].tolist() == [7, 2, 1]
    assert arrays["x_train"].dtype == np.uint8
    assert arrays["y_train"].dtype == np.int64
    assert set(server.requests) == set(server.files)


def test_mnist_lies_in_torchvisions_layout(mnist, server, tmp_path):
    load("mnist", tmp_path)
    server.stop()
    assert datasets.MNIST(tmp_path, train=True, download=True).targets.tolist() == [5, 0, 4, 1, 9, 2, 1]


def test_files_that_are_there_are_used_without_network(mnist, server, tmp_path):
    first = load("mnist", tmp_path)
    server.stop()
    second = load("mnist", tmp_path)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_archives_put_in_place_by_hand_are_used_without_network(mnist, server, tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path, content in server.files.items():
        (raw / path.rpartition("/")[2]).write_bytes(content)
    server.stop()
    assert load("mnist", tmp_path)["y_test"].tolist() == [7, 2, 1]


def test_an_interrupted_download_goes_on_where_it_stopped(mnist, server, tmp_path):
    load("mnist", tmp_path)
    raw = tmp_path / "MNIST" / "raw"
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    server.requests.clear()
    load("mnist", tmp_path)
    assert set(server.requests) == {"/official/t10k-labels-idx1-ubyte.gz"}


@pytest.mark.parametrize("slash", ["", "/"])
def test_mirrors_are_tried_first(mnist, server, serve, tmp_path, slash):
    mirror = serve()
    mirror.files = {path.replace("official", "mine"): content for path, content in server.files.items()}
    load("mnist", tmp_path, [mirror.url + "mine" + slash])
    assert set(mirror.requests) == set(mirror.files)
    assert not server.requests


def test_where_a_mirror_has_no_file_the_official_address_is_asked(mnist, server, serve, tmp_path, nowhere):
    empty = serve()
    arrays = load("mnist", tmp_path, [nowhere, empty.url])
    assert arrays["y_test"].tolist() == [7, 2, 1]
    assert empty.requests
    assert set(server.requests) == set(server.files)


def test_a_mirror_with_wrong_content_is_not_believed(mnist, server, serve, tmp_path):
    mirror = serve()
    wrong = {path: gzip.compress(idx(np.zeros((7, 28, 28)))) for path in server.files}
    mirror.files = {path.replace("/official", ""): content for path, content in wrong.items()}
    arrays = load("mnist", tmp_path, [mirror.url])
    assert np.array_equal(arrays["x_train"][..., 0], mnist["train-images-idx3-ubyte"])


def test_a_server_that_fails_for_a_while_is_tried_again(mnist, server, tmp_path):
    server.failures = [503]
    assert load("mnist", tmp_path)["y_test"].tolist() == [7, 2, 1]


def test_attempts_are_limited(mnist, server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 3)
    server.files.clear()
    refused("mnist", tmp_path)
    assert len(server.requests) == 3


def test_pauses_between_attempts_grow(mnist, server, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(download, "ATTEMPTS", 4)
    monkeypatch.setattr(download, "BACKOFF_S", 2.0)
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    server.files.clear()
    refused("mnist", tmp_path)
    assert pauses == [2.0, 4.0, 8.0]


LAST = "/official/t10k-labels-idx1-ubyte.gz"


def other_content(server):
    server.files[LAST] = gzip.compress(idx(np.array([7, 2, 2])))


def error_page(server):
    server.files[LAST] = b"<html><body>Please log in</body></html>"


def half_a_file(server):
    """The connection ends before the announced length."""
    server.lengths[LAST] = len(server.files[LAST])
    server.files[LAST] = server.files[LAST][:20]


def half_an_archive(server):
    server.files[LAST] = server.files[LAST][:20]


def nothing(server):
    server.files[LAST] = b""


def no_file(server):
    del server.files[LAST]


@pytest.mark.parametrize("spoil", [other_content, error_page, half_a_file, half_an_archive, nothing, no_file])
def test_a_file_that_is_not_the_official_one_is_refused_and_not_kept(mnist, server, tmp_path, spoil):
    whole, lengths = dict(server.files), dict(server.lengths)
    spoil(server)
    text = refused("mnist", tmp_path)
    assert_helpful(text, tmp_path)
    assert server.url in text
    if spoil is no_file:
        assert "404" in text
    server.files, server.lengths = whole, lengths
    assert load("mnist", tmp_path)["y_test"].tolist() == [7, 2, 1]


def test_without_network_and_files_one_message_says_what_to_do(mnist, server, tmp_path, monkeypatch, nowhere):
    monkeypatch.setattr(datasets.MNIST, "mirrors", [nowhere])
    text = refused("mnist", tmp_path, [nowhere + "mirror"])
    assert_helpful(text, tmp_path)
    assert nowhere + "mirror/" in text
    assert f"{nowhere}:" in text
    assert "refused" in text
    assert "by hand" in text


def test_a_silent_server_is_given_up(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    before = socket.getdefaulttimeout()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(datasets.MNIST, "mirrors", [address])
        text = refused("mnist", tmp_path)
    assert "timed out" in text
    assert_helpful(text, tmp_path)
    assert socket.getdefaulttimeout() == before


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\nends too soon",
    ],
    ids=["no HTTP", "nothing", "half a chunk"],
)
def test_a_server_that_breaks_the_protocol_is_reported_like_any_other(mnist, server, tmp_path, monkeypatch, answer):
    """Its errors are of a class of their own, http.client.HTTPException. A mirror of this kind must not end all."""

    def talk(listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as odd:
        threading.Thread(target=talk, args=(odd,), daemon=True).start()
        address = f"http://127.0.0.1:{odd.getsockname()[1]}/"
        assert load("mnist", tmp_path / "through", [address])["y_test"].tolist() == [7, 2, 1]
        monkeypatch.setattr(datasets.MNIST, "mirrors", [address])
        assert_helpful(refused("mnist", tmp_path / "alone"), tmp_path / "alone")
        with contextlib.suppress(OSError):
            odd.shutdown(socket.SHUT_RDWR)


def half_black(name: str, array: np.ndarray) -> np.ndarray:
    return np.where(np.arange(28)[:, None] < 14, 0, array) if "images" in name else array


def other_labels(name: str, array: np.ndarray) -> np.ndarray:
    return 9 - array if "labels" in name else array


@pytest.mark.parametrize("spoil", [half_black, other_labels])
def test_what_torchvision_unpacked_beside_the_archives_is_not_believed(mnist, tmp_path, spoil):
    """It has no checksum, and nothing says so where it was changed."""
    load("mnist", tmp_path)
    datasets.MNIST(tmp_path, download=True)
    for name, array in mnist.items():
        (tmp_path / "MNIST" / "raw" / name).write_bytes(idx(spoil(name, array)))
    arrays = load("mnist", tmp_path)
    assert np.array_equal(arrays["x_train"][..., 0], mnist["train-images-idx3-ubyte"])
    assert np.array_equal(arrays["x_test"][..., 0], mnist["t10k-images-idx3-ubyte"])
    assert arrays["y_train"].tolist() == [5, 0, 4, 1, 9, 2, 1]
    assert arrays["y_test"].tolist() == [7, 2, 1]


def test_a_cache_of_old_versions_of_torchvision_is_not_believed(mnist, tmp_path):
    """They kept tensors in a folder of their own, which torchvision still prefers to the archives."""
    processed = tmp_path / "MNIST" / "processed"
    processed.mkdir(parents=True)
    for name, count in (("training.pt", 7), ("test.pt", 3)):
        torch.save(
            (torch.zeros(count, 28, 28, dtype=torch.uint8), torch.zeros(count, dtype=torch.long)), processed / name
        )
    assert datasets.MNIST(tmp_path).data.sum() == 0
    assert np.array_equal(load("mnist", tmp_path)["x_train"][..., 0], mnist["train-images-idx3-ubyte"])


def test_a_damaged_archive_in_the_folder_is_downloaded_again(mnist, server, tmp_path):
    load("mnist", tmp_path)
    server.requests.clear()
    archive = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    archive.write_bytes(gzip.compress(idx(np.zeros((7, 28, 28)))))
    assert np.array_equal(load("mnist", tmp_path)["x_train"][..., 0], mnist["train-images-idx3-ubyte"])
    assert set(server.requests) == {"/official/train-images-idx3-ubyte.gz"}


def test_without_network_the_archive_that_is_damaged_is_named(mnist, server, tmp_path):
    load("mnist", tmp_path)
    server.stop()
    raw = tmp_path / "MNIST" / "raw"
    (raw / "train-labels-idx1-ubyte.gz").write_bytes(b"")
    damaged = [line for line in refused("mnist", tmp_path).splitlines() if "damaged or a different one" in line]
    assert len(damaged) == 1
    assert str(raw / "train-labels-idx1-ubyte.gz") in damaged[0]


def test_a_folder_that_cannot_be_made_is_reported(mnist, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    text = refused("mnist", tmp_path / "file")
    assert_helpful(text, tmp_path / "file")


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official archives are not here")
def test_the_official_archives_give_the_official_dataset(server, tmp_path, monkeypatch):
    """With torchvision's own checksums."""
    monkeypatch.setattr(datasets.MNIST, "mirrors", [server.url])
    server.files = {f"/{path.name}": path.read_bytes() for path in OFFICIAL.glob("*.gz")}
    arrays = load("mnist", tmp_path)
    assert arrays["x_train"].shape == (60_000, 28, 28, 1)
    assert arrays["x_test"].shape == (10_000, 28, 28, 1)
    assert np.bincount(arrays["y_train"]).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(arrays["y_test"]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


# ---- CIFAR-10


def test_cifar10_is_downloaded_and_read(cifar10, server, tmp_path):
    arrays = load("cifar10", tmp_path)
    for name, expected in cifar10.items():
        assert np.array_equal(arrays[name], expected)
    assert arrays["x_train"].dtype == np.uint8
    assert arrays["y_train"].dtype == np.int64
    assert set(server.requests) == {"/official/small.tar.gz"}


def test_cifar10_as_torchvision_unpacks_it_is_used_without_network(cifar10, server, tmp_path):
    datasets.CIFAR10(tmp_path, download=True)
    (tmp_path / "small.tar.gz").unlink()
    server.stop()
    assert np.array_equal(load("cifar10", tmp_path)["x_train"], cifar10["x_train"])


def test_cifar10_lies_in_torchvisions_layout(cifar10, server, tmp_path):
    load("cifar10", tmp_path)
    server.stop()
    assert datasets.CIFAR10(tmp_path, download=True).targets == cifar10["y_train"]


def test_an_archive_of_cifar10_put_in_place_by_hand_is_used_without_network(cifar10, server, tmp_path):
    (tmp_path / "small.tar.gz").write_bytes(server.files["/official/small.tar.gz"])
    server.stop()
    assert np.array_equal(load("cifar10", tmp_path)["x_test"], cifar10["x_test"])


def test_a_mirror_of_cifar10_is_tried_first(cifar10, server, serve, tmp_path):
    mirror = serve()
    mirror.files = {"/mine/small.tar.gz": server.files["/official/small.tar.gz"]}
    load("cifar10", tmp_path, [mirror.url + "mine"])
    assert set(mirror.requests) == {"/mine/small.tar.gz"}
    assert not server.requests


@pytest.mark.parametrize("damage", ["removed", "changed"])
@pytest.mark.parametrize("name", ["data_batch_2", "test_batch", "batches.meta"])
def test_a_damaged_batch_in_the_folder_is_made_good_from_the_archive(cifar10, server, tmp_path, name, damage):
    datasets.CIFAR10(tmp_path, download=True)
    server.stop()
    spoil(tmp_path / "cifar-10-batches-py" / name, damage)
    arrays = load("cifar10", tmp_path)
    for part, expected in cifar10.items():
        assert np.array_equal(arrays[part], expected)


@pytest.mark.parametrize("name", ["data_batch_2", "test_batch"])
def test_without_network_and_archive_the_batch_that_is_damaged_is_named(cifar10, server, tmp_path, name):
    datasets.CIFAR10(tmp_path, download=True)
    (tmp_path / "small.tar.gz").unlink()
    server.stop()
    spoil(tmp_path / "cifar-10-batches-py" / name, "changed")
    damaged = [line for line in refused("cifar10", tmp_path).splitlines() if "damaged or a different one" in line]
    assert len(damaged) == 1
    assert str(tmp_path / "cifar-10-batches-py" / name) in damaged[0]


def spoil(batch, damage: str) -> None:
    if damage == "removed":
        batch.unlink()
    else:  # as a pickle that reads well and has the labels of other images
        batch.write_bytes(batch.read_bytes().replace(b"labels", b"lables"))


@pytest.mark.parametrize("content", [b"<html></html>", None])
def test_a_cifar10_that_cannot_be_had_is_reported(cifar10, server, tmp_path, content):
    whole = server.files.pop("/official/small.tar.gz")
    if content:
        server.files["/official/small.tar.gz"] = content
    text = refused("cifar10", tmp_path)
    assert f"{tmp_path / 'small.tar.gz'} (MD5 {datasets.CIFAR10.tgz_md5})" in text
    assert f"{server.url}official/: " in text
    server.files["/official/small.tar.gz"] = whole
    assert np.array_equal(load("cifar10", tmp_path)["x_test"], cifar10["x_test"])


# ---- Fashion-MNIST


def test_fashion_mnist_is_downloaded_into_torchvisions_layout(fashion, server, tmp_path):
    arrays = load("fashion-mnist", tmp_path)
    assert np.array_equal(arrays["x_train"], fashion["train-images-idx3-ubyte"][..., None])
    server.stop()
    assert datasets.FashionMNIST(tmp_path, train=False, download=True).targets.tolist() == arrays["y_test"].tolist()


def test_the_names_of_the_clothes_are_torchvisions():
    assert list(create("fashion-mnist", {}).known().class_names) == datasets.FashionMNIST.classes


@pytest.fixture
def package(fashion, tmp_path, monkeypatch):
    """Debian's package: the same arrays, compressed otherwise."""
    folder = tmp_path / "package"
    folder.mkdir()
    md5 = {}
    for name, file in archives.ARCHIVES.items():
        content = gzip.compress(idx(fashion[file.removesuffix(".gz")]), compresslevel=1, mtime=9)
        (folder / file).write_bytes(content)
        md5[name] = hashlib.md5(content).hexdigest()
    monkeypatch.setattr(fashion_mnist, "PACKAGE", folder)
    monkeypatch.setattr(fashion_mnist, "PACKAGED", md5)
    return folder


def test_an_installed_package_is_read_without_network(package, server, tmp_path):
    server.stop()
    arrays = load("fashion-mnist", tmp_path / "downloads")
    assert arrays["y_train"].tolist() == [5, 0, 4, 1, 9, 2, 1]
    assert not (tmp_path / "downloads").exists()


def test_another_file_in_the_package_is_not_believed(package, server, tmp_path):
    (package / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([1, 2, 3]))))
    assert load("fashion-mnist", tmp_path / "downloads")["y_test"].tolist() == [7, 2, 1]
    assert set(server.requests) == set(server.files)


@pytest.mark.skipif(not fashion_mnist.PACKAGE.is_dir(), reason="the package dataset-fashion-mnist is not installed")
def test_the_packages_archives_are_the_official_ones_but_for_names_and_times():
    """With the header that the makers' gzip wrote, they have the official MD5."""
    times = {"train": 1504176606, "t10k": 1504176627}
    for name, md5 in datasets.FashionMNIST.resources:
        packaged = (fashion_mnist.PACKAGE / name).read_bytes()
        header = b"\x1f\x8b\x08\x08" + struct.pack("<I", times[name.partition("-")[0]])
        file_name = name.removesuffix(".gz").encode() + b"\0"
        assert hashlib.md5(header + packaged[8:10] + file_name + packaged[10:]).hexdigest() == md5
    digests = {key: hashlib.md5((fashion_mnist.PACKAGE / file).read_bytes()) for key, file in archives.ARCHIVES.items()}
    assert {key: digest.hexdigest() for key, digest in digests.items()} == fashion_mnist.PACKAGED


# ---- CIFAR-100


@pytest.fixture
def cifar100(server, monkeypatch) -> dict:
    """A small CIFAR-100, likewise. Returns what its two parts hold."""
    random = np.random.default_rng(0)
    parts = {
        part: {
            "data": random.integers(0, 256, (images, 3072), dtype=np.uint8),
            "fine_labels": random.integers(0, 100, images).tolist(),
            "coarse_labels": [3] * images,
        }
        for part, images in (("train", 6), ("test", 4))
    }
    contents = {part: pickle.dumps(content) for part, content in parts.items()}
    archive = tar("cifar-100-python", contents)
    official = datasets.CIFAR100
    for part in parts:
        monkeypatch.setattr(official, f"{part}_list", [[part, hashlib.md5(contents[part]).hexdigest()]])
    monkeypatch.setattr(official, "tgz_md5", hashlib.md5(archive).hexdigest())
    monkeypatch.setattr(official, "url", server.url + "official/cifar-100-python.tar.gz")
    server.files = {"/official/cifar-100-python.tar.gz": archive}
    return parts


def test_cifar100_is_downloaded_and_read_with_its_hundred_classes(cifar100, server, tmp_path):
    arrays = load("cifar100", tmp_path)
    for part, content in cifar100.items():
        assert np.array_equal(arrays[f"x_{part}"].transpose(0, 3, 1, 2).reshape(-1, 3072), content["data"])
        assert arrays[f"y_{part}"].tolist() == content["fine_labels"]
    server.stop()
    assert np.array_equal(load("cifar100", tmp_path)["x_test"], arrays["x_test"])


def test_the_classes_of_cifar100_are_a_hundred_in_the_order_of_the_alphabet():
    """As in the official file, where the label is the place in that order."""
    names = create("cifar100", {}).known().class_names
    assert len(set(names)) == 100
    assert list(names) == sorted(names)


# ---- SVHN


@pytest.fixture
def svhn(server, monkeypatch) -> dict:
    """A small SVHN, likewise. Returns its images and their digits by part."""
    random = np.random.default_rng(0)
    parts, lists = {}, {}
    for part, images in (("train", 5), ("test", 3)):
        digits = random.permutation(10)[:images]
        parts[part] = random.integers(0, 256, (images, 32, 32, 3), dtype=np.uint8), digits
        buffer = io.BytesIO()
        savemat(buffer, {"X": parts[part][0].transpose(1, 2, 3, 0), "y": np.where(digits == 0, 10, digits)[:, None]})
        name, content = f"{part}_32x32.mat", buffer.getvalue()
        lists[part] = [f"{server.url}official/{name}", name, hashlib.md5(content).hexdigest()]
        server.files[f"/official/{name}"] = content
    monkeypatch.setattr(datasets.SVHN, "split_list", lists)
    return parts


def test_svhn_is_downloaded_and_read_as_torchvision_reads_it(svhn, server, tmp_path):
    arrays = load("svhn", tmp_path)
    for part, (images, digits) in svhn.items():
        assert np.array_equal(arrays[f"x_{part}"], images)
        assert arrays[f"y_{part}"].tolist() == digits.tolist()
    server.stop()
    official = datasets.SVHN(tmp_path, split="train", download=True)
    assert np.array_equal(official.data.transpose(0, 2, 3, 1), arrays["x_train"])
    assert official.labels.tolist() == arrays["y_train"].tolist()


def test_svhn_that_cannot_be_had_is_reported_with_both_files(svhn, server, tmp_path):
    (_, name, md5), (_, other, _) = datasets.SVHN.split_list.values()
    (tmp_path / other).write_bytes(server.files.pop(f"/official/{other}"))
    del server.files[f"/official/{name}"]
    text = refused("svhn", tmp_path)
    assert f"{tmp_path / name} (MD5 {md5})" in text
    assert f"{server.url}official/: " in text
