"""Recipients: one spelling, and which plugin one needs."""

import pytest

from envfs.core.recipients import canonical_recipients, plugin_of


@pytest.mark.parametrize(
    ("recipient", "plugin"),
    [
        ("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", ""),
        ("age1yubikey1qvxsjq4jc0hxfyq", "yubikey"),
        ("age1fido2-hmac1qvxsj", "fido2-hmac"),
        ("age1pq1qvxsj", "pq"),
        ("age1tag1qvxsj", ""),
        ("age1tagpq1qvxsj", ""),
        ("age1x", ""),
        ("age1x1", ""),
        ("age11q", ""),
        ("ssh-ed25519 AAAAC3Nza1c", ""),
        ("", ""),
    ],
)
def test_a_recipient_names_its_plugin(recipient: str, plugin: str) -> None:
    assert plugin_of(recipient) == plugin


def test_each_recipient_counts_once_and_without_its_comment() -> None:
    assert canonical_recipients(("age1x", "ssh-rsa AAAA me@host", "age1x", "ssh-rsa AAAA")) == ("age1x", "ssh-rsa AAAA")
