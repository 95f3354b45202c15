"""The end of a `match` over a closed set: the checker proves that nothing gets there, and a bug that does is loud."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Never


class Unhandled(TypeError):
    """A value that no case is for: `case _: raise Unhandled(value)`.

    It does what `typing.assert_never` does, without `typing`, whose import costs more than all else of a command.
    """

    def __init__(self, value: "Never") -> None:
        """Name the type alone: a value is in no message."""
        super().__init__(f"no case for this {type(value).__name__}")
