"""Whether a network is as often right as its probabilities say, before and after temperature scaling.

- Expected calibration error: of images in bins of equal width by the probability of the predicted class, the share of
  each bin times the distance between its accuracy and its mean confidence (Guo et al. 2017, eq. 3).
- Negative log-likelihood: the mean of ``-ln p_label``.
- Brier score: the mean of ``sum_k (p_k - [k = label])^2`` over classes, from 0 to 2 (Brier 1950).
- Temperature scaling: ``softmax(logits / T)`` with the T of least negative log-likelihood on other images (Guo
  et al. 2017, section 4.2).

No split leaves images that neither train nor judge a network. So those that judge it are cut into two halves, and each
half gets the temperature of the other.
"""

import numpy as np
import torch
from scipy import optimize
from torch import Tensor

from cnntention.base.errors import DataError
from cnntention.instruments.contract import Measurement, Number, Subject

ABOUT = (
    "ECE: expected calibration error, the mean distance between confidence and accuracy of images of like confidence. "
    "If calibrated: the ECE that chance alone would give a network that is as often right as it says, with its 95% "
    "interval; an ECE within it shows nothing. Overconfidence: mean confidence less accuracy. NLL: negative "
    "log-likelihood; Brier: squared error of all probabilities, 0 to 2. Scaled: logits divided by a temperature, which "
    "is fitted on a random half of the images for the other half."
)
NEEDS = ""
OPTIONS = {
    "bins": {
        "type": "integer",
        "minimum": 2,
        "maximum": 100,
        "default": 15,
        "description": "of confidence, of equal width, for the calibration error and the reliability diagram",
    },
}
LEAST_IMAGES = 2

TRAINED, SCALED = "as trained", "scaled"
HALVES_SEED = 0
"""Of the cut into two halves, the same for every network."""
DRAWS = 200
"""Of answers of a calibrated network."""
TEMPERATURES = (0.05, 20.0)
"""The search's ends. A half without an error would have it go on to 0."""


def measure(subject: Subject, bins: int) -> Measurement:
    """A row as trained, and one with the temperature; arrays ``trained`` and ``scaled`` as of :func:`reliability`.

    Raises:
        DataError: there are too few images for two halves.
    """
    if len(subject.part) < LEAST_IMAGES:
        raise DataError(f"{subject.spec.run}: calibration needs two images at least (images)")
    logits, labels = subject.logits(), subject.part.labels.cpu()
    order = np.random.default_rng(HALVES_SEED).permutation(len(labels))
    halves = [torch.from_numpy(np.sort(half)) for half in np.array_split(order, 2)]
    scaled, temperatures = logits.clone(), []
    for half, other in (halves, halves[::-1]):
        temperatures.append(temperature(logits[other], labels[other]))
        scaled[half] /= temperatures[-1]
    numbers, arrays = [], {}
    for name, key, of_these in ((TRAINED, "trained", logits), (SCALED, "scaled", scaled)):
        numbers += _numbers(of_these, labels, bins, {"probabilities": name})
        arrays[key] = reliability(*_confidence(of_these, labels), bins)
    numbers.append(Number("temperature", "", float(np.mean(temperatures)), {"probabilities": SCALED}))
    return Measurement(numbers, arrays)


def temperature(logits: Tensor, labels: Tensor) -> float:
    """The T within :data:`TEMPERATURES` that minimises the negative log-likelihood of ``softmax(logits / T)``.

    It has one minimum, since it is convex in 1/T.

    Args:
        logits: ``[N, classes]``.
        labels: int64 ``[N]``.
    """

    def loss(log_temperature: float) -> float:
        return torch.nn.functional.cross_entropy(logits / np.exp(log_temperature), labels).item()

    found = optimize.minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def reliability(confidence: Tensor, right: Tensor, bins: int) -> np.ndarray:
    """``[3, bins]``: images in each bin of confidence, and the sums of their confidence and of their right answers.

    Args:
        confidence: float64 ``[N]``, the probability of the predicted class.
        right: bool ``[N]``.
        bins: of equal width, from 0 to 1.
    """
    values = confidence.numpy()
    weights = (None, values, right.numpy().astype(float))
    return np.stack([np.histogram(values, bins, (0, 1), weights=of_each)[0].astype(float) for of_each in weights])


def expected_error(confidence: Tensor, right: Tensor, bins: int) -> float:
    """The expected calibration error in percent, of what :func:`reliability` takes."""
    _, confident, correct = reliability(confidence, right, bins)
    return 100 * float(np.abs(confident - correct).sum()) / len(right)


def _numbers(logits: Tensor, labels: Tensor, bins: int, of: dict[str, str | int]) -> list[Number]:
    confidence, right = _confidence(logits, labels)
    drawn = torch.rand(DRAWS, len(labels), generator=torch.Generator().manual_seed(HALVES_SEED)) < confidence
    by_chance = [expected_error(confidence, each, bins) for each in drawn]
    low, high = np.quantile(by_chance, (0.025, 0.975))
    ones = torch.nn.functional.one_hot(labels, logits.shape[1])
    return [
        Number("ECE", "%", expected_error(confidence, right, bins), of),
        Number("ECE if calibrated", "%", float(np.mean(by_chance)), of, float(low), float(high)),
        Number.over_images("overconfidence", "points", 100 * (confidence - right.double()), of),
        Number.over_images("NLL", "", torch.nn.functional.cross_entropy(logits, labels, reduction="none"), of),
        Number.over_images("Brier", "", (logits.softmax(1) - ones).square().sum(1), of),
    ]


def _confidence(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Of each image the probability of the predicted class, and whether it is the label."""
    confidence, predicted = logits.softmax(1).max(1)
    return confidence, predicted == labels
