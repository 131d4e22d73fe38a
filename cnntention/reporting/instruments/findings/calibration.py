"""How far confidence is from accuracy, before and after temperature scaling."""

import pandas as pd

from cnntention.reporting.instruments.findings import by, networks, sign, with_interval
from cnntention.reporting.instruments.spec import StanzaSpec

TRAINED, SCALED = "as trained", "scaled"
SAID = {-1: "underconfident", 0: "not shown to be over- or underconfident", 1: "overconfident"}


def find(spec: StanzaSpec, numbers: pd.DataFrame) -> list[str]:
    """A sentence a network."""
    return [_of(name, own) for name, own in networks(spec, numbers)]


def _of(name: str, own: pd.DataFrame) -> str:
    trained, scaled = (by("name", own[own["probabilities"] == probabilities]) for probabilities in (TRAINED, SCALED))
    over = trained["overconfidence"]
    return (
        f"{name} is {SAID[sign(over)]}: {with_interval(over, '+.2f')} points; calibration error "
        f"{_error(trained)} as trained and {_error(scaled)} at a temperature of {scaled['temperature']['value']:.2f}, "
        "in brackets what chance alone leaves."
    )


def _error(own: dict[str, dict]) -> str:
    return f"{own['ECE']['value']:.2f}% ({own['ECE if calibrated']['value']:.2f}%)"
