"""How much a model uses its attention.

A published MHA model ended with gates of 7.6e-5, -5e-11 and -2e-12: its attention was off, which its accuracy alone
does not show.
"""

from cnntention.evaluation.metrics.subject import Subject
from cnntention.network import predict
from cnntention.network.attention_use import bypassed, gates


def use(subject: Subject) -> dict:
    """The gates, the accuracy in percent with attention bypassed, and the shares that attention adds, by stage.

    All of it under the key ``attention``, which holds None for a model without attention. See
    :mod:`cnntention.network.attention_use`.
    """
    connections = subject.model.connections()
    if not any(connections):
        return {"attention": None}
    with bypassed(subject.model, range(len(connections))):
        scores = predict.logits(subject.model, subject.part, subject.normalize)
    _, error = predict.loss_and_error(scores.cpu(), subject.labels)
    return {"attention": {"gates": gates(subject.model), "accuracy_bypassed": 100 - error, "shares": subject.shares}}
