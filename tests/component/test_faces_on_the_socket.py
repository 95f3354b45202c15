"""What the socket sends to a caller with placeholders, or with some names only."""

import json
import time
from pathlib import Path

import pytest

from envfs.core.access.face import Face
from envfs.dotenv.placeholders.masking import FIRST_LINE
from envfs.protocol import control
from tests.component.faces import rules_by_process
from tests.component.requesting import code
from tests.component.world import LATER, ME, STRANGER, Context, Replied, World, run

R = control
MASKED, SOME = Face(masked=True), Face(only=("LOG", "PAG*"))
VALUES = (b"hunter2", b"hunter3", b"debug")
PROD, SECRET_NAMES = "/shop/prod", ("DATABASE_URL", "REGION")


@pytest.fixture(scope="module")
def asked(shared: World) -> World:
    return shared


def ask(world: World, request: tuple[object, ...], face: Face) -> Replied:
    """Ask as this process, for which the rules give a face."""
    rules_by_process(world).show(Context(), face)
    return run(lambda: world.sent(request, ME))  # type: ignore[arg-type]


READS = {
    "a value": R.ReadView(PROD, "value", "get", ("DATABASE_URL",)),
    "a text": R.ReadView(PROD, "dotenv", "export"),
    "a text in a dialect": R.ReadView(PROD, "dotenv", "export", (), 0, "node"),
    "json": R.ReadView(PROD, "json", "export"),
    "an environment": R.ReadView(PROD, "exec", "exec"),
    "an environment in part": R.ReadView(PROD, "exec", "exec", ("DATABASE_URL", "LOG")),
    "a lenient environment": R.ReadView(PROD, "exec", "exec", (), 0, "inheriting"),
    "values to be shown": R.ReadView(PROD, "environ", "show"),
    "a version": R.ReadView("/shop", "environ", "show", (), 1),
}


@pytest.mark.parametrize("name", READS)
def test_every_form_that_is_sent_is_masked(asked: World, name: str) -> None:
    plain, masked = ask(asked, READS[name], Face()), ask(asked, READS[name], MASKED)
    assert isinstance(plain.reply, R.ViewSent)
    assert isinstance(masked.reply, R.ViewSent)
    assert (plain.reply.masked, masked.reply.masked) == (False, True)
    assert plain.reply.variables == masked.reply.variables
    assert any(value in plain.blob for value in VALUES)
    assert not any(value in masked.blob for value in VALUES)
    assert (masked.blob.startswith(FIRST_LINE.encode())) == (READS[name].format == "dotenv")


def test_all_forms_have_the_same_placeholders(asked: World) -> None:
    values = json.loads(ask(asked, READS["json"], MASKED).blob)
    environ = ask(asked, READS["values to be shown"], MASKED).blob.decode()
    assert dict(entry.split("=", 1) for entry in environ.split("\0")[:-1]) == values
    assert ask(asked, READS["a value"], MASKED).blob.decode() == values["DATABASE_URL"]


@pytest.mark.parametrize("face", [MASKED, SOME])
@pytest.mark.parametrize(
    "request_",
    [R.ReadView(PROD, "own", "export"), R.ImportText(PROD, dry=True)],
    ids=["own text", "dry import"],
)
def test_what_cannot_be_masked_is_refused_and_on_the_log(
    asked: World, face: Face, request_: tuple[object, ...]
) -> None:
    before = len(asked.entries())
    assert code(ask(asked, request_, face).reply) == "not-approved"
    assert [entry["event"] for entry in asked.entries()[before:]] == ["refuse"]
    assert code(ask(asked, R.ReadView(PROD, "own", "export"), Face()).reply) == "ViewSent"


def test_names_facts_and_history_are_told_to_a_reader_of_placeholders(asked: World) -> None:
    for request in (
        R.ListVariables(PROD),
        R.ListPresence(PROD),
        R.DescribeView(PROD),
        R.ListHistory(PROD),
        R.ReadView(PROD, "example", "export"),
    ):
        plain, masked = ask(asked, request, Face()), ask(asked, request, MASKED)
        assert plain.rows == masked.rows
        assert plain.blob == masked.blob
        assert plain.rows or plain.blob


