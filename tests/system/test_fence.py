"""`envfs exec --fence`: what a command inside reaches of this machine, of its user's account, and of EnvFS."""

import json
import os
import pty
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.component.proxying import HOST, Upstream
from tests.conftest import Homes
from tests.system.escapes import everything
from tests.system.home import ENVFS, SECONDS, Home, alive, as_user, eventually
from tests.system.outside import AMBIENT, Outside
from tests.system.ruled import KEY, OTHER, USER, rule_text, ruled
from tests.system.terminal import Terminal
from tests.system.test_memory import found_in

FENCE, AGENT = ("exec", "/shop", "--fence"), ("agent", "run", "/shop")
BEHIND_A_PROXY = (*FENCE, "--proxy")


@pytest.fixture(scope="module")
def shop(new_home: Homes, upstream: Upstream) -> Iterator[Home]:
    """Give the module a home with a rule, and a daemon."""
    levels = {"/shop": f"SHOP_KEY={KEY}\nOTHER={OTHER}\n"}
    with ruled(new_home(), upstream, rule_text(upstream, name="shop"), levels=levels, mounted=True) as home:
        home.envfs("grant", "/shop", "--uid", str(USER))
        yield home


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Give the module what root must not reach from inside, where the kernel makes namespaces."""
    probe = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    if subprocess.run(probe, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no namespaces can be made here")
    there = Outside(tmp_path_factory.mktemp("outside"), 0)
    yield there
    there.close()


def _inside(
    shop: Home, outside: Outside, *words: str, start: tuple[str, ...] = FENCE, uid: int = 0
) -> subprocess.CompletedProcess[bytes]:
    command = [*as_user(uid), ENVFS, *start, "--", *words]
    return subprocess.run(
        command,
        env=outside.environ(shop),
        cwd=outside.work,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=3 * SECONDS,
    )


def _attempts(
    shop: Home, outside: Outside, upstream: Upstream, uid: int, start: tuple[str, ...] = AGENT
) -> dict[str, object]:
    """Run all attempts in one process inside a fence."""
    upstream.seen.clear()
    words = (sys.executable, "-c", everything.program(outside.work, outside.facts(shop, upstream, uid)))
    done = _inside(shop, outside, *words, start=start, uid=uid)
    assert done.returncode == 0, done.stderr
    results: dict[str, object] = json.loads(done.stdout)
    return results


def _check_attempts(results: dict[str, object], upstream: Upstream, start: tuple[str, ...] = AGENT) -> None:
    assert {name: got for name, got in results.items() if got is not None} == {}
    assert len(results) > 150
    assert len([name for name in results if name.startswith("gateway: ")]) > (50 if start == AGENT else -1)
    for seen in upstream.seen:
        assert "smuggled" not in seen.target
        assert OTHER not in str(seen)


def test_no_attempt_leads_out(shop: Home, outside: Outside, upstream: Upstream) -> None:
    _check_attempts(_attempts(shop, outside, upstream, 0), upstream)
    outside.listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        outside.listener.accept()


@pytest.mark.soak
def test_no_attempt_leads_out_without_a_gateway(shop: Home, outside: Outside, upstream: Upstream) -> None:
    _check_attempts(_attempts(shop, outside, upstream, 0, BEHIND_A_PROXY), upstream, BEHIND_A_PROXY)


@pytest.mark.soak
@pytest.mark.parametrize("start", [AGENT, BEHIND_A_PROXY], ids=" ".join)
def test_no_attempt_of_an_ordinary_user_leads_out(shop: Home, upstream: Upstream, start: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory(prefix="envfs-sys-") as folder:
        os.chmod(folder, 0o755)
        there = Outside(Path(folder), USER)
        try:
            _check_attempts(_attempts(shop, there, upstream, USER, start), upstream, start)
        finally:
            there.close()


def test_a_file_that_is_read_from_can_be_changed_in_no_way(shop: Home, outside: Outside, tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_text("one\ntwo\nthree\n", encoding="ascii")
    file.chmod(0o600)
    changes = (
        "exec 3>/proc/self/fd/0; chmod 777 /proc/self/fd/0; touch -d 2001-01-01 /proc/self/fd/0; read line; echo $line"
    )
    before = file.stat()
    with file.open("rb", buffering=0) as given:
        command = [ENVFS, *FENCE, "--", "sh", "-c", changes]
        environ = outside.environ(shop)
        done = subprocess.run(command, env=environ, cwd=outside.work, stdin=given, capture_output=True, check=False)
        assert done.stdout == b"one\n"
        assert given.read() == b"two\nthree\n"  # as behind a command without a fence
    after = file.stat()
    assert file.read_bytes() == b"one\ntwo\nthree\n"
    assert (after.st_mode, after.st_mtime, after.st_ino) == (before.st_mode, before.st_mtime, before.st_ino)


@pytest.mark.parametrize("uid", [0, USER])
@pytest.mark.usefixtures("outside")
def test_a_signal_to_the_own_group_stays_inside(shop: Home, uid: int) -> None:
    inside = "trap '' TERM; kill -TERM 0; exec true"
    neighbour = f"{ENVFS} exec /shop --fence -- sh -c {shlex.quote(inside)}; echo $?"
    done = subprocess.run(
        [*as_user(uid), "sh", "-c", neighbour],
        env=shop.environ(),
        cwd="/",
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout) == (0, b"0\n"), done.stderr


# -- what stays as without a fence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status"),
    [(("sh", "-c", "exit 7"), 7), (("sh", "-c", "kill -9 $$"), 137), (("no-such-command",), 127)],
)
def test_the_exit_status_is_the_commands(shop: Home, outside: Outside, words: tuple[str, ...], status: int) -> None:
    assert _inside(shop, outside, *words).returncode == status


def test_pipes_signals_and_the_work_folder_are_as_without_one(shop: Home, outside: Outside) -> None:
    script = (
        "import signal, sys\nsignal.signal(15, lambda *_: sys.exit(5))\nopen('made', 'w').write(sys.stdin.readline())\n"
    )
    script += "print('ready', flush=True)\nsignal.pause()"
    command = [ENVFS, "exec", "/shop", "--fence", "--", sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=outside.environ(shop), cwd=outside.work, stdin=pipe, stdout=pipe) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(b"by a pipe\n")
        running.stdin.flush()
        assert running.stdout.readline() == b"ready\n"
        running.terminate()
        assert running.wait(SECONDS) == 5
    assert (outside.work / "made").read_text(encoding="ascii") == "by a pipe\n"


@pytest.mark.parametrize("number", [signal.SIGALRM, signal.SIGXCPU, signal.SIGWINCH, signal.SIGRTMIN])
def test_a_signal_to_the_process_outside_goes_to_the_command(shop: Home, outside: Outside, number: int) -> None:
    script = f"import signal, sys\nsignal.signal({number}, lambda *_: sys.exit(5))\nprint(1, flush=True)\n"
    command = [ENVFS, "exec", "/shop", "--fence", "--", sys.executable, "-c", f"{script}while True: signal.pause()"]
    with subprocess.Popen(command, env=outside.environ(shop), cwd=outside.work, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"1\n"
        running.send_signal(number)
        assert running.wait(SECONDS) == 5


def test_all_inside_ends_with_the_process_outside(shop: Home, outside: Outside) -> None:
    command = [ENVFS, "exec", "/shop", "--fence", "--", "sh", "-c", "echo ready; exec sleep 1000"]
    with subprocess.Popen(command, env=outside.environ(shop), cwd=outside.work, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        inside = _below(running.pid)
        assert len(inside) >= 3
        running.kill()
    eventually(lambda: not any(map(alive, inside)), "all inside ends")


def _below(pid: int) -> list[int]:
    """List the processes that descend from one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [number for child in map(int, children) for number in (child, *_below(child))]


