"""The invariant: a hostile input parses or raises EnvFSError, nothing else."""

import contextlib
import io
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from envfs import rules_file
from envfs.core import audit, durations, limits, log_filter, names, pins, record
from envfs.core.access import rule_table
from envfs.core.access.caller import Caller
from envfs.core.access.policy import Policy
from envfs.core.access.rule import Moment, Rule
from envfs.core.log_filter import LogFilter
from envfs.core.log_statistics import Statistics
from envfs.dotenv import merging, writing
from envfs.dotenv.document import parse_document
from envfs.errors import EnvFSError, UnsafeSettings
from envfs.gate.audit_log import chain_verification, log_files, log_reading
from envfs.gate.rule_uses import RuleUses
from envfs.protocol import framing, wire
from envfs.settings import SettingsFile
from envfs.vault import description
from envfs.vault.high_water import Memory
from envfs_cli import arguments, grammar
from envfs_cli.folder_links import state
from envfs_cli.importing import families, json_trees, sources, yaml_trees
from tests.property.messages import TABLES, json_values
from tests.selection import TIMES

DEEP = "[" * 3_000
LONG_NUMBER = "9" * 5_000
DOTENV = [
    "A",
    "export ",
    "=",
    "'",
    '"',
    "`",
    "\\",
    "\n",
    "\r",
    " ",
    "#",
    "$",
    "\ufeff",
    "\0",
    "\ud800",
    "\x85",
    "\u2028",
]
TOML = [
    *(
        "grant",
        "[[grant]]",
        "[mount]",
        "[identity]",
        "level",
        "uid",
        "until",
        "boot",
        "boot_until",
        "path",
        "file",
        "format",
    ),
    *(
        "=",
        '"',
        "'",
        '"""',
        "/",
        "\n",
        "\r",
        "[",
        "]",
        "{",
        "}",
        ",",
        "#",
        ".",
        "-",
        "1",
        "true",
        "inf",
        "nan",
        "2026-01-01",
    ),
    *("\\u0000", "\0", "é", "\ufeff", "[owner]", "id", "created", "recipient", "signing_key"),
]
JSON = [
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "\\",
    "\\ud800",
    "1",
    "-",
    "1e999",
    "NaN",
    "true",
    "null",
    "seq",
    "prev",
    "\n",
    "\0",
]
YAML = [
    *(
        "A",
        "B: ",
        ": ",
        "- ",
        "? ",
        "\n",
        "  ",
        "\n  ",
        "\t",
        "{",
        "}",
        "[",
        "]",
        ",",
        "#",
        "'",
        '"',
        "|",
        ">",
        "|-\n  x",
    ),
    *(
        "&a ",
        "*a",
        "*a ",
        "<<: *a\n",
        "<<: [*a]\n",
        "!!str ",
        "!!binary x",
        "!x ",
        "!<",
        "%YAML 1.2\n",
        "---\n",
        "...\n",
    ),
    *(
        "~",
        "null",
        "1.10",
        "0o10",
        "NO",
        "\\x41",
        "\\ud800",
        "$",
        "$$",
        "${X:-",
        "}",
        "\0",
        "\x85",
        "\u2028",
        "\ufeff",
        "é",
    ),
    *("services:\n", "  web:\n", "    environment:\n", "      A: 1\n", "      - A=1\n"),
]


def pieces(words: Iterable[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(list(words)) | st.text(max_size=4), max_size=40).map("".join)


def hostile(words: Iterable[str]) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=200) | pieces(words).map(lambda text: text.encode("utf-8", "surrogatepass"))


@given(pieces(DOTENV) | st.text())
@example("A=" + "'" * 5001)
@example('A="' + "\\" * 5001)
@example("\ufeff" * 5000)
@example("A" * 5000 + "=")
def test_dotenv_text(text: str) -> None:
    with contextlib.suppress(EnvFSError):
        document = parse_document(text)
        assert document.render() == text
        with contextlib.suppress(EnvFSError):
            document.check()
            writing.environ_bytes(document.variables())
            writing.portable_text(merging.merge_layers([merging.Layer("/", document)]).variables)


def imported(tree: object) -> None:
    """Take whatever can be taken of a tree; what it gives is read back by us."""
    takers = [lambda: sources.of_tree(tree, None), lambda: sources.of_tree(tree, "_")]  # type: ignore[arg-type]
    takers += [lambda: sources.of_compose(tree, None), lambda: sources.of_compose(tree, "web")]  # type: ignore[arg-type]
    for take in takers:
        with contextlib.suppress(EnvFSError):
            source = take()
            source.check()
            taken = {each.name for each in source.variables if each.line}
            document = parse_document(source.text)
            document.check()
            assert set(document.variables()) == taken


