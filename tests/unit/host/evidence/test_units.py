"""The unit of a cgroup: the one that its manager gave, whatever a user called what it made below that."""

import pytest

from envfs.host.evidence.units import unit_of


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("/", ""),
        ("", ""),
        ("/system.slice/nginx.service", "nginx.service"),
        ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"),
        ("/system.slice/nginx.service/payload", "nginx.service"),
        ("/system.slice/nginx.service/other.service", "nginx.service"),
        ("/init.scope", "init.scope"),
        ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/code.scope", "user@1000.service/code.scope"),
        ("/user.slice/user-1000.slice/user@1000.service/nginx.service", "user@1000.service/nginx.service"),
        ("/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service/init.scope"),
        ("/user.slice/user-1000.slice/user@1000.service", "user@1000.service"),
        ("/system.slice/_cgroup.service", "cgroup.service"),
        ("/docker/0123/nginx.service", ""),
        ("/../../system.slice/nginx.service", ""),
        ("/system.slice", ""),
        ("//system.slice//nginx.service/", "nginx.service"),
    ],
)
def test_the_unit_of_a_cgroup(cgroup: str, unit: str) -> None:
    assert unit_of(cgroup) == unit