def test_the_terminal_stays_one_and_its_keys_stop_continue_and_interrupt(shop: Home, outside: Outside) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(outside.work)
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], outside.environ(shop))  # noqa: S606 - a shell's job
    try:
        _type(terminal, "PS1='$?:rea''dy> '\n", "0:ready> ")
        _type(
            terminal, f"{ENVFS} exec /shop --fence -- sh -c 'test -t 0 && echo on a tty; sleep 1000'\n", "on a tty\r\n"
        )
        _type(terminal, "\x1a", ":ready> ")
        _type(terminal, "jobs\n", "Stopped")
        _type(terminal, "fg\n", "sleep 1000'\r\n")
        _type(terminal, "\x03", "130:ready> ", again=True)  # the shell may still have the terminal
        ask = "bash -c 'read -r word < /dev/tty; echo $word of a person'"
        _type(terminal, f"{ENVFS} exec /shop --fence -- {ask} | cat\n", "cat\r\n")
        _type(terminal, "the word\n", "the word of a person\r\n")
        _type(terminal, "\n", "0:ready> ")
        _type(
            terminal,
            f"sleep 1000 | {ENVFS} exec /shop --fence -- sh -c 'echo as a part; sleep 1000'\n",
            "as a part\r\n",
        )
        _type(terminal, "\x03", "130:ready> ", again=True)
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)


