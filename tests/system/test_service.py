"""A service of the system: its units are sound and tight, and the daemon works under their restrictions.

That systemd itself runs the unit is for `make fresh`, which boots one.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from envfs.host import mounts
from envfs_cli.services import units
from envfs_cli.services.users import ServiceUser
from tests.system.home import ENVFS, SECONDS, Home, as_user

STEPS = Path(__file__).with_name("service_steps.sh")
SERVICE_UID = 12076
ANALYZE = shutil.which("systemd-analyze")
ANNA = ServiceUser("games", 5, "/home/Anna's own")


def _units() -> dict[str, str]:
    unit = units.UnitChoices("/usr/bin/envfs")
    return {
        "system": units.system_unit(unit),
        "credential": units.system_unit(unit._replace(credential=True)),
        "alone": units.system_unit(unit._replace(network=False)),
        "of a user": units.unit_of_user(unit, ANNA),
        "of a user alone": units.unit_of_user(unit._replace(network=False), ANNA),
        "user": units.user_unit(unit),
        "user alone": units.user_unit(unit._replace(network=False)),
    }


@pytest.mark.parametrize("name", ["system", "credential", "alone", "of a user", "of a user alone"])
def test_the_system_units_are_exposed_by_two_at_most(name: str, tmp_path: Path) -> None:
    if ANALYZE is None:
        pytest.skip("systemd-analyze is not here")
    path = tmp_path / units.NAME
    path.write_text(_units()[name])
    command = [ANALYZE, "security", "--offline=true", "--threshold=20", "--no-pager", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


@pytest.mark.parametrize("name", list(_units()))
def test_systemd_understands_each_line(name: str, tmp_path: Path) -> None:
    if ANALYZE is None:
        pytest.skip("systemd-analyze is not here")
    path = tmp_path / units.NAME
    path.write_text(_units()[name].replace("/usr/bin/envfs", "/usr/bin/env"))  # a program that is there
    command = [ANALYZE, "verify", "--man=no", "--recursive-errors=no", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert units.NAME not in done.stderr, done.stderr


def test_a_path_with_signs_of_systemd_is_quoted() -> None:
    text = units.user_unit(units.UnitChoices('/opt/100%/the "new" one/envfs'))
    assert 'ExecStart="/opt/100%%/the \\"new\\" one/envfs" service run\n' in text


def test_a_users_folders_are_quoted_and_its_unit_bears_its_number() -> None:
    text = units.unit_of_user(units.UnitChoices("/usr/bin/envfs"), ANNA._replace(home="/home/100% anna"))
    assert 'ReadWritePaths="/home/100%% anna/.local/share/envfs" "/home/100%% anna/.config/envfs"' in text
    assert "Requires=user-runtime-dir@5.service\n" in text
    assert units.name_of(ANNA) == "envfs@5.service"


def test_a_drop_in_shows_one_level_alone() -> None:
    lines = units.drop_in("shop.service", "/shop/100%", "/mnt/envfs").splitlines()
    assert {"Requires=envfs.service", "After=envfs.service", "TemporaryFileSystem=/mnt/envfs:ro"} <= set(lines)
    assert "BindReadOnlyPaths=/mnt/envfs/shop/100%%" in lines


@pytest.mark.parametrize(
    "name", ["../x.service", "x", "x.timer", ".service", "a b.service", "x/y.service", "-\n.service"]
)
def test_a_drop_in_is_for_a_service_alone(name: str) -> None:
    assert not units.is_unit_name(name)


def test_names_of_services_are_taken() -> None:
    assert units.is_unit_name("shop@1.service")
    assert units.is_unit_name("a-b_c.d.service")


@pytest.mark.system
def test_the_service_works_under_a_user_of_its_own_without_the_right_to_mount(tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("a passphrase for this test")
    secret.chmod(0o644)
    inside = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", str(STEPS)]
    done = subprocess.run(
        [*inside, ENVFS, str(SERVICE_UID), str(secret)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
    )
    said = [line for line in done.stdout.splitlines() if ": " in line or line in ("end", "a mount is left")]
    assert done.returncode == 0, done
    assert said[-10:] == [
        "locked:  Required key not available",
        "root: A=1",
        "another user: A=1",
        "another program:  Permission denied",
        "by the socket: 1",
        "again: envfs: error: another envfs serves /mnt/env",
        "a stranger's: envfs: error: --user is for root",
        "ambient: 0000000000000000",
        "after a crash: A=1",
        "end",
    ], done.stdout


@pytest.mark.system
def test_a_users_daemon_that_cannot_gain_privileges_has_the_mount_from_a_process_beside_it(user_home: Home) -> None:
    home = user_home
    home.envfs("set", "/own", "A", given="1")
    beside = [*as_user(home.uid), ENVFS, "service"]
    words = [*as_user(home.uid)[:-1], "--no-new-privs", "--", ENVFS, "service", "run"]
    with subprocess.Popen(words, env=home.environ(), cwd="/") as daemon:
        subprocess.run([*beside, "attach"], env=home.environ(), check=True, timeout=SECONDS, cwd="/")
        seen = subprocess.run(
            [*as_user(home.uid), "cat", home.view("/own")], capture_output=True, check=True, text=True
        )
        assert seen.stdout == "A=1\n"
        subprocess.run([*beside, "detach"], env=home.environ(), check=True, timeout=SECONDS, cwd="/")
        assert mounts.mounted_at(str(home.mnt)) is not None, "the mount of a daemon that lives stays"
        daemon.send_signal(signal.SIGKILL)
        daemon.wait(SECONDS)
    subprocess.run([*beside, "detach"], env=home.environ(), check=True, timeout=SECONDS, cwd="/")
    assert mounts.mounted_at(str(home.mnt)) is None
