"""Records that the engine had lost: a person says that they know, and the log says who did.

Law: what is accepted was on the log before. Nothing is accepted that the person was not told of.
"""

from envfs.core import events
from envfs.core.access.caller import Caller
from envfs.errors import Conflict
from envfs.service.service import Service
from envfs.service.sharing.lost_records import Loss
from envfs.service.sharing.planning import level_of_stream


def accept_losses(service: Service, caller: Caller) -> list[str]:
    """Stop the warning that the engine went back, in all streams. Returns a sentence about each.

    Raises:
        Conflict: there is no such warning
    """
    losses = service.sharing.facts.lost.all()
    if not losses:
        raise Conflict("the engine lost no records that nobody knows of", "`envfs sync status` says how it is")
    sentences = [f"{stream}: {loss_words(loss)}" for stream, loss in losses.items()]
    for stream, sentence in zip(losses, sentences, strict=True):
        service.log.append_durably(events.losses_accepted(level_of_stream(stream), sentence), caller)
    service.sharing.facts.lost.accept(losses)
    return sentences


def loss_words(loss: Loss) -> str:
    """Say which records an engine lost."""
    return f"it had record {loss.had}, and came back with {loss.left}"