def _type(terminal: int, keys: str, until: str, *, again: bool = False) -> None:
    os.write(terminal, keys.encode())
    shown, end = "", time.monotonic() + SECONDS
    while until not in shown:
        assert time.monotonic() < end, (keys, shown)
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
        elif again:
            os.write(terminal, keys.encode())


# -- what does not get in ----------------------------------------------------------------------------------------------

SEND = """
import hashlib, http.client, os, ssl, sys, urllib.parse, base64
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
client = http.client.HTTPSConnection(proxy.hostname, proxy.port, timeout=60,
    context=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]))
token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
client.set_tunnel(sys.argv[1], int(sys.argv[2]), {"Proxy-Authorization": f"Basic {token}"})
body = bytes(range(256)) * 40_000
client.request("POST", "/upload", body, {"Authorization": "Bearer " + os.environ["SHOP_KEY"]})
print(hashlib.sha256(body).hexdigest() in client.getresponse().read().decode(), flush=True)
sys.stdin.readline()
"""


def test_the_host_gets_the_value_and_no_process_of_the_session_has_it(
    shop: Home, outside: Outside, upstream: Upstream
) -> None:
    upstream.seen.clear()
    command = [ENVFS, "exec", "/shop", "--proxy", "--fence", "--", sys.executable, "-c", SEND, HOST, str(upstream.port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=outside.environ(shop), cwd=outside.work, stdin=pipe, stdout=pipe) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"True\n"
        assert upstream.seen[0].headers["authorization"] == f"Bearer {KEY}"
        processes = [running.pid, *_below(running.pid)]
        assert len(processes) >= 4
        for pid in processes:
            assert found_in(pid, (KEY, OTHER)) == []
            shown = b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("environ", "cmdline"))
            assert KEY.encode() not in shown
            assert OTHER.encode() not in shown
            assert pid == running.pid or AMBIENT.encode() not in shown
        running.communicate(b"\n", SECONDS)
    for path in outside.work.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes()


def test_the_view_inside_has_placeholders(shop: Home, outside: Outside) -> None:
    script = f"cat {shop.view('/shop')}; echo SHOP_KEY=$SHOP_KEY; ls {shop.path}/state"
    done = _inside(shop, outside, "sh", "-c", script, start=BEHIND_A_PROXY)
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("# masked")
    assert lines.count(lines[-1]) == 2
    assert KEY not in done.stdout.decode()


