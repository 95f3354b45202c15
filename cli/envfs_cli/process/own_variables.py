"""The variables by which this command acts, such as a token. No program that it starts is to have them."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_VARIABLES = tuple(f"ENVFS_{name}{end}" for name in ("TOKEN", "JOIN", "IDENTITY") for end in ("", "_FILE"))


def without_own(environ: "Mapping[str, str]") -> dict[str, str]:
    """Return an environment without them."""
    return {name: value for name, value in environ.items() if name not in OWN_VARIABLES}
