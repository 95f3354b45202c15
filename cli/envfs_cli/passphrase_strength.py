"""The strength of a new passphrase, estimated by zxcvbn: how long an attacker who has the file would guess."""

from envfs_cli import output

_STRONG = 3  # of 4: safely unguessable, with a slow key derivation as age's
_LONGEST = 72  # what is longer is not looked at: it is strong by then


def warn_if_weak(passphrase: str) -> bool:
    """Say what a passphrase is worth, and nothing of itself. Returns True if it is weak."""
    if not passphrase:
        return False  # it is refused for being empty
    from zxcvbn import zxcvbn

    estimate = zxcvbn(passphrase[:_LONGEST])
    if estimate["score"] >= _STRONG:
        return False
    time = estimate["crack_times_display"]["offline_slow_hashing_1e4_per_second"]
    advice = " ".join([*estimate["feedback"]["suggestions"], "Four or more random words are strong."])
    output.note(f"this passphrase is weak: with the file in hand it is guessed in {time}. {advice}")
    return True
