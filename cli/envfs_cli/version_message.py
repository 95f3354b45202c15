"""The message that a person gives a version: why it was written, for `envfs history`."""


def check_message(message: "str | None") -> str:
    """Return the message that a command was given for its version, or an empty one.

    Raises:
        TooLarge, Malformed, BadName: it cannot be kept, which is said before anything is asked for
    """
    if not message:
        return ""
    from envfs.core import notes
    from envfs.dotenv.placeholders.redaction import refuse_credential

    notes.check_message(message)
    refuse_credential(message, "the message")
    return message
