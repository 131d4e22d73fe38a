"""How far a training has come, in a small file beside its state, for whoever watches from outside.

Written at the start of every epoch, and once more when the training stops before its end; removed with the state.
"""

import contextlib
import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

from cnntention.base import specs
from cnntention.base.errors import InterruptionError
from cnntention.base.files import write_text
from cnntention.training.specs import RunSpec


@dataclasses.dataclass(frozen=True)
class Beat:
    """What the file says.

    Attributes:
        spec: digest of the run's spec.
        device: in words.
        epoch: how many epochs are done.
        seconds_per_epoch: what one takes; None before the first.
        train_error: of the last of them, in percent; None before the first.
        error: likewise, on validation or test images.
        ended: None while it goes on, ``interrupted`` after a signal to stop, ``failed`` after any other error.
        message: of that error.
    """

    spec: str
    device: str
    epoch: int = 0
    seconds_per_epoch: float | None = None
    train_error: float | None = None
    error: float | None = None
    ended: str | None = None
    message: str = ""


class Heartbeat:
    """The file of one training. Within ``with``, an error that stops the training is noted, and the end removes it.

    If the file cannot be written, the training goes on without it.

    Args:
        path: of the file.
        spec: of the run.
        device: in words.
    """

    def __init__(self, path: str | os.PathLike, spec: RunSpec, device: str):
        self.path = Path(path)
        self._beat = Beat(specs.digest(spec), device)

    def beat(self, rows: list[dict], seconds_per_epoch: float | None) -> None:
        """Note the epochs that are done, as rows of the history, and what one more will take."""
        values = {}
        if rows:
            last = rows[-1]
            values = {
                "epoch": len(rows),
                "seconds_per_epoch": seconds_per_epoch,
                "train_error": last["train_error"],
                "error": last.get("validation_error", last.get("test_error")),
            }
        self._write(**values)

    def __enter__(self) -> "Heartbeat":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            self.path.unlink(missing_ok=True)
        else:
            ended = "interrupted" if isinstance(error, InterruptionError | KeyboardInterrupt) else "failed"
            self._write(ended=ended, message=str(error) or type(error).__name__)

    def _write(self, **values: Any) -> None:
        self._beat = dataclasses.replace(self._beat, **values)
        with contextlib.suppress(OSError):
            write_text(self.path, json.dumps(dataclasses.asdict(self._beat)) + "\n")


def read(path: str | os.PathLike) -> Beat | None:
    """What such a file says; None where there is none, or a damaged one."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        beat = Beat(**content)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = (beat.spec, beat.device, beat.ended or "", beat.message)
    numbers = (beat.seconds_per_epoch, beat.train_error, beat.error)
    sound = (
        type(beat.epoch) is int
        and all(isinstance(text, str) for text in texts)
        and all(number is None or (type(number) in (int, float) and math.isfinite(number)) for number in numbers)
    )
    return beat if sound else None
