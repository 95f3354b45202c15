"""Variables of a level by which a command would run other code than it was started for: not without being asked for."""

from envfs.errors import BadName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED = 3


def refuse_dangerous(level: str, dangerous: "Sequence[str]") -> None:
    """Refuse a view that sets one of them.

    Args:
        level: the level of the view
        dangerous: the names that the daemon gave for it, without those that the caller lets pass

    Raises:
        BadName: there is one
    """
    if not dangerous:
        return
    several = ", ".join(dangerous[:_NAMED]) + (f" and {len(dangerous) - _NAMED} more" if dangerous[_NAMED:] else "")
    raise BadName(
        f"{level} sets {several}, by which the command could be made to run other code",
        "choose variables with --only, or let it pass with --allow-dangerous",
    )