def test_neither_a_folder_nor_a_closed_stream_leads_out(shop: Home, outside: Outside) -> None:
    words = f"{ENVFS} exec /shop --fence -- sh -c 'readlink /proc/self/fd/0 /proc/self/fd/2 /proc/self/fd/7'"
    run = partial(subprocess.run, env=outside.environ(shop), cwd=outside.work, capture_output=True)
    for streams in ("< / 2>&- 7< /", "<&- 2< / 7< /etc/passwd"):
        assert run(["sh", "-c", f"{words} {streams}"]).stdout == b"/dev/null\n" * 2


def test_without_namespaces_it_refuses_and_the_best_effort_says_what_is_open(shop: Home, outside: Outside) -> None:
    words = "env; python3 -c 'import socket; socket.socket(socket.AF_UNIX)'"
    without = ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--unshare-user", "--disable-userns", "--"]
    results = []
    for option in ("--fence", "--fence=best-effort"):
        command = [*without, ENVFS, "exec", "/shop", option, "--", "sh", "-c", words]
        results.append(
            subprocess.run(command, env=outside.environ(shop), cwd=outside.work, capture_output=True, check=False)
        )
    refused, tried = results
    assert (refused.returncode, refused.stdout) == (100, b"")
    assert b"no fence can be made here" in refused.stderr
    assert b"not fenced" in tried.stderr
    assert KEY in tried.stdout.decode()
    assert AMBIENT not in tried.stdout.decode()
    assert b"Address family not supported" in tried.stderr


def test_another_word_for_the_fence_is_answered_with_the_one_that_there_is(shop: Home) -> None:
    said = shop.envfs("exec", "/shop", "--fence=worst", "--", "true", status=2).complaint
    assert "--fence=best-effort" in said
    assert "worst" not in said


# -- agents and git ----------------------------------------------------------------------------------------------------


def test_the_run_of_an_agent_ends_with_a_summary(shop: Home, outside: Outside, upstream: Upstream) -> None:
    words = [ENVFS, "agent", "run", "/shop", "--json", "--", sys.executable, "-c", SEND, HOST, str(upstream.port)]
    done = subprocess.run(
        words, env=outside.environ(shop), cwd=outside.work, input=b"\n", capture_output=True, check=True
    )
    facts = json.loads(done.stderr.splitlines()[-1])
    assert done.stdout == b"True\n"
    assert (facts["requests"], facts["keys"], facts["refusals"]) == (1, {"shop": 1}, {})
    assert facts["hosts"] == {f"{HOST}:{upstream.port}": 1}


def test_an_agent_that_is_not_there_has_a_next_step(shop: Home, outside: Outside) -> None:
    words = [ENVFS, "agent", "run", "/shop", "--", "no-such-agent"]
    done = subprocess.run(
        words, env=outside.environ(shop), cwd=outside.work, capture_output=True, text=True, check=False
    )
    assert done.returncode == 127
    assert "hint: install it, or name it by its path" in done.stderr
    assert "0 requests to 0 hosts" in done.stderr


def test_an_agent_changes_nothing_that_it_runs_outside_later(shop: Home, outside: Outside, tmp_path: Path) -> None:
    home, agent = tmp_path / "home", outside.work / "claude"
    guarded = [".claude.json", *(f".claude/{name}" for name in ("status.sh", "mine", "CLAUDE.md", "settings.json"))]
    guarded += [f".claude/{name}" for name in ("local/claude", "commands/a.md", "hooks/a")]
    for name in [*guarded, ".claude/projects/a", ".claude/history.jsonl"]:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("before\n", encoding="ascii")
    (home / ".claude/mine").chmod(0o755)
    changes = "".join(f"echo evil > ~/{name}; rm -f ~/{name}; mv ~/x ~/{name}\n" for name in guarded)
    agent.write_text(
        f"#!/bin/sh\n{changes}for file in projects/a history.jsonl new; do echo after > ~/.claude/$file; done\n"
    )
    agent.chmod(0o755)
    environ = {**outside.environ(shop), "HOME": str(home)}
    words = [ENVFS, "agent", "run", "/shop", "--", str(agent)]
    subprocess.run(words, env=environ, cwd=outside.work, capture_output=True, check=False, timeout=60)
    assert {name: (home / name).read_text(encoding="ascii") for name in guarded} == dict.fromkeys(guarded, "before\n")
    for name in ("projects/a", "history.jsonl", "new"):
        assert (home / ".claude" / name).read_text(encoding="ascii") == "after\n"


