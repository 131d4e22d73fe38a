"""Light attention blocks of timm by its own names, with its defaults: an extra, ``pip install '.[timm]'``."""

from typing import ClassVar

from torch import Tensor, nn

from cnntention.attention.registry import register
from cnntention.base.errors import ConfigError


class FromTimm(nn.Module):
    """A block as ``timm.layers.create_attn`` makes it.

    Shape: ``[B, C, H, W] -> [B, C, H, W]``.
    """

    name: ClassVar[str]
    keeps_initial_values = True

    def __init__(self, channels: int):
        super().__init__()
        try:
            from timm.layers import create_attn  # takes seconds to import, and is an extra
        except ImportError:
            raise ConfigError(f"timm/{self.name} needs timm: pip install '.[timm]'") from None
        self.block = create_attn(self.name, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


@register("timm/se")
class TimmSE(FromTimm):
    """Squeeze-and-excitation (Hu et al. 2018), with at least 8 hidden units."""

    name = "se"


@register("timm/ese")
class TimmEffectiveSE(FromTimm):
    """Squeeze-and-excitation with one layer and a hard sigmoid (Lee and Park 2020)."""

    name = "ese"


@register("timm/eca")
class TimmECA(FromTimm):
    """Efficient channel attention (Wang et al. 2020)."""

    name = "eca"


@register("timm/gc")
class TimmGlobalContext(FromTimm):
    """Global context: a factor for each channel from a weighted mean over positions (Cao et al. 2019)."""

    name = "gc"


@register("timm/cbam")
class TimmCBAM(FromTimm):
    """CBAM (Woo et al. 2018) with batch norm in its spatial attention, for r = 16."""

    name = "cbam"


@register("timm/lcbam")
class TimmLightCBAM(FromTimm):
    """CBAM whose pooled maps are the mean of average and maximum, rather than both."""

    name = "lcbam"
