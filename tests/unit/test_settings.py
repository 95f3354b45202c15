"""`envfs.toml`: trusted only if nobody else could have written it, and edited so that a person's comments survive."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envfs.core.access.rule import Rule
from envfs.core.access.verdict import Decision
from envfs.core.audit_settings import AuditSettings, Compression, Copies, Sync
from envfs.errors import StoreUnavailable, UnsafeSettings
from envfs.settings import ApprovalSettings, Settings, SettingsFile
from tests.patience import soon

ENDING = Rule("/shop", 1002, "2026-11-21T12:00:00.000000Z", "boot-1", 1500.5)
Write = Callable[[str], SettingsFile]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "envfs.toml"


@pytest.fixture
def write(path: Path) -> Write:
    """Give a function that writes the file and opens it."""

    def written(text: str) -> SettingsFile:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return SettingsFile(path)

    return written


KEY = "qkUd1nf3m4ybriiYejedObSa6EYTfZj_leN8EJuaq_0"


def later() -> None:
    """Let the look of a moment ago be over."""
    time.sleep(0.02)


# -- what is read ------------------------------------------------------------------------------------------------------


def test_the_rules_of_the_proxy_are_read_with_all_that_they_say(write: Write) -> None:
    rule = '[[proxy.rule]]\nkey = "A_*"\nhosts = ["api.example.com"]\nwhere = ["header:x-key"]\nname = "a"\n'
    proxy = write(f"[proxy]\nstrict = true\n{rule}").load().proxy
    assert proxy is not None
    assert (proxy.strict, proxy.roots, [rule.name for rule in proxy.rules]) == (True, "", ["a"])
    assert write("").load().proxy is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[proxy]\nrule = 1\n", "rule in [proxy] is of another type"),
        ("[proxy]\nhosts = []\n", "unknown key in [proxy]: hosts"),
        ('[proxy]\nroots = "corp.pem"\n', "roots in [proxy] is a path from / on"),
        ('[[proxy.rule]]\nkey = "A"\n', "[[proxy.rule]] 1: 'hosts' names no host: such as hosts"),
        ('[[proxy.rule]]\nkey = "A"\nhosts = ["a.b"]\nwhere = ["x"]\n', "there is no place 'x': places are header,"),
    ],
)
def test_a_fault_in_a_rule_of_the_proxy_is_named(write: Write, text: str, fault: str) -> None:
    with pytest.raises(UnsafeSettings) as caught:
        write(text).load()
    assert fault in caught.value.text


def test_how_a_person_is_asked_is_read_with_its_defaults(write: Write) -> None:
    assert write("").load().approvals == ApprovalSettings(120, (), waits_unattended=False, notifies=True)
    text = '[approvals]\nwait = "30s"\nagents = ["mybot"]\nunattended = "wait"\nnotify = false\n'
    assert write(text).load().approvals == ApprovalSettings(30, ("mybot",), waits_unattended=True, notifies=False)


@pytest.mark.parametrize(
    "line",
    ['wait = "soon"', "wait = 30", 'agents = "mybot"', "agents = [1]", 'unattended = "always"', "notify = 1", "x = 1"],
)
def test_how_a_person_is_asked_is_read_strictly(write: Write, line: str) -> None:
    with pytest.raises(UnsafeSettings, match="approvals"):
        write(f"[approvals]\n{line}\n").load()


def test_authors_have_names_by_their_keys(write: Write) -> None:
    assert write("").load().authors == {}
    assert write(f'[authors]\n"Ana (laptop)" = "{KEY}"\n').load().authors == {KEY: "Ana (laptop)"}


@pytest.mark.parametrize("decision", list(Decision))
def test_a_grant_has_a_decision(write: Write, decision: Decision) -> None:
    rules = write(f'[[grant]]\nlevel = "/a"\nuid = 1\ndecision = "{decision}"\n').load().grants
    assert [(rule.level, rule.uid, rule.decision) for rule in rules] == [("/a", 1, decision)]


def test_a_decision_that_is_none_is_refused(write: Write) -> None:
    with pytest.raises(UnsafeSettings, match="decision"):
        write('[[grant]]\nlevel = "/a"\nuid = 1\ndecision = "perhaps"\n').load()


def test_without_a_file_all_settings_are_the_defaults(path: Path) -> None:
    assert SettingsFile(path).load() == Settings()
    assert Settings()[:2] == ("", "")
    assert Settings().grants == ()


AUDIT = """
[audit]
segment_size = "4K"
segment_age = "30d"
keep = 3
keep_age = "1h"
compress = "gzip"
sync = "always"
copies = "journald"
hook = "/bin/alarm"
"""


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", Settings()),
        ("# nothing\n", Settings()),
        ('[identity]\nfile = "/root/id.txt"\n', Settings(identity_file="/root/id.txt")),
        ('[mount]\npath = "/mnt/x"\n', Settings(mount="/mnt/x")),
        ('identity = {file = "/i"}\nmount.path = "/m"\n', Settings(identity_file="/i", mount="/m")),
        ('[[grant]]\nlevel = "/"\nuid = 0\n', Settings(grants=(Rule("/", 0),))),
        ('[[grant]]\nlevel = "shop/"\nuid = 1\n', Settings(grants=(Rule("/shop", 1),))),
        (
            'grant = [{level = "/", uid = 1}, {level = "/a", uid = 2}]\n',
            Settings(grants=(Rule("/", 1), Rule("/a", 2))),
        ),
        (
            """
            [[grant]]
            level = "/shop"
            uid = 1002
            until = "2026-11-21T12:00:00.000000Z"
            boot = "boot-1"
            boot_until = 1500.5
            """,
            Settings(grants=(ENDING,)),
        ),
        (
            '[[grant]]\nlevel = "/"\nuid = 1\nuntil = "2026-01-01T00:00:00.000000Z"\nboot = "b"\nboot_until = 7\n',
            Settings(grants=(Rule("/", 1, "2026-01-01T00:00:00.000000Z", "b", 7.0),)),
        ),
        (
            AUDIT,
            Settings(
                audit=AuditSettings(
                    4096, 30 * 86_400, 3, 3600, Compression.GZIP, Sync.ALWAYS, Copies.JOURNALD, "/bin/alarm"
                )
            ),
        ),
    ],
    ids=range(11),
)
def test_what_the_file_says_counts(write: Write, text: str, settings: Settings) -> None:
    assert write(text).load() == settings


WRONG = {
    "no TOML": "grant = \n",
    "no TOML at all": "hunter2",
    "a key twice": "[mount]\npath = '/a'\npath = '/b'\n",
    "a table twice": "[mount]\n[mount]\n",
    "an unknown table": "[cache]\nsize = 1\n",
    "authors that are a text": 'authors = "ana"\n',
    "an author without a key": '[authors]\nana = ""\n',
    "an author with a number": "[authors]\nana = 7\n",
    "an author with a short key": '[authors]\nana = "qkUd1nf3"\n',
    "an author with two names": f'[authors]\nana = "{KEY}"\nbob = "{KEY}"\n',
    "an author whose name moves the cursor": f'[authors]\n"a\\u001b[2J" = "{KEY}"\n',
    "an author whose name is empty": f'[authors]\n"" = "{KEY}"\n',
    "an author whose name is long": f'[authors]\n{"a" * 65} = "{KEY}"\n',
    "an unknown key at the top": 'path = "/mnt"\n',
    "an unknown key in a table": '[mount]\npath = "/m"\nallow_other = true\n',
    "an unknown key in a grant": '[[grant]]\nlevel = "/"\nuid = 1\nlevels = "/x"\n',
    "a table that is a text": 'mount = "/mnt"\n',
    "a path that is a number": "[mount]\npath = 7\n",
    "a path that is a list": '[mount]\npath = ["/mnt"]\n',
    "a grant that is a table": '[grant]\nlevel = "/"\nuid = 1\n',
    "a grant that is a text": 'grant = "all"\n',
    "grants that are texts": 'grant = ["/"]\n',
    "a grant without a level": "[[grant]]\nuid = 1\n",
    "a grant without a uid": '[[grant]]\nlevel = "/"\n',
    "a uid as text": '[[grant]]\nlevel = "/"\nuid = "1"\n',
    "a uid that is true": '[[grant]]\nlevel = "/"\nuid = true\n',
    "a uid with a fraction": '[[grant]]\nlevel = "/"\nuid = 1.0\n',
    "a level that is none": '[[grant]]\nlevel = "../etc"\nuid = 1\n',
    "an empty level": '[[grant]]\nlevel = ""\nuid = 1\n',
    "an end that is a TOML date": '[[grant]]\nlevel = "/"\nuid = 1\nuntil = 2026-01-01\n',
    "an end on the boot clock as text": '[[grant]]\nlevel = "/"\nuid = 1\nboot_until = "7"\n',
    "a segment's size without a unit": '[audit]\nsegment_size = "64"\n',
    "a segment's size that is tiny": '[audit]\nsegment_size = "1K"\n',
    "a segment's size that is huge": '[audit]\nsegment_size = "99999999999999999999G"\n',
    "a segment's age that is none": '[audit]\nsegment_age = "soon"\n',
    "fewer segments than none": "[audit]\nkeep = -1\n",
    "segments as text": '[audit]\nkeep = "7"\n',
    "an unknown compression": '[audit]\ncompress = "zip"\n',
    "an unknown sync": '[audit]\nsync = "never"\n',
    "unknown copies": '[audit]\ncopies = "kafka"\n',
    "a hook without a path": '[audit]\nhook = "alarm"\n',
    "a hook with a NUL": '[audit]\nhook = "/bin/a\\u0000b"\n',
    "deep nesting": "x = " + "[" * 3000 + "]" * 3000,
    "a number without end": "x = " + "9" * 5000,
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_file_with_a_mistake_is_refused_whole_and_not_quoted(write: Write, text: str) -> None:
    settings = write(text)
    for _ in range(2):
        with pytest.raises(UnsafeSettings) as caught:
            settings.load()
    assert "hunter2" not in caught.value.text + caught.value.hint
    assert caught.value.hint


def test_a_file_that_is_no_utf_8_is_refused(path: Path) -> None:
    path.write_bytes(b'[mount]\npath = "\xff"\n')
    path.chmod(0o600)
    with pytest.raises(UnsafeSettings):
        SettingsFile(path).load()


@pytest.mark.parametrize(
    "text",
    [
        '[[grant]]\nlevel = "/"\nuid = 1\nboot = "b"\nboot_until = 10.0\n',
        '[[grant]]\nlevel = "/"\nuid = 1\nuntil = "tomorrow"\n',
    ],
    ids=["an end on the boot clock alone", "an end in words"],
)
def test_a_grant_with_half_an_end_is_no_grant_without_end(write: Write, text: str) -> None:
    from envfs.core.access.caller import Caller
    from envfs.core.access.policy import Policy
    from envfs.core.access.rule import Moment

    settings = write(text)
    try:
        grants = settings.load().grants
    except UnsafeSettings:
        return
    now = Moment("b", 1e6, "2026-11-21T12:00:00.000000Z")
    assert Policy(grants, now).decide(Caller(1, 1, 1), "/", now.seconds).decision == "deny"


# -- who could have written it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644, 0o640])
def test_a_file_that_only_its_owner_may_write_is_trusted(write: Write, path: Path, mode: int) -> None:
    settings = write('[mount]\npath = "/m"\n')
    path.chmod(mode)
    assert settings.load().mount == "/m"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o660, 0o777])
def test_a_file_that_others_may_write_is_refused(write: Write, path: Path, mode: int) -> None:
    settings = write('[mount]\npath = "/m"\n')
    path.chmod(mode)
    with pytest.raises(UnsafeSettings, match=f"{mode:04o}"):
        settings.load()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_refused(write: Write, path: Path) -> None:
    settings = write("")
    os.chown(path, 1234, 0)
    with pytest.raises(UnsafeSettings, match="1234"):
        settings.load()


@pytest.mark.parametrize("make", [lambda path: path.mkdir(mode=0o700), os.mkfifo], ids=["a folder", "a pipe"])
def test_what_is_no_file_is_refused_and_never_waited_for(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with soon(), pytest.raises(UnsafeSettings):
        SettingsFile(path).load()


def test_a_file_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnsafeSettings):
        SettingsFile(tmp_path / "file" / "envfs.toml").load()


def test_a_refusal_says_how_to_mend_the_file(write: Write, path: Path) -> None:
    settings = write("")
    path.chmod(0o666)
    with pytest.raises(UnsafeSettings) as caught:
        settings.load()
    assert f"chmod 600 {path}" in caught.value.hint
    path.chmod(0o600)
    later()
    assert settings.load() == Settings()


# -- when it counts ----------------------------------------------------------------------------------------------------


def test_a_change_by_hand_counts_from_the_next_question_on(write: Write, path: Path) -> None:
    settings = write('[mount]\npath = "/a"\n')
    assert settings.load().mount == "/a"
    path.write_text('[mount]\npath = "/b"\n')
    later()
    assert settings.load().mount == "/b"


def test_a_mistake_by_hand_counts_too_and_its_mending(write: Write, path: Path) -> None:
    settings = write('[mount]\npath = "/a"\n')
    settings.load()
    path.write_text("[mount\n")
    later()
    for _ in range(3):
        with pytest.raises(UnsafeSettings):
            settings.load()
    path.write_text('[mount]\npath = "/a"\n')
    later()
    assert settings.load().mount == "/a"


def test_another_file_in_its_place_counts(write: Write, path: Path, tmp_path: Path) -> None:
    settings = write('[mount]\npath = "/a"\n')
    settings.load()
    other = tmp_path / "other"
    other.write_text('[mount]\npath = "/b"\n')
    other.chmod(0o600)
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(path)
    later()
    assert settings.load().mount == "/b"


def test_a_mode_that_was_loosened_counts(write: Write, path: Path) -> None:
    settings = write('[mount]\npath = "/a"\n')
    settings.load()
    path.chmod(0o666)
    later()
    with pytest.raises(UnsafeSettings):
        settings.load()


def test_a_file_that_was_removed_grants_nothing_any_more(write: Write, path: Path) -> None:
    settings = write('[[grant]]\nlevel = "/"\nuid = 1\n')
    assert settings.load().grants
    path.unlink()
    later()
    assert settings.load() == Settings()
    assert settings.load() == Settings()


def test_unchanged_settings_are_the_same_object(write: Write) -> None:
    settings = write('[mount]\npath = "/a"\n')
    first = settings.load()
    later()
    assert settings.load() is first


# -- what is written ---------------------------------------------------------------------------------------------------

BY_HAND = """\
# mine: do not touch
identity = {file = "/root/id.txt"} # plain

