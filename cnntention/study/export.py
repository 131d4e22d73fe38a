"""What an export of a study looks for; see :mod:`cnntention.workflow.mlflow_export`."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ExportSpec:
    """The results of a study.

    Attributes:
        results: the folder.
        runs: the digest of the spec by which each run has to be made, by the run's name.
        products: files of all tables, figures and grids.
    """

    results: str
    runs: dict[str, str]
    products: tuple[str, ...]
