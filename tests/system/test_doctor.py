"""`envfs doctor` on machines that lack something: it says what, why and how to mend it, and never a value."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, OWNER, SECONDS, Daemon, Home, as_user, eventually
from tests.system.samples import PROD

_LIMITED = str(Path(__file__).with_name("limited.py"))
Findings = dict[str, tuple[str, str, str]]


def doctor(home: Home, *before: str, uid: int | None = None, environ: dict[str, str] | None = None) -> Findings:
    """Run it, behind the words `before`; the exit status must fit what it says."""
    user = as_user(home.uid if uid is None else uid)
    done = subprocess.run(
        [*user, *before, ENVFS, "doctor", "--json"],
        capture_output=True,
        check=False,
        timeout=3 * SECONDS,
        env=home.environ(environ),
        cwd="/",
    )
    assert done.stderr == b""
    rows = json.loads(done.stdout)
    assert done.returncode == (100 if any(row["state"] == "problem" for row in rows) else 0)
    assert not [value for value in PROD.values() if len(value) > 7 and value.encode() in done.stdout]
    return {row["check"]: (row["state"], row["text"], row["hint"]) for row in rows}


def states(found: Findings, wanted: str) -> set[str]:
    return {check for check, (state, _, _) in found.items() if state == wanted}


def limited(how: str) -> Sequence[str]:
    return (sys.executable, _LIMITED, how)


def mounted(home: Home, how: str) -> Daemon:
    words = [*as_user(home.uid), *limited(how), ENVFS, "mount"]
    subprocess.run(words, check=True, timeout=SECONDS, env=home.environ(), cwd="/", capture_output=True)
    return home.daemon()


@pytest.fixture
def own(user_home: Home) -> Iterator[Home]:
    yield user_home
    if user_home.socket.exists():
        user_home.end(user_home.daemon())


def test_a_healthy_daemon_has_no_problem(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    assert home.view("/shop/prod").read_bytes()
    found = doctor(home)
    assert states(found, "problem") == set()
    assert found["daemon"][1].startswith(f"pid {daemon.pid}, ")
    assert {"views", "keys", "core dumps", "tracing", "privileges", "landlock", "seccomp"} <= states(found, "ok")


def test_a_users_own_daemon_tells_the_one_thing_that_it_lacks(own: Home) -> None:
    with own.mounted():
        found = doctor(own)
        assert states(found, "problem") == set()
        assert found["privileges"][0] == "note"
        assert "fusermount3" in found["privileges"][1]


@pytest.mark.parametrize(("how", "word"), [("no-memfd-secret", "switched off"), ("forbidden", "forbidden here")])
def test_without_secret_memory_it_says_so_and_why(new_home: Homes, stocked: Home, how: str, word: str) -> None:
    home = new_home(stocked)
    daemon = mounted(home, how)
    try:
        found = doctor(home)
        for check in ("views", "keys"):
            state, text, hint = found[check]
            assert state == "note"
            assert text.startswith("in locked memory: ")
            assert word in text
            assert hint
    finally:
        home.end(daemon)


def test_under_a_low_limit_it_says_what_may_be_swapped_and_how_to_raise_it(own: Home) -> None:
    mounted(own, "memlock=0")
    found = doctor(own)
    assert states(found, "problem") == {"views", "keys"}
    assert "at most 0 KiB may be locked (RLIMIT_MEMLOCK)" in found["views"][1]
    assert "ulimit -l" in found["views"][2]
    assert found["memlock"][0] == "note"


def test_the_daemon_is_asked_and_not_the_clients_own_limits(own: Home) -> None:
    with own.mounted():
        assert doctor(own, *limited("memlock=0"))["keys"][0] == "ok"
        assert doctor(own, *limited("memlock=0"))["memlock"][0] == "ok"


# a device of its own, in a mount namespace of its own: every other test needs the one that is there
_ROOTS_DEVICE = (
    'device=$1/fuse && shift && mknod "$device" c 10 229 && chmod 600 "$device" && mount --bind "$device" /dev/fuse &&'
    ' rm "$device" && exec "$@"'
)


def test_a_fuse_device_for_root_alone_is_found(own: Home) -> None:
    around = ("unshare", "--mount", "sh", "-c", _ROOTS_DEVICE, "sh", str(own.path.parent))
    state, text, hint = doctor(own, *around, *as_user(own.uid), uid=0)["fuse"]
    assert (state, text) == ("problem", "/dev/fuse: permission denied")
    assert "chmod 666 /dev/fuse" in hint


def test_a_missing_fusermount3_is_found_by_who_needs_it(own: Home, shop: Home) -> None:
    elsewhere = ("/usr/bin/env", "PATH=/nowhere")
    assert doctor(own, *elsewhere)["fusermount3"][:2] == ("problem", "fusermount3 is not installed")
    assert doctor(shop, *elsewhere)["fusermount3"][0] == "ok"


def test_plugins_of_age_are_listed(shop: Home, tmp_path: Path) -> None:
    (tmp_path / "age-plugin-tpm").touch()
    found = doctor(shop, environ={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert found["age plugins"][:2] == ("note", "age-plugin-tpm")


def test_a_lost_identity_and_a_lost_log_are_found(shop: Home, ground: Path) -> None:
    text = shop.settings.read_text(encoding="utf-8")
    missing = ground / "nowhere" / "identity.txt"
    shop.settings.write_text(text.replace(str(ground / "identity.txt"), str(missing)), encoding="utf-8")
    shop.log_file.unlink()
    found = doctor(shop)
    assert states(found, "problem") == {"identity", "log"}
    assert f"{missing}: no such file" in found["identity"][1]


def test_settings_that_others_may_write_are_found(shop: Home) -> None:
    shop.settings.chmod(0o666)
    found = doctor(shop)
    assert "is not trusted: its mode is 0666" in found["settings"][1]
    assert "chmod 600" in found["settings"][2]


def test_a_vault_of_somebody_else_is_found(own: Home) -> None:
    found = doctor(own, uid=0)
    assert states(found, "problem") >= {"vault"}
    assert f"belongs to uid {OWNER}" in found["vault"][1]


def test_a_stranger_learns_nothing_but_that_a_daemon_runs(served: tuple[Home, Daemon]) -> None:
    home, _ = served
    found = doctor(home, uid=1004)
    assert set(found) == {"daemon"}
    assert found["daemon"][1] == "one of uid 0 runs here; it tells its owner alone how it is"


def test_a_stranger_cannot_ask_for_more(served: tuple[Home, Daemon]) -> None:
    """Whoever speaks the protocol is refused, and the refusal is on the log."""
    home, _ = served
    script = (
        "from envfs.errors import NotApproved\nfrom envfs.protocol import control\n"
        "from envfs_cli.daemon import client\n"
        "rows = []\ntry:\n    client.need_running().ask(control.Diagnose(), (), rows.append)\n"
        "except NotApproved:\n    print('refused', rows)\n"
    )
    words = [*as_user(1004), sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, check=True, timeout=SECONDS, env=home.environ(), cwd="/")
    assert done.stdout == b"refused []\n"
    assert home.refusals(1004)[-1]["operation"] == "Diagnose"


def test_a_keyholder_that_ended_is_found_or_replaced(served: tuple[Home, Daemon]) -> None:
    home, daemon = served
    os.kill(daemon.keyholder, 9)
    assert states(doctor(home), "problem") <= {"keyholder"}
    eventually(lambda: states(doctor(home), "problem") == set(), "another keyholder is asked")


def test_looking_changes_nothing(shop: Home) -> None:
    shop.settle()
    before = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in shop.vault.rglob("*")}
    entries = shop.log()
    doctor(shop)
    shop.settle()
    assert {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in shop.vault.rglob("*")} == before
    assert [entry for entry in shop.log()[len(entries) :] if entry["event"] != "checkpoint"] == []
