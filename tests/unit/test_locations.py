"""Where everything lives: a table for root, one for a user, one for ENVFS_HOME."""

import pytest

from envfs.locations import Locations, find_locations, system_locations

HOME = "/home/ada"
USER = Locations(
    home=f"{HOME}/.local/share/envfs",
    vault=f"{HOME}/.local/share/envfs/vault",
    settings=f"{HOME}/.config/envfs/envfs.toml",
    identity=f"{HOME}/.config/envfs/identity.age",
    state=f"{HOME}/.local/state/envfs",
    runtime=f"{HOME}/.local/state/envfs",
    mount="/tmp/envfs-1000/mnt",
    link=f"{HOME}/envfs",
)
SYSTEM = Locations(
    home="/var/lib/envfs",
    vault="/var/lib/envfs/vault",
    settings="/etc/envfs/envfs.toml",
    identity="/etc/envfs/identity.age",
    state="/var/lib/envfs/state",
    runtime="/run/envfs",
    mount="/mnt/envfs",
)


def under(home: str) -> Locations:
    return Locations(
        home,
        f"{home}/vault",
        f"{home}/envfs.toml",
        f"{home}/identity.age",
        f"{home}/state",
        f"{home}/run",
        f"{home}/mnt",
    )


@pytest.mark.parametrize(
    ("environ", "uid", "found"),
    [
        ({}, 0, SYSTEM),
        ({"XDG_DATA_HOME": "/d", "XDG_RUNTIME_DIR": "/r"}, 0, SYSTEM),
        ({}, 1000, USER),
        ({"ENVFS_HOME": ""}, 1000, USER),
        ({"XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "", "XDG_RUNTIME_DIR": ""}, 1000, USER),
        (
            {"XDG_RUNTIME_DIR": "/run/user/1000"},
            1000,
            USER._replace(runtime="/run/user/1000/envfs", mount="/run/user/1000/envfs/mnt"),
        ),
        (
            {"XDG_CONFIG_HOME": "/c"},
            1000,
            USER._replace(settings="/c/envfs/envfs.toml", identity="/c/envfs/identity.age"),
        ),
        ({"XDG_DATA_HOME": "/d"}, 1000, USER._replace(home="/d/envfs", vault="/d/envfs/vault")),
        ({"XDG_STATE_HOME": "/s"}, 1000, USER._replace(state="/s/envfs", runtime="/s/envfs")),
        ({"ENVFS_HOME": "/x"}, 0, under("/x")),
        ({"ENVFS_HOME": "/x/"}, 1000, under("/x")),
        ({"ENVFS_HOME": "/x", "XDG_DATA_HOME": "/d"}, 1000, under("/x")),
        ({"ENVFS_HOME": "x", "PWD": "/w"}, 1000, under("/w/x")),
        ({"ENVFS_HOME": "x/", "PWD": "/w"}, 1000, under("/w/x")),
    ],
)
def test_each_environment_has_its_table(environ: dict[str, str], uid: int, found: Locations) -> None:
    assert find_locations(environ, uid, HOME) == found


def test_the_system_has_one_table() -> None:
    assert system_locations() == SYSTEM


@pytest.mark.parametrize("places", [USER, SYSTEM, under("/x")], ids=["user", "system", "home"])
def test_sockets_locks_and_logs_lie_in_folders_of_the_daemons_own(places: Locations) -> None:
    assert places.socket == f"{places.runtime}/control.sock"
    kept = (places.lock, places.log, places.seen, places.daemon_log)
    assert kept == tuple(
        f"{places.state}/{name}" for name in ("daemon.lock", "access.jsonl", "seen.jsonl", "daemon.log")
    )


@pytest.mark.parametrize("runtime", ["", "/run/user/1000"])
def test_a_users_mount_is_outside_of_the_home_folder(runtime: str) -> None:
    assert not find_locations({"XDG_RUNTIME_DIR": runtime}, 1000, HOME).mount.startswith(HOME)


def test_nothing_of_the_machine_lies_in_the_vault() -> None:
    for places in (USER, SYSTEM, under("/x")):
        beside = (places.settings, places.identity, places.socket, places.lock, places.log, places.seen, places.mount)
        assert not any(path.startswith(places.vault + "/") for path in beside)
