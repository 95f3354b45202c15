"""Values for canaries: random, and of the shape that a thief looks for under such a name.

Law: a value opens nothing: at least 80 bits of it are random, and no service gave it out.
"""

import os

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE62 = _LETTERS + _LETTERS.lower() + "0123456789"
_BASE32 = _LETTERS + "234567"
_HEX = "0123456789abcdef"
# a part of the name, what comes before the random signs, how many there are and of which, what comes behind them
_SHAPES = (
    ("AWS_ACCESS_KEY", "AKIA", 16, _BASE32, ""),
    ("AWS_SECRET", "", 40, _BASE62, ""),
    ("GITHUB", "ghp_", 36, _BASE62, ""),
    ("GH_", "ghp_", 36, _BASE62, ""),
    ("GITLAB", "glpat-", 20, _BASE62, ""),
    ("NPM", "npm_", 36, _BASE62, ""),
    ("OPENAI", "sk-", 48, _BASE62, ""),
    ("ANTHROPIC", "sk-ant-", 93, _BASE62, ""),
    ("STRIPE", "sk_live_", 32, _BASE62, ""),
    ("SLACK", "xoxb-", 40, _BASE62, ""),
    ("DATABASE_URL", "postgres://app:", 24, _BASE62, "@db.internal:5432/app"),
    ("REDIS_URL", "redis://:", 24, _BASE62, "@redis.internal:6379/0"),
    ("PASSWORD", "", 24, _BASE62, ""),
    ("", "", 40, _HEX, ""),
)


def canary_value(name: str) -> str:
    """Return a value for a variable of this name."""
    _, before, count, signs, after = next(shape for shape in _SHAPES if shape[0] in name.upper())
    return f"{before}{_random(count, signs)}{after}"


def _random(count: int, signs: str) -> str:
    # bytes over the last multiple of the number of signs would make the first ones likelier
    fair, chosen = 256 - 256 % len(signs), ""
    while len(chosen) < count:
        chosen += "".join(signs[byte % len(signs)] for byte in os.urandom(2 * count) if byte < fair)
    return chosen[:count]
