"""No step makes numbers on the device that some devices lack: Apple's GPUs have no float64 and no complex numbers.

Here is no such device: on the CPU, what would lie on it is told from what lies on the host by how it came about. On the
host are copies that ``.cpu()`` makes, tensors made without naming a device, and what is computed of such alone, until
``.to(device)``; all else lies on the device.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from run_specs import CBAM, MHA, NORMALIZATION, SELFATT, files_in, run_spec
from test_dataset import separable, write_prepared
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cnntention.base.device import Machine
from cnntention.base.layout import DataFiles
from cnntention.data import dataset
from cnntention.data.batches import Normalizer
from cnntention.evaluation import gradcam
from cnntention.evaluation.evaluate import evaluate
from cnntention.network.specs import Attention
from cnntention.training import checkpoint
from cnntention.training.train import finish
from cnntention.training.training import Training

CPU = torch.device("cpu")
LACKING = (torch.float64, torch.complex64, torch.complex128)


def tensors(values: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]


class Host:
    """The tensors that lie on the host, known by their memory, which is kept so that no other tensor gets it."""

    def __init__(self) -> None:
        self._kept: dict[int, Tensor] = {}
        self.makes = False
        """Whether what is made of no other tensor lies here."""

    def add(self, values: Any) -> None:
        self._kept |= {tensor.untyped_storage().data_ptr(): tensor for tensor in tensors(values)}

    def has(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self._kept


class Requests(TorchFunctionMode):
    """Sees what the code asks for, above autograd."""

    def __init__(self, host: Host):
        super().__init__()
        self.host = host

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if function is Tensor.cpu:
            copy = args[0].clone()
            self.host.add(copy)
            return copy
        if function in _device_constructors() and kwargs.get("device") is None:
            self.host.makes = True
            try:
                return function(*args, **kwargs)
            finally:
                self.host.makes = False
        result = function(*args, **kwargs)
        names_device = any(isinstance(value, torch.device | str) for value in (*args[1:], *kwargs.values()))
        if function is Tensor.to and names_device and self.host.has(result):
            return moved(result)
        return result


def moved(tensor: Tensor) -> Tensor:
    """A host's tensor on the device: memory that the host does not know."""
    check(tensor, "to")
    return torch.from_numpy(tensor.detach().numpy().copy()).as_strided(tensor.shape, tensor.stride())


class Work(TorchDispatchMode):
    """Sees all that is computed, in backward passes and optimisers too."""

    def __init__(self, host: Host):
        super().__init__()
        self.host = host
        self.operations = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **kwargs or {})
        taken = tensors((args, kwargs))
        if all(self.host.has(tensor) for tensor in taken) if taken else self.host.makes:
            self.host.add(result)
        for tensor in tensors(result):
            if not self.host.has(tensor):
                self.operations += 1
                check(tensor, function)
        return result


def check(tensor: Tensor, function: Any) -> None:
    if tensor.dtype in LACKING:
        raise AssertionError(f"{function} makes {tensor.dtype} on the device")


@pytest.fixture
def device():
    """Within the test, counts the operations on the device, and fails where one makes what Apple's GPUs lack."""
    host = Host()
    with Requests(host), Work(host) as work:
        yield work


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> tuple[Path, Path]:
    return write_prepared(tmp_path_factory.mktemp("separable"), separable())


SGD, ADAM = {"optimizer": "sgd", "momentum": 0.9}, {"optimizer": "adam"}


@pytest.mark.parametrize(
    ("attention", "recipe"), [(None, SGD), (None, ADAM), (SELFATT, ADAM), (MHA, ADAM), (CBAM, ADAM)], ids=str
)
def test_training(paths, device, attention, recipe):
    data = dataset.load(*paths, validation_images=20)
    spec = run_spec(recipe | {"milestones": (1,)}, attention=attention, validation_images=20)
    training = Training(spec, data, CPU)
    finish(training, lambda _: None)
    assert len(training.rows) == 2
    assert device.operations > 1000


@pytest.fixture
def model_path(paths, tmp_path) -> Callable[[Attention | None], Path]:
    """Saves an untrained model that counts as trained on the data."""

    def save(attention: Attention | None) -> Path:
        spec, data = run_spec(attention=attention), dataset.load(*paths)
        model = checkpoint.build(spec, 1, len(data.class_names))
        checkpoint.save(tmp_path / "model.pt", model, spec, data.class_names, data.sha256, {})
        return tmp_path / "model.pt"

    return save


@pytest.mark.parametrize("attention", [None, SELFATT, MHA, CBAM], ids=str)
def test_evaluation(paths, tmp_path, model_path, device, attention):
    model_path(attention)
    evaluate(files_in(tmp_path), DataFiles(*paths), Machine("cpu"))
    assert device.operations > 100


@pytest.mark.parametrize("attention", [None, SELFATT, MHA, CBAM], ids=str)
def test_gradcam(paths, device, attention):
    part = dataset.load(*paths).parts["test"]
    model = checkpoint.build(run_spec(attention=attention), 1, 3).to(CPU).eval()
    images = Normalizer(NORMALIZATION, 1, CPU)(part.images[:4])
    gradcam.maps(model, gradcam.target_layer(model), images)
    assert device.operations > 100


# ---- what these tests rest on


def on_device(*numbers: float) -> Tensor:
    return torch.tensor(numbers, device=CPU)


def backward() -> None:
    class Widened(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            return x * 2

        @staticmethod
        def backward(context, gradient):
            return gradient.double().float()

    Widened.apply(on_device(1.0).requires_grad_()).sum().backward()


@pytest.mark.parametrize(
    "work",
    [
        lambda: on_device(1.0).double(),
        lambda: torch.zeros(2, dtype=torch.float64, device=CPU),
        lambda: torch.zeros(2, dtype=torch.float64).to(CPU),
        lambda: torch.zeros_like(on_device(1.0), dtype=torch.float64),
        lambda: torch.fft.fft(on_device(1.0, 2.0)),
        lambda: on_device(1.0).cpu().to(CPU).double(),
        backward,
    ],
    ids=["cast", "made", "moved", "alike", "complex", "moved back", "backward"],
)
def test_what_the_device_lacks_is_found(device, work):
    with pytest.raises(AssertionError, match="on the device"):
        work()


@pytest.mark.parametrize(
    "work",
    [
        lambda: on_device(1.0).cpu().double().sum(),
        lambda: torch.zeros(3, 2, dtype=torch.float64)[1].add_(on_device(1.0).cpu()),
        lambda: torch.full((2,), 3.0, dtype=torch.float64) @ on_device(1.0, 2.0).cpu().double(),
    ],
    ids=["copied", "view", "made"],
)
def test_the_host_may_use_float64(device, work):
    assert work().dtype == torch.float64
