"""What needs a real GPU's libraries (cuDNN, cuBLAS) on the pretended one: empty results of the right shape, counted.

Imported before use by a program that runs under cuda.cpp; see ``conftest.pretended_gpu``.
"""

import ctypes
import os

import torch
from torch import Tensor

_LIBRARY = ctypes.CDLL(os.environ["PRETENDED_GPU"])
_COUNTERS = ("kernels", "graphs", "copies", "memsets", "syncs")
for _name in _COUNTERS:
    getattr(_LIBRARY, f"pretended_{_name}").restype = ctypes.c_long

_own = {"kernels": 0}
_aten = torch.library.Library("aten", "IMPL")


def counts() -> dict[str, int]:
    """So far: kernels (launched outside of graphs), graph launches, copies, memsets and synchronisations."""
    return {name: getattr(_LIBRARY, f"pretended_{name}")() + _own.get(name, 0) for name in _COUNTERS}


def _kernels(number: int = 1) -> None:
    if not torch.cuda.is_current_stream_capturing():
        _own["kernels"] += number


def _layout(*tensors: Tensor) -> torch.memory_format:
    """cuDNN works in channels-last where an operand has that layout, and copies the others into it."""
    last = any(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in tensors)
    layout = torch.channels_last if last else torch.contiguous_format
    for tensor in tensors:
        tensor.contiguous(memory_format=layout)
    return layout


def _convolution(x, w, padding, stride, dilation, groups, benchmark, deterministic, allow_tf32):
    _kernels()
    size = [(x.shape[i + 2] + 2 * padding[i] - dilation[i] * (w.shape[i + 2] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    shape = (x.shape[0], w.shape[0], *size)
    return torch.empty(shape, device=x.device, dtype=x.dtype, memory_format=_layout(x, w))


def _convolution_backward(g, x, w, bias_sizes, stride, padding, dilation, transposed, output_padding, groups, mask):
    _kernels(mask[0] + mask[1])
    layout = _layout(x, w)
    g.contiguous(memory_format=layout)
    return (
        torch.empty_like(x, memory_format=layout) if mask[0] else None,
        torch.empty_like(w, memory_format=layout) if mask[1] else None,
        g.sum((0, 2, 3)) if mask[2] else None,
    )


def _batch_norm(x, weight, bias, mean, var, training, momentum, eps):
    _kernels()
    statistics = (torch.empty(x.shape[1], device=x.device) for _ in range(2))
    return torch.empty_like(x), *statistics, torch.empty(0, device=x.device, dtype=torch.uint8)


def _batch_norm_backward(x, g, weight, mean, var, saved_mean, saved_var, eps, reserve):
    _kernels()
    return torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)


def _mm(a, b):
    _kernels()
    return a.new_empty(a.shape[0], b.shape[1])


def _addmm(c, a, b, *, beta=1, alpha=1):
    return _mm(a, b)


def _bmm(a, b):
    _kernels()
    return a.new_empty(*a.shape[:2], b.shape[2])


def _out(*arguments, out, **options):
    _kernels()
    return out


def _dot(a, b):
    _kernels()
    return a.new_empty(())


def _cudnn_attention(q, k, v, bias, lse, dropout=0.0, causal=False, debug=False, *, scale=None):
    _kernels()
    none = torch.empty((), device=q.device, dtype=torch.int64)
    sums = q.new_empty(*q.shape[:3], 1, dtype=torch.float32)
    return torch.empty_like(q), sums, None, None, q.shape[2], k.shape[2], none, none, None


def _efficient_attention(q, k, v, bias, lse, dropout=0.0, causal=False, *, scale=None):
    _kernels()
    none = torch.empty((), dtype=torch.int64)
    return torch.empty_like(q), q.new_empty(*q.shape[:3], dtype=torch.float32), none, none


def _attention_backward(g, q, k, v, *arguments, **options):
    _kernels()
    return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)


def _efficient_attention_backward(g, q, k, v, *arguments, **options):
    return *_attention_backward(g, q, k, v), None


for _operator, _function in {
    "cudnn_convolution": _convolution,
    "convolution_backward": _convolution_backward,
    "cudnn_batch_norm": _batch_norm,
    "cudnn_batch_norm_backward": _batch_norm_backward,
    "mm": _mm,
    "addmm": _addmm,
    "bmm": _bmm,
    "mm.out": _out,
    "addmm.out": _out,
    "bmm.out": _out,
    "dot": _dot,
    "_scaled_dot_product_cudnn_attention": _cudnn_attention,
    "_scaled_dot_product_cudnn_attention_backward": _attention_backward,
    "_scaled_dot_product_efficient_attention": _efficient_attention,
    "_scaled_dot_product_efficient_attention_backward": _efficient_attention_backward,
}.items():
    _aten.impl(_operator, _function, "CUDA")
