"""The environment of a session of the proxy without a command."""

import os

import pytest

from envfs.errors import BadRequest
from envfs.protocol.control import ProxyRow
from envfs_cli.daemon.standing_proxies import standing_environment


def test_only_an_environment_of_ones_own_is_taken_over() -> None:
    memory = os.memfd_create("envfs-proxy-environment")
    try:
        os.write(memory, b"HTTPS_PROXY=http://127.0.0.1:1\0")
        row = ProxyRow("p1", "/shop", os.getuid(), "", os.getpid(), 1, ("shop",), 0, 0)
        assert standing_environment([row], "p1") == [("HTTPS_PROXY", "http://127.0.0.1:1")]
        with pytest.raises(BadRequest, match="no session of yours"):  # root can read it, and must not run what is in it
            standing_environment([row._replace(uid=os.getuid() + 1)], "p1")
    finally:
        os.close(memory)