@given(pieces(JSON) | json_values.map(json.dumps) | st.text())
@example(DEEP)
@example('{"A":' * 3000)
@example(f'{{"A": {LONG_NUMBER}}}')
@example('{"A": "\\ud800", "B\\u0000": 1}')
def test_json_for_import(text: str) -> None:
    with contextlib.suppress(EnvFSError):
        imported(json_trees.parse_json(text))


@given(pieces(YAML) | json_values.map(json.dumps) | st.text())
@example(DEEP)
@example("? " * 3000)
@example("&a [*a]")
@example("a: &a {<<: *a}")
@example("A: !!float {}")
@example("<<: [{<<: {A: 1}}]")
def test_yaml_for_import(text: str) -> None:
    with contextlib.suppress(EnvFSError):
        imported(yaml_trees.parse_yaml(text))


@settings(suppress_health_check=list(HealthCheck))
@given(hostile([*TOML, 'level = "/shop"', "level"]))
@example(b'level = "/shop"')
@example(b"level = " + b"[" * 2000)
def test_a_folders_level(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / ".envfs.toml"
    path.write_bytes(data)
    path.chmod(0o600)
    with contextlib.suppress(UnsafeSettings):
        assert names.parse_level(state.read_link_file(str(tmp_path)))


@settings(suppress_health_check=list(HealthCheck))
@given(data=hostile(JSON) | json_values.map(lambda value: json.dumps({"/x": value}).encode()))
def test_the_list_of_linked_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setenv("ENVFS_HOME", str(tmp_path))
    path = tmp_path / "state" / "linked.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o600)
    with contextlib.suppress(UnsafeSettings):
        state.remembered_folders()


FAMILY = st.sampled_from(
    [".env", ".env.local", ".env.defaults", ".env.test", ".env.p", ".env.p.local", ".env..", ".env.~"]
)


@given(st.dictionaries(FAMILY | st.text(max_size=5).map(".env.{}".format), pieces(DOTENV), max_size=5))
def test_a_family_of_files(files: dict[str, str]) -> None:
    for order in families.ORDERS:
        with contextlib.suppress(EnvFSError):
            members, skipped = families.sort_family(files, order)
            assert {*members, *(file for file, _ in skipped)} == set(files)
            for planned in families.plan_levels({file: parse_document(files[file]) for file in members}, order):
                parse_document(planned.text)
                assert names.parse_level("/" + "/".join(planned.below))


@given(pieces(DOTENV), st.text(max_size=6), pieces(DOTENV))
def test_setting_and_unsetting_a_variable(text: str, name: str, value: str) -> None:
    with contextlib.suppress(EnvFSError):
        document = parse_document(text)
        with contextlib.suppress(EnvFSError):
            document.unset(name)
        assert parse_document(document.set(name, value).render()).variables()[name] == value


@given(st.text() | pieces(["/", "a", ".", "..", "-", "_", "\0", "é"]))
@example("/" * 100_000)
@example("a/" * 100_000)
def test_a_level(text: str) -> None:
    with contextlib.suppress(EnvFSError):
        found = names.parse_level(text)
        assert names.parse_level(found) == found
        assert all(names.within(found, step) for step in names.chain(found))
        assert record.level_stream(found).isascii()
    with contextlib.suppress(EnvFSError):
        assert names.parse_variable(text) == text


@given(st.lists(hostile(JSON), max_size=5), st.sampled_from([0, 10, 1000]))
@example([framing.encode_frame({"blobs": [5]})], 10)
@example([len(DEEP).to_bytes(4, "big") + DEEP.encode()], 0)
@example([len(LONG_NUMBER + "{}:").to_bytes(4, "big") + b'{"":' + LONG_NUMBER.encode()], 0)
def test_frames(parts: list[bytes], blob_bytes: int) -> None:
    decoder = framing.Decoder(blob_bytes)
    with contextlib.suppress(EnvFSError):
        for part in parts:
            decoder.feed(part)
            while decoder.next() is not None:
                pass


@given(hostile(JSON), st.integers(0, 1 << 33))
def test_a_frame_of_any_length(text: bytes, size: int) -> None:
    for length in (len(text), size & 0xFFFFFFFF):
        decoder = framing.Decoder(100)
        decoder.feed(length.to_bytes(4, "big") + text)
        with contextlib.suppress(EnvFSError):
            decoder.next()


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@settings(max_examples=25 * TIMES)
@given(data=st.data())
def test_messages(table: dict[str, type], data: st.DataObject) -> None:
    kind = table[data.draw(st.sampled_from(sorted(table)))]
    fields = data.draw(
        st.dictionaries(st.sampled_from([*kind.__annotations__, "type", "x"]), json_values, max_size=8)
        | st.fixed_dictionaries(dict.fromkeys(kind.__annotations__, json_values))
    )
    with contextlib.suppress(EnvFSError):
        wire.from_body({**fields, "type": wire.name_of(kind)}, table)
    with contextlib.suppress(EnvFSError):
        wire.from_body(fields, table)


@given(hostile(JSON) | json_values.map(lambda value: json.dumps(value).encode()))
@example(DEEP.encode())
@example(b'{"protected":' + LONG_NUMBER.encode() + b"}")
@example(b'{"protected":"' + b"A" * 100_000 + b'","iv":"","ciphertext":"","tag":"","signature":""}\n')
def test_records(data: bytes) -> None:
    with contextlib.suppress(EnvFSError):
        record.parse_record(data)


@given(hostile(JSON) | json_values.map(lambda value: json.dumps(value).encode()))
@example(DEEP.encode())
@example(b'{"seq":' + LONG_NUMBER.encode() + b"}")
def test_protected_headers(data: bytes) -> None:
    members = ("protected", "iv", "ciphertext", "tag", "signature")
    protected = record.to_base64(data)
    stored = (
        json.dumps(dict(zip(members, (protected, "", "", "", ""), strict=True)), separators=(",", ":")).encode() + b"\n"
    )
    with contextlib.suppress(EnvFSError):
        record.parse_protected(protected)
    with contextlib.suppress(EnvFSError):
        record.parse_record(stored)


@given(st.text() | json_values)
def test_base64(value: object) -> None:
    with contextlib.suppress(EnvFSError):
        record.from_base64(value)


entries = st.fixed_dictionaries(
    {},
    optional={
        "seq": json_values | st.sampled_from([1, True, 1.0, "1"]),
        "prev": json_values | st.just(audit.START),
        "event": json_values | st.just("checkpoint"),
        "signature": json_values,
    },
).map(lambda body: json.dumps(body).encode() + b"\n")


@given(st.lists(hostile(JSON) | entries, max_size=4))
@example([DEEP.encode() + b"\n"])
@example([b'{"seq":' + LONG_NUMBER.encode() + b"}\n"])
def test_access_logs(lines: list[bytes]) -> None:
    with contextlib.suppress(EnvFSError):
        for _, body in audit.walk_chain(lines):
            audit.find_checkpoint(body)


@settings(suppress_health_check=list(HealthCheck))
@given(st.lists(hostile(JSON) | entries, max_size=4), st.integers(-1, 300), st.integers(-1, 300))
def test_access_log_files(tmp_path: Path, lines: list[bytes], seq: int, size: int) -> None:
    path = tmp_path / "access.jsonl"
    path.write_bytes(b"".join(lines))
    with contextlib.suppress(EnvFSError):
        chain_verification.verify_chain(path)
    with contextlib.suppress(EnvFSError):
        log_reading.follow_chain(path, log_files.LogEnd(seq, audit.START, size), lambda _end, _body: None)
    statistics = Statistics()
    for count in (0, 1, 3):
        for line in log_reading.newest_lines(path, count):
            statistics.take(line)
        for criteria in (
            LogFilter("/shop", 0, "sh*", "bash"),
            LogFilter(since="2026", until="2027"),
            LogFilter(event="read"),
        ):
            list(log_reading.newest_matching(path, count, log_filter.acceptor(criteria)))
    assert not [*statistics.callers()] or [*statistics.hours()]


@given(st.text() | st.from_regex(r"\d+:[0-9a-f]{60,70}"))
def test_pins(text: str) -> None:
    with contextlib.suppress(EnvFSError):
        pins.parse_pin(text)


@given(hostile(TOML))
@example(b"format = 1\nx = " + DEEP.encode())
@example(b"format = " + LONG_NUMBER.encode())
@example(b"format = 1\nowner = 1\n")
@example(b"format = 1\n[[owner]]\n")
def test_descriptions(data: bytes) -> None:
    with contextlib.suppress(EnvFSError):
        description.parse_description(data)


@settings(suppress_health_check=list(HealthCheck))
@given(data=hostile(TOML))
@example(b"x = " + DEEP.encode())
@example(b"x = " + LONG_NUMBER.encode())
@example(b"grant = 1\n")
@example(b"grant = [1]\n")
@example(b"grant = [[]]\n")
@example(b"[[grant]]\nlevel = 1\nuid = 1\n")
@example(b"mount = 1\n")
@example(b"[grant.x]\n")
@example(b'[[grant]]\nlevel = "/"\nuid = 1\nboot_until = inf\nboot = ""\nuntil = "2026-01-01T00:00:00.000000Z"\n')
def test_settings(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "envfs.toml"
    path.write_bytes(data)
    path.chmod(0o600)
    with contextlib.suppress(UnsafeSettings):
        SettingsFile(path).load()


RULE_KEYS = st.sampled_from([*rule_table._KEYS, "next", "allow", "grant"])
RULE_VALUES = st.one_of(
    st.sampled_from(
        ['"/"', '"/shop"', "1", "0", "-1", "true", "nan", "inf", "1.5", "[]", '["read"]', '["admin"]', '["A*"]']
    ),
    st.sampled_from(
        ['"deny"', '"mask"', '"g1"', '"/bin/sh"', f'"{"0" * 64}"', '"2099-01-01T00:00:00.000000Z"', "1e300"]
    ),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.integers().map(str),
)
RULES = st.lists(
    st.dictionaries(RULE_KEYS, RULE_VALUES, max_size=7).map(
        lambda table: "[[grant]]\n" + "".join(f"{key} = {value}\n" for key, value in table.items())
    ),
    max_size=3,
).map(lambda tables: ("next = 9\n" + "".join(tables)).encode(errors="replace"))
STRANGER = Caller(4_000_000, 4_000_000, 1, "/nowhere")


def check_rules(data: bytes) -> None:
    """Rules are read or refused; what is read is written back the same, and lets in nobody whom it does not name."""
    try:
        rules = rules_file.parse_rules(data)
    except EnvFSError:
        return
    assert rules_file.parse_rules(rules_file.rules_text(rules).encode()) == rules
    policy = Policy(rules.rules, Moment("boot", 1.0, "2026-11-21T12:00:00.000000Z"))
    verdict = policy.decide(STRANGER, "/shop", 2.0)
    assert verdict.decision == "deny" or any(not rule.uid and not rule.exe for rule in rules.rules)
    assert verdict.rule.isprintable()


@given(hostile(TOML) | RULES)
@example(b"next = 2\ngrant = [1]\n")
@example(b"grant = " + DEEP.encode())
@example(b"next = " + LONG_NUMBER.encode())
def test_rules(data: bytes) -> None:
    check_rules(data)


@pytest.mark.soak
@settings(max_examples=50_000)
@given(hostile(TOML) | RULES)
def test_many_rules(data: bytes) -> None:
    check_rules(data)


@settings(suppress_health_check=list(HealthCheck))
@given(data=st.lists(hostile(JSON), max_size=4).map(b"\n".join))
@example(DEEP.encode())
@example(b'{"rule": "g1", "boot": "x", "pidfd": ' + LONG_NUMBER.encode() + b"}")
def test_uses_of_rules(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "uses.jsonl"
    path.write_bytes(data)
    RuleUses(path).admits(Rule("/", 1, id="g1", max_reads=1), 7)


@settings(suppress_health_check=list(HealthCheck))
@given(data=st.lists(hostile(JSON), max_size=4).map(b"\n".join))
@example(DEEP.encode())
@example(b'{"stream":"x","seq":' + LONG_NUMBER.encode() + b',"digest":""}')
def test_what_was_seen(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "seen.jsonl"
    path.write_bytes(data)
    with contextlib.suppress(EnvFSError):
        Memory(path)


WORDS = [
    "/shop",
    "A",
    "-",
    "--",
    "-n",
    "--json",
    "--help",
    "--only",
    "--ttl",
    "5m",
    "7",
    "-f",
    "json",
    "-x",
    "=",
    "",
    "\0",
    "é",
]


@pytest.mark.parametrize("command", grammar.all_commands(), ids=lambda command: command.name)
@settings(max_examples=15 * TIMES)
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=6))
def test_command_lines(command: grammar.Command, words: list[str]) -> None:
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        try:
            arguments.read_values(command, words)
        except SystemExit as end:
            assert end.code in (0, 2)  # noqa: PT017 - either outcome is a pass
        except EnvFSError:
            return


READERS: dict[str, Callable[[str], object]] = {
    "a duration": durations.parse_duration,
    "a list": arguments.name_list,
    "a number": arguments.parse_number,
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(text=st.text() | st.from_regex(r"[0-9]{1,20}[smhd]?", fullmatch=True))
@example(text=LONG_NUMBER)
@example(text=LONG_NUMBER + "s")
def test_values_of_options(reader: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(ValueError):  # what argparse takes for a mistake
        reader(text)


@pytest.mark.parametrize("size", [limits.TEXT_BYTES, limits.TEXT_BYTES + 1, 10 * limits.TEXT_BYTES])
@pytest.mark.parametrize("piece", ["'", '"\\', "A='\n", "\ufeffé"])
def test_the_longest_texts_are_read_or_refused_in_a_bounded_time(piece: str, size: int) -> None:
    text = (piece * (size // len(piece.encode()) + 1)).encode()[:size].decode(errors="ignore")
    started = time.process_time()
    with contextlib.suppress(EnvFSError):
        parse_document(text)
    assert time.process_time() - started < 30  # a quadratic scan would take hours
