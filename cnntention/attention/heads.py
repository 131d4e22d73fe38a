"""Feature maps as sequences of positions, and back."""

from torch import Tensor


def split_heads(x: Tensor, heads: int) -> Tensor:
    """``[B, C, H, W] -> [B, heads, H*W, C//heads]``: each position is a token, neighbouring channels form a head.

    Contiguous, because scaled_dot_product_attention on the CPU takes its slow path, which stores all H*W x H*W
    weights, for a strided last dimension.
    """
    batch, channels = x.shape[:2]
    return x.reshape(batch, heads, channels // heads, -1).transpose(2, 3).contiguous()


def merge_heads(x: Tensor, height: int, width: int) -> Tensor:
    """``[B, heads, H*W, C//heads] -> [B, C, H, W]``: the inverse of :func:`split_heads`."""
    batch, heads, _, depth = x.shape
    return x.transpose(2, 3).reshape(batch, heads * depth, height, width)