# the web server
[[grant]]
level = "/shop" # all of it
uid   = 1001

# nightly backup
[[grant]]
uid = 1002
level = "/"
"""


def end(settings: SettingsFile, level: str, uid: int) -> None:
    """Remove the grants of a uid on exactly this level, as `revoke` does."""
    settings.remove_grants([rule.key for rule in settings.load().grants if (rule.level, rule.uid) == (level, uid)])


def test_a_grant_is_taken_back_alone(write: Write, path: Path) -> None:
    settings = write(BY_HAND)
    end(settings, "/shop", 1001)
    assert settings.load().grants == (Rule("/", 1002),)
    assert all(comment in path.read_text() for comment in ("# mine: do not touch", "# plain", "# nightly backup"))


@pytest.mark.parametrize(("level", "uid"), [("/shop", 1002), ("/", 1001), ("/shop/prod", 1001), ("/blog", 1001)])
def test_a_grant_that_is_not_there_cannot_be_taken_back(write: Write, path: Path, level: str, uid: int) -> None:
    settings = write(BY_HAND)
    end(settings, level, uid)
    assert path.read_text() == BY_HAND


def test_all_grants_of_a_uid_on_a_level_are_taken_back_at_once(write: Write) -> None:
    settings = write(BY_HAND + '[[grant]]\nlevel = "shop/"\nuid = 1001\n')
    end(settings, "/shop", 1001)
    assert settings.load().grants == (Rule("/", 1002),)


def test_the_last_grant_can_be_taken_back(write: Write) -> None:
    settings = write('[[grant]]\nlevel = "/"\nuid = 1\n')
    end(settings, "/", 1)
    assert settings.load().grants == ()


INLINE = {
    "on one line": 'grant = [{level = "/", uid = 1}, {level = "/shop", uid = 7}]\n',
    "on several lines": 'grant = [\n  {level = "/", uid = 1}, # me\n  {level = "/shop", uid = 7},\n]\n',
    "before a table": 'grant = [{level = "/", uid = 1}, {level = "/shop", uid = 7}]\n\n[mount]\npath = "/m" # here\n',
}


@pytest.mark.parametrize("text", INLINE.values(), ids=INLINE)
def test_grants_written_as_an_array_can_be_edited_too(write: Write, text: str) -> None:
    settings = write(text)
    before = settings.load()
    end(settings, "/shop", 7)
    assert settings.load() == before._replace(grants=before.grants[:1])


@pytest.mark.parametrize(
    "text",
    [
        BY_HAND + '\n[[grant]]\nlevel = "/new"\nuid = 7\n[mount]\npath = "/m"\n',
        '[[grant]]\nlevel = "/"\nuid = 1\n\n[mount]\npath = "/m"\n\n[[grant]]\nlevel = "/new"\nuid = 7\n',
    ],
    ids=["tables after grants", "grants apart"],
)
def test_wherever_the_grants_stand_nothing_else_changes(write: Write, text: str) -> None:
    settings = write(text)
    before = settings.load()
    end(settings, "/new", 7)
    assert settings.load() == before._replace(grants=before.grants[:-1])


def test_a_file_with_a_mistake_is_not_edited(write: Write, path: Path) -> None:
    settings = write("[mount\n")
    with pytest.raises(UnsafeSettings):
        settings.remove_grants(["s1"])
    assert path.read_text() == "[mount\n"


def test_a_file_that_others_may_write_is_not_edited(write: Write, path: Path) -> None:
    settings = write(BY_HAND)
    key = settings.load().grants[0].key
    path.chmod(0o666)
    later()
    with pytest.raises(UnsafeSettings):
        settings.remove_grants([key])
    assert path.read_text() == BY_HAND


def test_what_is_written_is_private_and_trusted(path: Path) -> None:
    settings = SettingsFile(path)
    settings.write_defaults("/root/id.txt")
    assert path.stat().st_mode & 0o777 == 0o600
    assert settings.load() == Settings(identity_file="/root/id.txt")
    settings.set_keyring("kernel")
    assert path.stat().st_mode & 0o777 == 0o600
    assert settings.load() == Settings(identity_file="/root/id.txt", keyring="kernel")


@pytest.mark.parametrize("name", ['/a "quoted" \\ path', "/ünï", "/a\nb", "/#'x'"])
def test_any_name_of_an_identity_file_comes_back(path: Path, name: str) -> None:
    settings = SettingsFile(path)
    settings.write_defaults(name)
    assert settings.load().identity_file == name


def test_defaults_replace_nothing(write: Write, path: Path) -> None:
    settings = write(BY_HAND)
    settings.write_defaults("/other")
    assert path.read_text() == BY_HAND


def test_where_nothing_can_be_written_the_old_settings_stay(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises((StoreUnavailable, UnsafeSettings)):
        SettingsFile(blocked / "envfs.toml").set_keyring("kernel")
