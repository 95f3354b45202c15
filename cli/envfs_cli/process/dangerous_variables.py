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
    raise BadName(
        f"{level} sets {named(dangerous)}, by which the command could be made to run other code",
        "choose variables with --only, or let it pass with --allow-dangerous",
    )


def named(dangerous: "Sequence[str]") -> str:
    """Return them in words: some by name."""
    more = len(dangerous) - _NAMED
    return ", ".join(dangerous[:_NAMED]) + (f" and {more} more" if more > 0 else "")