@pytest.mark.parametrize("masked", [False, True])
def test_some_names_are_all_that_is_told(asked: World, masked: bool) -> None:
    face = SOME._replace(masked=masked)
    requests = [
        *(request for request in READS.values() if not request.only),
        R.ListVariables(PROD),
        R.ListPresence(PROD),
        R.DescribeView(PROD),
        R.ListHistory(PROD),
        R.ReadView(PROD, "example", "export"),
    ]
    for request in requests:
        replied = ask(asked, request, face)
        text = repr((replied.rows, replied.reply)).encode() + replied.blob
        assert not any(name.encode() in text for name in SECRET_NAMES), request
        assert b"LOG" in text or b"PAGER" in text, request


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_hidden_variable_is_like_one_that_is_not_there(asked: World, name: str) -> None:
    for format_name in ("value", "exec", "environ"):
        hidden = ask(asked, R.ReadView(PROD, format_name, "get", (name,)), SOME)
        absent = ask(asked, R.ReadView(PROD, format_name, "get", ("NOPE",)), SOME)
        assert code(hidden.reply) == "no-such-variable"
        assert hidden == absent


WRITES = {
    "a template": (R.SetVariable(PROD, "X", template=True), b"https://${DATABASE_URL}/"),
    "a text": (R.ImportText(PROD), b"X=https://${DATABASE_URL}/\n"),
    "a new text": (R.ImportText(PROD, replace=True), b"X=https://${DATABASE_URL}/\n"),
    "another name": (R.RenameVariable(PROD, "DATABASE_URL", "LOGGED"), None),
    "an old text": (R.Rollback(PROD, 1), None),
    "no text": (R.RemoveLevel(PROD), None),
}


@pytest.mark.parametrize("face", [MASKED, SOME, SOME._replace(masked=True)], ids=["masked", "some", "some masked"])
@pytest.mark.parametrize("name", WRITES)
def test_who_gets_a_part_writes_nothing_that_refers_to_the_rest(world: World, face: Face, name: str) -> None:
    request, text = WRITES[name]
    rules_by_process(world).show(Context(), face)
    head = world.open_vault.vault.head(PROD)
    assert code(run(lambda: world.ask(request, STRANGER, text))) == "not-approved"
    assert world.open_vault.vault.head(PROD) == head
    assert world.entries()[-1]["event"] == "refuse"
    assert code(run(lambda: world.ask(R.SetVariable(PROD, "X"), STRANGER, b"https://${DATABASE_URL}/"))) == "Written"
    view = ask(world, R.ReadView(PROD, "dotenv", "export"), face)
    assert not any(value in view.blob for value in VALUES[:2])


@pytest.mark.parametrize("decision", ["mask", "allow"])
def test_a_rule_about_a_program_of_the_writer_counts_as_well(world: World, decision: str) -> None:
    # by the socket nobody can tell the program, so what that gets may be shown to the writer elsewhere
    path = Path(world.places.rules)
    tables = [f'id = "g1"\nlevel = "{PROD}"\nuid = {STRANGER.uid}\ncan = ["write"]\n']
    tables += [f'id = "g2"\nlevel = "{PROD}"\nuid = {STRANGER.uid}\nexe = "{STRANGER.executable}"\n']
    tables[1] += 'decision = "mask"\n' if decision == "mask" else 'only = ["LOG"]\n'
    path.write_text("next = 3\n" + "".join(f"[[grant]]\n{table}" for table in tables))
    path.chmod(0o600)
    time.sleep(LATER)
    request, text = WRITES["a template"]
    assert code(run(lambda: world.ask(request, STRANGER, text))) == "not-approved"


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["a text", "a value", "a version", "facts", "names"])
def test_what_is_wrong_with_a_hidden_variable_is_told_without_its_name(world: World, name: str, masked: bool) -> None:
    requests: dict[str, tuple[object, ...]] = {
        "a text": R.ReadView("/shop", "dotenv", "export"),
        "a value": R.ReadView("/shop", "value", "get", ("LOG",)),
        "a version": R.ReadView("/shop", "environ", "show", (), 2),
        "facts": R.DescribeView("/shop"),
        "names": R.ListVariables("/shop"),
    }
    assert (
        code(run(lambda: world.ask(R.SetVariable("/shop", "HIDDEN", template=True), secret=b"${NEEDED:?}")))
        == "Written"
    )
    told = ask(world, requests[name], SOME._replace(masked=masked)).reply
    assert not any(word in repr(told) for word in ("HIDDEN", "NEEDED"))
    if name != "facts":
        assert code(told) == "malformed"
        assert "HIDDEN" in repr(ask(world, requests[name], Face(masked=masked)).reply)
