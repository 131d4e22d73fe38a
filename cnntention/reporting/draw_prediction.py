"""What a model takes a picture for, and where it looked: the picture beside itself under its Grad-CAM map."""

import os

from cnntention.data import pictures
from cnntention.evaluation.prediction import Prediction
from cnntention.reporting.draw_grid import show
from cnntention.reporting.style import Figure, save, styled

LONGER_SIDE = 400
"""Pixels of a picture that is shown, at most."""


def draw_prediction(prediction: Prediction, path: str | os.PathLike, dpi: int = 120) -> None:
    """Write it atomically to a PNG.

    Args:
        prediction: of the picture.
        path: of the PNG.
        dpi: dots per inch.

    Raises:
        DataError: the picture is gone or damaged.
    """
    picture = pictures.read(prediction.path, 1 if pictures.header(prediction.path).grey else 3)
    height, width = picture.shape[:2]
    scale = LONGER_SIDE / max(height, width)
    if scale < 1:
        height, width = max(1, round(scale * height)), max(1, round(scale * width))
        picture = pictures.resize(picture, (height, width))
    with styled(axes_grid=False):
        figure = Figure(figsize=(6, 3.4), layout="constrained")
        figure.suptitle(f"{prediction.class_name}  {prediction.confidence:.1%}", fontweight="bold")
        plain, looked_at = figure.subplots(1, 2)
        show(plain, picture)
        show(looked_at, picture, gray=True)
        looked_at.imshow(
            prediction.heat,
            cmap="inferno",
            vmin=0,
            vmax=1,
            alpha=0.6,
            interpolation="bilinear",
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )
        for ax, title in ((plain, os.path.basename(prediction.path)), (looked_at, "relevance to this class")):
            ax.set_title(title)
            ax.set_axis_off()
    save(figure, path, dpi)
