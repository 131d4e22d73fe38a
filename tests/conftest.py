"""What several test files share."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def config() -> dict:
    """The config of the whole study, fresh for each test."""
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
