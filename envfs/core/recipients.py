"""Recipients of age, as texts: one spelling for each, and which plugin one needs."""

_WITHOUT_PLUGIN = ("tag", "tagpq")  # of hardware keys. To seal to them takes no plugin


def canonical_recipients(recipients: tuple[str, ...]) -> tuple[str, ...]:
    """Return each recipient once, in one spelling: the comment behind an SSH key is left out."""
    return tuple(dict.fromkeys(" ".join(text.split()[:2]) for text in recipients))


def plugin_of(recipient: str) -> str:
    """Return the name of the plugin that a recipient needs (`age1NAME1…`), or the empty string."""
    name, _, data = recipient.removeprefix("age1").rpartition("1")
    return name if recipient.startswith("age1") and data and name and name not in _WITHOUT_PLUGIN else ""