def test_the_status_of_an_agent_is_its_own_where_its_user_may_not_read_the_log(shop: Home) -> None:
    words = [*as_user(USER), ENVFS, "agent", "run", "/shop", "--", "sh", "-c", "exit 3"]
    done = subprocess.run(words, env=shop.environ(), cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "there is no summary: " in done.stderr


def test_an_agent_beside_a_file_with_values_is_told_of_it(shop: Home, outside: Outside, tmp_path: Path) -> None:
    file, kept = tmp_path / ".env", tmp_path / "kept"
    run = partial(subprocess.run, cwd=tmp_path, env=outside.environ(shop), capture_output=True, text=True, check=True)
    file.write_text(f"KEY={OTHER}\n", encoding="ascii")
    said = run([ENVFS, "agent", "run", "/shop", "--", "true"]).stderr
    assert ("envfs link /shop --import" in said, OTHER in said) == (True, False)
    file.rename(kept)
    file.symlink_to(kept)
    assert "--import" not in run([ENVFS, "agent", "run", "/shop", "--", "true"]).stderr


def test_a_socket_of_the_network_is_no_standard_stream_of_a_fence(shop: Home, outside: Outside) -> None:
    command = [ENVFS, "exec", "/shop", "--fence", "--", "true"]
    run = partial(subprocess.run, env=outside.environ(shop), cwd=outside.work, capture_output=True, check=False)
    with socket.create_server(("127.0.0.1", 0)) as there, socket.create_connection(there.getsockname()) as stream:
        said = run(command, stdin=stream)
        assert (said.returncode, b"leads out of the fence" in said.stderr) == (100, True)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert run(command, stdin=theirs).returncode == 0


def test_what_is_to_be_writable_is_there_or_nothing_runs(shop: Home, outside: Outside, tmp_path: Path) -> None:
    for path in (str(tmp_path / "none"), "/"):
        said = _inside(shop, outside, "touch", str(outside.work / "ran"), start=(*FENCE, "--writable", path))
        assert said.returncode == 100
        assert f"{path} cannot be made writable".encode() in said.stderr
        assert not (outside.work / "ran").exists()
    beside = os.path.relpath(tmp_path, outside.work)
    assert _inside(shop, outside, "touch", str(tmp_path / "ran"), start=(*FENCE, "--writable", beside)).returncode == 0
    assert (tmp_path / "ran").exists()


def test_a_folder_that_is_gone_is_told_in_words(shop: Home, outside: Outside, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    gone = f"mkdir {folder} && cd {folder} && rmdir {folder} && exec {ENVFS} exec /shop --fence -- true"
    done = subprocess.run(["sh", "-c", gone], env=outside.environ(shop), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (100, "envfs: error: the current folder is gone")


def test_git_outside_takes_no_settings_from_what_was_made_inside(shop: Home, outside: Outside, tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "a"], ["worktree", "add", "-q", "tree"]):
        subprocess.run([*git, *words], check=True)
    module, tree = tmp_path / ".git/modules/sub", tmp_path / ".git/worktrees/tree"
    subprocess.run(["git", "init", "-q", "--bare", str(module)], check=True)
    guarded = (module / "config", tree / "commondir", tree / "gitdir", tmp_path / "tree/.git")
    before = [path.read_bytes() for path in guarded]
    script = "echo evil > .git/commondir; mv .git/worktrees/tree .git/moved; mv .git/modules/sub .git/moved"
    script += "; mv .git/modules m"
    script += "".join(f"; echo evil > {path.relative_to(tmp_path)}" for path in guarded[:3])
    run = partial(subprocess.run, env=outside.environ(shop), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    said = run([ENVFS, "exec", "/shop", "--fence", "--", "sh", "-c", script], cwd=tmp_path)
    assert b".git/commondir was made inside, and is removed" in said.stderr
    said = run(
        [ENVFS, "exec", "/shop", "--fence", "--", "sh", "-c", "echo evil > .git; rm .git"], cwd=tmp_path / "tree"
    )
    assert said.returncode == 1
    assert [path.read_bytes() for path in guarded] == before
    assert not (tmp_path / ".git/commondir").exists()


@pytest.mark.parametrize("link", [".git", ".git/modules", ".git/worktrees"])
def test_a_link_in_the_place_of_a_folder_of_git_makes_nothing_writable(
    shop: Home, outside: Outside, tmp_path: Path, link: str
) -> None:
    there, work = tmp_path / "there", tmp_path / "work"
    there.mkdir()
    (work / link).parent.mkdir(parents=True)
    (work / link).symlink_to(there)
    command = [ENVFS, "exec", "/shop", "--fence", "--", "touch", str(there / "made")]
    run = partial(subprocess.run, env=outside.environ(shop), cwd=work, capture_output=True, check=False)
    assert run(command).returncode == 1
    assert not (there / "made").exists()


def test_git_gets_a_value_outside_and_a_placeholder_inside(shop: Home, outside: Outside) -> None:
    secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    shop.envfs("set", "/shop", "GITHUB_TOKEN", given=secret)
    question = "protocol=https\nhost=github.com\n\n"
    assert (
        shop.envfs("git-credential", "/shop", "get", given=question).text
        == f"username=x-access-token\npassword={secret}\n"
    )
    for other in (
        "protocol=http\nhost=github.com\n",
        "protocol=https\nhost=github.com.evil.test\n",
        "protocol=https\n",
    ):
        assert shop.envfs("git-credential", "/shop", "get", given=other).text == ""
    assert shop.envfs("git-credential", "/shop", "store", given=question).text == ""
    script = f"printf '{question}' | {ENVFS} git-credential /shop get; echo $GITHUB_TOKEN".replace("\n", "\\n")
    done = _inside(shop, outside, "sh", "-c", script, start=BEHIND_A_PROXY)
    user, password, placeholder = done.stdout.decode().splitlines()
    assert (user, password) == ("username=x-access-token", f"password={placeholder}")
    assert placeholder.startswith("ghp_")
    assert placeholder != secret


def test_a_person_who_starts_the_helper_of_git_is_told_what_it_waits_for(shop: Home) -> None:
    with Terminal([ENVFS, "git-credential", "/shop", "get"], shop.environ()) as terminal:
        terminal.expect("git starts this, and says what it asks for")
        for line in ("protocol=https", "host=no-rule.example.org", ""):
            terminal.type(line)
        assert terminal.end(SECONDS) == 0
        assert "password=" not in terminal.shown


def test_settings_of_agents_deny_what_is_hidden(shop: Home) -> None:
    denied = json.loads(shop.envfs("agent", "settings", "claude").text)["permissions"]["deny"]
    assert {"Read(./.env)", "Read(~/.ssh/**)", "Bash(envfs get:*)", f"Read(/{shop.mnt}/**)"} <= set(denied)
    policy = tomllib.loads(shop.envfs("agent", "settings", "codex").text)
    assert policy["sandbox_workspace_write"] == {"network_access": False}
    assert "AWS_*" in policy["shell_environment_policy"]["exclude"]
    shop.envfs("agent", "settings", "other", status=2)
