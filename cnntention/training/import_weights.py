"""The step ``import``: one network that was trained elsewhere, from its file to a ``model.pt`` like our own."""

from collections.abc import Callable
from pathlib import Path

from cnntention.base.errors import CheckpointError
from cnntention.base.files import sha256
from cnntention.base.layout import RunFiles
from cnntention.data.card import Card
from cnntention.network import complexity, weights
from cnntention.training import checkpoint
from cnntention.training.specs import ImportSpec

NOT_TRAINED = {"seconds": None, "epochs": None, "device": None, "precision": None}
"""What is said of a training that was not ours."""


def import_weights(spec: ImportSpec, files: RunFiles, card_path: Path, log: Callable[[str], None] = print) -> None:
    """Import one network from file to file.

    Args:
        spec: of the run.
        files: of the run; its ``model`` is written, and says where the weights come from: ``imported`` in ``training``
            has ``path``, ``sha256``, and what the spec says of their origin.
        card_path: of its dataset; the card says what goes in and what comes out.
        log: is called with each line of text.

    Raises:
        CheckpointError: the file is missing, damaged, another one than the spec's, or does not fit the model.
        DataError: the dataset's card is missing or damaged.
    """
    given = spec.weights
    card = Card.read(card_path)
    try:
        digest = sha256(given.path)
    except OSError as error:
        where = f"; it is to be had from {given.source}" if given.source else ""
        raise CheckpointError(f"{given.path}: {error.strerror}{where}") from None
    if given.sha256 not in (None, digest):
        raise CheckpointError(
            f"{given.path}: its SHA-256 is {digest}, not {given.sha256} as in models.{spec.model}.weights."
            f"{spec.dataset}.sha256; get the file again, or correct the config"
        )
    state = weights.rename(weights.read(given.path), given.rename, given.path)
    model = checkpoint.build(spec, card.image_shape[2], len(card.class_names))
    weights.fit(model, state, given.path, log)
    imported = {"path": given.path, "sha256": digest, "trained": given.trained, "source": given.source}
    training = NOT_TRAINED | {"imported": imported}
    checkpoint.save(files.model, model, spec, list(card.class_names), card.sha256, training, card.image_shape[:2])
    log(f"run        {spec.run}")
    log(f"model      {complexity.parameters(model):,} parameters")
    log(f"imported from {given.path}, SHA-256 {digest}; trained {given.trained}; {files.model}")
