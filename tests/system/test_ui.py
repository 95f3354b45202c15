"""The browser on a real terminal: what is seen, what is changed, and that it ends as it should whatever happens."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import Homes
from tests.system.home import ENVFS, PASSPHRASE, Home, as_user, eventually
from tests.system.screen import ScreenTerminal
from tests.system.terminal import Terminal

MARK = "c41d-a-value-that-is-shown-once"
TYPED = "9e07-a-value-that-is-typed"
KEY = "-----BEGIN KEY-----\n5be2-in-a-key\n-----END KEY-----\n"
BROWSER = 1001
DOWN, RIGHT, TAB, CTRL_C, CTRL_Z = "\x1b[B", "\x1b[C", "\t", "\x03", "\x1a"


@pytest.fixture(scope="module")
def served(new_home: Homes) -> Iterator[Home]:
    """Give the module a served home with some levels."""
    home = new_home()
    home.envfs("import", "-", "/shop", "-m", "the first step", given="DB_HOST=db\nAPI_KEY=x\nURL=https://${DB_HOST}/\n")
    home.envfs("import", "-", "/shop/prod", given=f"DB_PASSWORD={MARK}\n")
    home.envfs("import", "-", "/web", given="PORT=1\n")
    with home.served():
        yield home


def browser(home: Home, *words: str, columns: int = 80, rows: int = 24, **environ: str) -> ScreenTerminal:
    return ScreenTerminal([ENVFS, "ui", *words], home.environ(environ), columns, rows)


def reads_of(home: Home, form: str) -> int:
    return sum(entry.get("event") == "read" and entry.get("format") == form for entry in home.log())


@pytest.mark.parametrize(("columns", "rows", "no_colour"), [(80, 24, ""), (80, 24, "1"), (200, 50, "")])
def test_all_parts_are_seen_and_no_value(columns: int, rows: int, no_colour: str, served: Home) -> None:
    with browser(served, "/shop", columns=columns, rows=rows, NO_COLOR=no_colour) as screen:
        screen.shows(
            "envfs ui  /shop", "unlocked", "▸ shop", "1 Names", "NAME", "DB_HOST", "API_KEY", "? keys", "q leave"
        )
        screen.press(RIGHT + DOWN)
        screen.shows("/shop/prod", "DB_PASSWORD", "DB_HOST")
        screen.press("2")
        screen.shows("VERSION", "+DB_PASSWORD")
        screen.press("3")
        screen.shows("who may read it: rules", "allow", "access log")
        screen.press("4")
        screen.shows("no question waits")
        screen.press("?")
        screen.shows("one row up")
        screen.press("qq")
        assert screen.end() == 0
        assert MARK not in screen.shown
        assert ("\x1b[0;3" in screen.shown) is not bool(no_colour)
        assert "\x1b[?1049l" in screen.shown


def test_a_value_is_shown_for_its_key_alone_and_the_log_says_so(served: Home) -> None:
    with browser(served, "/shop/prod") as screen:
        screen.shows("DB_PASSWORD")
        screen.press(f"{TAB}/DB_PASS\r")
        screen.becomes(lambda: "API_KEY" not in "\n".join(screen.lines), "the filter")
        before = reads_of(served, "value")
        screen.press("v")
        screen.shows(MARK)
        assert reads_of(served, "value") == before + 1
        screen.press(DOWN)
        screen.shows_not(MARK)
        screen.press("q")
        assert screen.end() == 0


def test_a_value_is_typed_and_a_key_pasted_unseen(served: Home) -> None:
    with browser(served, "/web") as screen:
        screen.shows("PORT")
        screen.press("n")
        screen.shows("name of the new variable at /web")
        screen.press("TOKEN\r")
        screen.shows("value of TOKEN:")
        screen.press(f"{TYPED}\r")
        screen.shows("set: done", "TOKEN")
        screen.press("nCERT\r")
        screen.shows("value of CERT:")
        screen.press(f"\x1b[200~{KEY}\x1b[201~\r")
        screen.shows("set: done", "CERT")
        screen.press("q")
        assert screen.end() == 0
        assert TYPED not in screen.shown
        assert "5be2" not in screen.shown
    assert served.envfs("get", "/web", "TOKEN").text == f"{TYPED}\n"
    assert served.envfs("get", "/web", "CERT").text == KEY


def test_a_change_is_made_undone_and_told(served: Home) -> None:
    served.envfs("import", "-", "/undone", given="PORT=1\n")
    with browser(served, "/undone") as screen:
        screen.shows("PORT")
        screen.press(f"{TAB}d")
        screen.shows("remove PORT from /undone? y/n")
        screen.press("y")
        screen.shows("1 removed", "/undone")
        screen.press("u")
        screen.shows("undo ", "? y/n")
        screen.press("y")
        screen.shows("1 added", "PORT")
        screen.press("q")
        assert screen.end() == 0


def test_changes_of_others_appear_by_themselves(served: Home) -> None:
    with browser(served, "/web") as screen:
        screen.shows("PORT")
        served.envfs("import", "-", "/web", given="APPEARED=1\n")
        screen.shows("APPEARED")
        served.envfs("import", "-", "/later", given="A=1\n")
        screen.shows("later")
        served.envfs("rm", "/later", "-y")
        screen.shows_not("later")
        screen.press("q")
        assert screen.end() == 0


def test_a_command_line_is_that_of_the_shell(served: Home) -> None:
    with browser(served, "/shop") as screen:
        screen.shows("DB_HOST")
        screen.press(":get API_KEY\r")
        screen.shows("x\n", "Enter leads back")
        screen.press("\r")
        screen.shows("NAME", "DB_HOST")
        screen.press(":get --nonsense\r")
        screen.shows("NAME is missing", "Enter leads back")
        screen.press("\r")
        screen.shows("get ended with status 2")
        screen.press(":cd prod\r")
        screen.shows("envfs ui  /shop/prod")
        screen.press(":exit\r")
        assert screen.end() == 0


def test_ctrl_c_at_the_hidden_entry_leads_back_and_in_the_lists_leaves(served: Home) -> None:
    with browser(served, "/web") as screen:
        screen.shows("PORT")
        screen.press(f"{TAB}s")
        screen.shows("value of PORT:")
        screen.press(CTRL_C)
        screen.shows("set: interrupted", "NAME")
        screen.press(CTRL_C)
        assert screen.end() == 130


def test_an_editor_has_the_terminal(served: Home) -> None:
    with browser(served, "/web", VISUAL="sed -i s/PORT=1/PORT=2/") as screen:
        screen.shows("PORT")
        screen.press("e")
        screen.shows("write this as a new version")
        screen.press("y\r")
        screen.shows("edit: done", "NAME")
        screen.press("q")
        assert screen.end() == 0
    assert served.envfs("get", "/web", "PORT").text == "2\n"


def test_a_window_of_any_size_is_filled(served: Home) -> None:
    with browser(served, "/shop") as screen:
        screen.shows("DB_HOST", "▸ shop")
        screen.resize(50, 20)
        screen.becomes(lambda: "▸ shop" in screen.lines[2] and "DB_HOST" not in str(screen.lines), "one side")
        screen.press(TAB)
        screen.becomes(lambda: "DB_HOST" in str(screen.lines) and "▸ shop" not in str(screen.lines), "the other side")
        screen.resize(20, 5)
        screen.shows("the window is")
        screen.resize(120, 30)
        screen.shows("DB_HOST", "▸ shop")
        screen.press("q")
        assert screen.end() == 0


def test_ctrl_z_stops_and_fg_goes_on(served: Home) -> None:
    environ = served.environ({"PS1": "ready> "})
    with ScreenTerminal(["bash", "--norc", "--noprofile", "-i"], environ) as screen:
        screen.shows("ready>")
        screen.press(f"{ENVFS} ui /web\n")
        screen.shows("1 Names", "PORT")
        screen.press(CTRL_Z)
        screen.shows("Stopped")
        screen.press("fg\n")
        screen.shows("1 Names", "PORT")
        screen.press("q")
        screen.becomes(lambda: screen.lines[screen.screen.cursor.y] == "ready>", "the shell asks")
        screen.press("echo status $?\n")
        screen.shows("status 0")


def _pid_of(home: Home, word: str) -> int:
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/cmdline", "rb") as words:
                if f"ENVFS_HOME={home.path}".encode() in environ.read() and words.read().endswith(
                    f"\0{word}\0".encode()
                ):
                    return int(pid)
        except OSError:
            continue
    return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_the_terminal_as_it_was(number: int, served: Home) -> None:
    with browser(served, "/shop") as screen:
        modes = screen.attributes()
        screen.shows("DB_HOST")
        assert screen.attributes() != modes
        os.kill(_pid_of(served, "/shop"), number)
        assert screen.end() == -number
        assert screen.attributes() == modes
        assert "\x1b[?1049l" in screen.shown


def test_it_ends_when_the_terminal_is_closed(served: Home) -> None:
    screen = browser(served, "/shop")
    screen.shows("DB_HOST")
    os.close(screen.master)
    eventually(lambda: not _pid_of(served, "/shop"), "the browser ends")
    screen._process.wait()


def test_a_locked_vault_is_told_and_unlocked_by_a_key(own: Home) -> None:
    own.envfs("import", "-", "/shop", given=f"A={MARK}\n", environ=own.knowing())
    daemon = own.mount(environ=own.knowing())
    try:
        with browser(own, "/shop") as screen:
            screen.shows("unlocked", "A ")
            own.envfs("lock")
            screen.shows("LOCKED", "locked: U unlocks")
            screen.press("U")
            screen.shows("passphrase")
            screen.press(f"{PASSPHRASE}\r")
            screen.shows("unlocked", "1 Names")
            screen.press("q")
            assert screen.end() == 0
    finally:
        own.end(daemon)


def test_an_ended_daemon_is_told_and_found_again(home: Home) -> None:
    home.envfs("import", "-", "/shop", given="A=1\n")
    with home.served() as daemon, browser(home, "/shop") as screen:
        screen.shows("A ", "unlocked")
        os.kill(daemon.pid, signal.SIGKILL)
        screen.shows("no daemon", "the daemon has ended")
        home.clear_mounts()
        other = home._fork()
        screen.shows("there is a daemon again", "A ")
        screen.press("q")
        assert screen.end() == 0
        home.end(other)


def test_without_a_daemon_it_keeps_the_vault_to_itself(home: Home) -> None:
    home.envfs("import", "-", "/shop", given="A=1\n")
    with browser(home, "/shop") as screen:
        screen.shows("A ", "own daemon")
        screen.press(f"{TAB}d")
        screen.shows("y/n")
        screen.press("y")
        screen.shows("1 removed")
        screen.press("q")
        assert screen.end() == 0
    assert home.rows("ls", "--names") == []


def test_a_question_is_answered_by_a_key(served: Home) -> None:
    served.envfs("grant", "/shop/prod", "--uid", str(BROWSER), "--decision", "ask")
    with browser(served, "/web") as screen:
        screen.shows("PORT")
        words = [*as_user(BROWSER), ENVFS, "get", "/shop/prod", "DB_PASSWORD"]
        with subprocess.Popen(words, env=served.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
            screen.shows("asks for /shop/prod", "1 to approve")
            screen.press("!")
            screen.shows("QUESTION", "4 Approvals 1")
            screen.press("\r")
            screen.shows("who", "why", "yes, once")
            screen.press("y")
            screen.shows("no question waits")
            out, _ = asking.communicate()
        assert out == f"{MARK}\n".encode()
        screen.press("q")
        assert screen.end() == 0


def test_ten_thousand_levels_and_a_thousand_names_are_walked(served: Home) -> None:
    """What is drawn are the rows that are seen, so the end of a long list is as near as its beginning."""
    text = "".join(f"NAME_{number:04}=1\n" for number in range(1000))
    served.envfs("import", "-", "/large", given=text)
    with browser(served, "/large") as screen:
        screen.shows("NAME_0000")
        screen.press(f"{TAB}\x1b[F")
        screen.shows("NAME_0999")
        screen.press("q")
        assert screen.end() == 0
        assert len(screen.shown) < 100_000


@pytest.mark.parametrize("kind", ["dumb", ""])
def test_a_terminal_without_a_screen_is_refused_with_a_hint(kind: str, served: Home) -> None:
    with Terminal([ENVFS, "ui"], served.environ({"TERM": kind})) as terminal:
        terminal.expect("cannot show a full screen")
        terminal.expect("envfs shell")
        assert terminal.end() == 100


def test_a_pipe_is_refused_with_a_hint(served: Home) -> None:
    said = served.envfs("ui", given="", status=100)
    assert "envfs shell" in said.complaint
