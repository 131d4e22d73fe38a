"""How sharp attention weights are, and how far they reach.

For each position i of a feature map with N positions, attention gives every position j a weight p_ij, with sum 1 over
j. Entropy is Shannon's, ``-sum_j p_ij ln p_ij``, at most ln N, that of equal weights. Distance is the mean attention
distance of Dosovitskiy et al. 2020 (appendix D.7): ``sum_j p_ij d_ij`` with the Euclidean distance of the positions, in
pixels of the input. All are means over positions i, then over images.
"""

import torch
from torch import Tensor, nn

from cnntention.instruments.contract import Measurement, Number, Subject

ABOUT = (
    "Entropy of attention weights, in percent of that of equal weights (100%: every position counts alike; 0%: one "
    "position alone); mean distance between a position and those that it attends to, in pixels of the input; share of "
    "the weight on the position itself, and on it and its eight neighbours. Equal weights: the same of a network that "
    "gives every position the same weight. Means over all positions and images."
)
NEEDS = "weights"
OPTIONS: dict[str, dict] = {}

WEIGHTS_AT_ONCE = 2**25
"""Numbers in a batch of weights: 128 MB."""
ALL_HEADS = "all"


def measure(subject: Subject) -> Measurement:
    """A row for each stage and head, the mean over its blocks, and one for all heads where a stage has several.

    Where blocks of a stage differ in how many heads they have, only the latter.
    """
    height, width, _ = subject.data.image_shape
    seen: dict[int, dict[nn.Module, list[Tensor]]] = {}
    equal: dict[int, Tensor] = {}

    def see(stage: int, block: nn.Module, x: Tensor) -> None:
        rulers = Rulers(x.shape[2], x.shape[3], height / x.shape[2], width / x.shape[3], x.device)
        equal[stage] = rulers.of_equal_weights()
        one = block.weights(x[:1])  # type: ignore[operator]
        for images in x.split(max(1, WEIGHTS_AT_ONCE // one.numel())):
            found = rulers(block.weights(images)).cpu()  # type: ignore[operator]
            seen.setdefault(stage, {}).setdefault(block, []).append(found)

    subject.look(subject.blocks("weights"), see, size=64)
    numbers = []
    for stage, blocks in seen.items():
        values = [torch.cat(batches) for batches in blocks.values()]
        heads = {ALL_HEADS: torch.stack([of_block.mean(1) for of_block in values]).mean(0)}
        if len({of_block.shape[1] for of_block in values}) == 1:
            by_head = torch.stack(values).mean(0)
            heads = (heads if by_head.shape[1] > 1 else {}) | {
                str(head + 1): by_head[:, head] for head in range(by_head.shape[1])
            }
        for head, of_head in heads.items():
            numbers += _numbers(of_head, equal[stage], {"stage": stage, "head": head})
    return Measurement(numbers)


def _numbers(values: Tensor, equal: Tensor, of: dict[str, str | int]) -> list[Number]:
    """Of one head: values ``[N, 4]`` of its images, and ``[4]`` of equal weights."""
    entropy, distance, own, near = values.T
    uniform, reach, own_share, near_share = equal.tolist()
    return [
        Number.over_images("entropy", "%", 100 * entropy / uniform if uniform else entropy, of),
        Number.over_images("distance", "px", distance, of),
        Number("distance, equal weights", "px", reach, of),
        Number.over_images("own position", "%", 100 * own, of),
        Number("own position, equal weights", "%", 100 * own_share, of),
        Number.over_images("3x3 around it", "%", 100 * near, of),
        Number("3x3 around it, equal weights", "%", 100 * near_share, of),
    ]


class Rulers:
    """What is measured of weights, on feature maps of one size.

    Args:
        height: of the feature map, in positions.
        width: likewise.
        down: pixels of the input from one position to the next below it.
        right: likewise, to the next at its right.
        device: of the weights.
    """

    def __init__(self, height: int, width: int, down: float, right: float, device: torch.device | str = "cpu"):
        position = torch.arange(height * width)
        rows, columns = position // width, position % width
        apart = (rows[:, None] - rows).abs(), (columns[:, None] - columns).abs()
        distance = torch.hypot(apart[0] * down, apart[1] * right)
        own, near = torch.eye(height * width), torch.maximum(*apart) <= 1
        # mean over positions of sum_j p_ij r_ij, for each of three rulers r
        self.rulers = torch.stack([distance, own, near], dim=-1).flatten(0, 1).float().to(device) / (height * width)

    def __call__(self, weights: Tensor) -> Tensor:
        """``[B, heads, N, N] -> [B, heads, 4]``: entropy in nats, distance in pixels, share of the own position and of
        the 3x3 around it."""
        entropy = torch.special.entr(weights).sum(3).mean(2)
        return torch.cat([entropy[..., None], weights.flatten(2) @ self.rulers], dim=2)

    def of_equal_weights(self) -> Tensor:
        """The same four of weights that are 1/N everywhere."""
        positions = round(len(self.rulers) ** 0.5)
        return self(self.rulers.new_full((1, 1, positions, positions), 1 / positions))[0, 0].cpu()
