"""The rotation of variables: its steps in a level's text, and what is due for whom."""

import pytest

from envfs.core.access.roles import Capability
from envfs.core.operations import Operation
from envfs.gate.value_ages import ValueAges
from envfs.host import clocks
from envfs.protocol import control
from tests.component.requesting import code
from tests.component.test_roles import let
from tests.component.world import STRANGER, World, run

R = control
LEVEL = "/wiki/a"
DAY = 86_400


def write(world: World, text: str) -> None:
    run(lambda: world.ask(R.ImportText(LEVEL, replace=True), secret=text.encode()))


def step(world: World, phase: str, value: str | None = None, overlap: int = 0, name: str = "A") -> object:
    secret = None if value is None else value.encode()
    return run(lambda: world.ask(R.RotateVariable(LEVEL, name, phase, overlap=overlap), secret=secret))


def rows(world: World, request: R.ListRotations, who: object = None) -> dict[str, R.RotationRow]:
    caller = {} if who is None else {"caller": who}
    sent = run(lambda: world.sent(request, **caller)).rows  # type: ignore[arg-type]
    return {row.name: row for row in sent if isinstance(row, R.RotationRow)}


def own_text(world: World) -> str:
    return run(lambda: world.sent(R.ReadView(LEVEL, "own", "show"))).blob.decode()


def versions(world: World) -> list[R.VersionRow]:
    sent = run(lambda: world.sent(R.ListHistory(LEVEL))).rows
    return [row for row in sent if isinstance(row, R.VersionRow)]


def test_at_once_a_value_is_replaced_in_one_version_that_says_so(world: World) -> None:
    write(world, "# @rotate 90d\nA='old' # words\nB=2\n")
    reply = step(world, "direct", "new")
    assert isinstance(reply, R.Written)
    assert (reply.version, reply.changed, reply.added) == (2, ("A",), ())
    assert own_text(world) == "# @rotate 90d\nA='new' # words\nB=2\n"
    assert versions(world)[0].operation == "rotate"
    assert versions(world)[0].message == "a new value for A"


def test_by_steps_the_new_value_stands_beside_the_old_one_until_it_is_applied(world: World) -> None:
    write(world, "A=old\nB=2\n")
    step(world, "begin", "new")
    head, mark, pending, last = own_text(world).splitlines()
    assert (head, pending, last) == ("A=old", "A_NEXT=new", "B=2")
    assert mark.startswith("# @rotation-begun 20")
    step(world, "apply", overlap=DAY)
    head, mark, previous, last = own_text(world).splitlines()
    assert (head, previous, last) == ("A=new", "A_PREVIOUS=old", "B=2")
    assert mark.startswith("# @overlap-until 20")
    step(world, "finish")
    assert own_text(world) == "A=new\nB=2\n"
    assert [row.operation for row in versions(world)] == ["rotate", "rotate", "rotate", "replace"]


def test_another_value_than_the_one_that_was_applied_does_not_take_its_place(world: World) -> None:
    write(world, "A=old\n")
    step(world, "begin", "first")
    step(world, "abort")
    step(world, "begin", "second")
    before = own_text(world)
    assert code(step(world, "apply", "first")) == "conflict"
    assert own_text(world) == before
    step(world, "apply", "second")
    assert own_text(world) == "A=second\n"


def test_a_rotation_that_is_given_up_leaves_the_text_as_it_was(world: World) -> None:
    write(world, "A=old")
    step(world, "begin", "new")
    step(world, "abort")
    assert own_text(world) == "A=old\n"


@pytest.mark.parametrize(
    ("text", "phase", "value", "overlap", "refusal"),
    [
        ("B=1\n", "direct", "x", 0, "no-such-variable"),
        ("A=1\n", "direct", "", 0, "malformed"),
        ("A=1\n", "direct", "1", 0, "malformed"),
        ("A=postgres://u:p@h/d\n", "direct", "abc", 0, "malformed"),
        ("A='-----BEGIN X-----'\n", "begin", "abc", 0, "malformed"),
        ("A=1\nA_NEXT=mine\n", "begin", "x", 0, "already-exists"),
        ("A=1\nA_NEXT=mine\n", "direct", "x", 0, "already-exists"),
        ("A=1\n# @rotation-begun 2026-01-01T00:00Z\nA_NEXT=2\n", "begin", "x", 0, "already-exists"),
        ("A=1\nA_PREVIOUS=mine\n", "direct", "x", DAY, "already-exists"),
        ("A=1\nA_PREVIOUS=mine\n", "begin", "x", DAY, "already-exists"),
        ("A=1\n# @overlap-until 2099-01-01\nA_PREVIOUS=0\n", "direct", "x", DAY, "already-exists"),
        ("A=1\n# @overlap-until 2099-01-01\nA_PREVIOUS=0\n", "begin", "x", DAY, "already-exists"),
        ("B=1\nA=x${B}\n", "direct", "x", DAY, "malformed"),
        ("A=1\n", "apply", None, 0, "no-such-variable"),
        ("A=1\nA_NEXT=mine\n", "apply", None, 0, "no-such-variable"),
        ("A=1\nA_NEXT=mine\n", "abort", None, 0, "no-such-variable"),
        ("# @rotation-begun 2026-01-01T00:00Z\nA_NEXT=2\n", "apply", None, 0, "no-such-variable"),
        ("A=1\nA_PREVIOUS=mine\n", "finish", None, 0, "no-such-variable"),
        ("A=1\n", "dance", None, 0, "bad-request"),
    ],
)
def test_a_step_that_would_lose_something_is_refused_and_changes_nothing(
    world: World, text: str, phase: str, value: str | None, overlap: int, refusal: str
) -> None:
    write(world, text)
    assert code(step(world, phase, value, overlap)) == refusal
    assert own_text(world) == text
    assert len(versions(world)) == 1


def test_a_later_overlap_takes_the_place_of_one_that_is_over(world: World) -> None:
    write(world, "A=1\n# @overlap-until 2020-01-01\nA_PREVIOUS=0\nB=2\n")
    step(world, "direct", "new", DAY)
    lines = own_text(world).splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["A=new", "A_PREVIOUS=1", "B=2"]
    assert len([line for line in lines if line.startswith("# @overlap-until")]) == 1


def test_a_refusal_tells_one_who_may_write_alone_nothing_of_the_value(world: World) -> None:
    write(world, "A=postgres://u:p@h/d\n")
    let(world, LEVEL, frozenset({Capability.WRITE, Capability.NAMES}))
    for guess in (b"postgres://u:p@h/d", b"abc"):
        reply = run(lambda guess=guess: world.ask(R.RotateVariable(LEVEL, "A", "direct"), STRANGER, guess))
        assert reply == R.Written(LEVEL, 0)


def test_directives_go_where_their_variable_goes(world: World) -> None:
    write(world, "# @rotate 90d\nA=1\n# @owner b\nB=2\nC=3\n")
    run(lambda: world.ask(R.RenameVariable(LEVEL, "A", "Z")))
    run(lambda: world.ask(R.UnsetVariable(LEVEL, "B")))
    assert own_text(world) == "# @rotate 90d\nZ=1\nC=3\n"
    run(lambda: world.ask(R.CopyVariables("/blog", LEVEL, ("Z",))))
    run(lambda: world.ask(R.ImportText("/blog"), secret=b"# @rotate 7d\nNEW=1\n"))
    said = rows(world, R.ListRotations("/blog", every=True))
    assert {name: row.period // DAY for name, row in said.items()} == {"Z": 90, "NEW": 7}


def test_what_is_wrong_with_a_directive_is_told_and_keeps_nobody_from_reading(world: World) -> None:
    reply = run(lambda: world.ask(R.ImportText(LEVEL), secret=b"# @rotate soon\nA=1\n"))
    assert isinstance(reply, R.Written)
    assert reply.notes[0].startswith("line 1, column 3: @rotate takes")
    sent = run(lambda: world.sent(R.DescribeView(LEVEL))).rows
    assert [row[:3] for row in sent if isinstance(row, R.WrongDirectiveRow)] == [(LEVEL, 1, 3)]
    assert run(lambda: world.sent(R.ReadView(LEVEL, "value", "get", ("A",)))).blob == b"1"


def test_a_value_counts_from_the_version_that_set_it_under_whatever_name(world: World) -> None:
    write(world, "# @rotate 90d\n\nA=1\nB=1\nC=x\n")
    for number in range(2, 6):
        run(lambda number=number: world.ask(R.SetVariable(LEVEL, "B"), secret=str(number).encode()))
    run(lambda: world.ask(R.RenameVariable(LEVEL, "A", "A2")))
    run(lambda: world.ask(R.SetVariable(LEVEL, "C"), secret=b"y"))
    run(lambda: world.ask(R.SetVariable(LEVEL, "C"), secret=b"x"))
    said = rows(world, R.ListRotations(LEVEL, every=True))
    assert {name: row.version for name, row in said.items()} == {"A2": 1, "B": 5, "C": 8}
    assert all(row.exact for row in said.values())


def test_what_was_forgotten_may_be_older_than_the_oldest_version(world: World) -> None:
    write(world, "# @rotate 90d\nA=1\nB=1\n")
    for number in range(2, 6):
        run(lambda number=number: world.ask(R.SetVariable(LEVEL, "B"), secret=str(number).encode()))
    run(lambda: world.ask(R.ForgetVersions(LEVEL, 4)))
    row = rows(world, R.ListRotations(LEVEL, every=True))["A"]
    assert (row.version, row.exact) == (4, False)


def test_the_search_is_right_for_each_place_in_a_history(world: World) -> None:
    write(world, "A=0\nB=0\n")
    for number in range(1, 25):
        name = "A" if number % 7 == 0 else "B"
        run(lambda number=number, name=name: world.ask(R.SetVariable(LEVEL, name), secret=str(number).encode()))
    open_vault = world.open_vault
    ages = run(lambda: ValueAges(open_vault.vault, world.keyholder).ages(LEVEL, ("A", "B"), by_value=True))
    assert {name: age.version for name, age in ages.items()} == {"A": 22, "B": 25}


def test_few_questions_are_asked_about_a_long_history(world: World) -> None:
    write(world, "A=1\nB=0\n")
    for number in range(1, 30):
        run(lambda number=number: world.ask(R.SetVariable(LEVEL, "B"), secret=str(number).encode()))
    open_vault, before = world.open_vault, len(world.keyholder.asked)
    ages = run(lambda: ValueAges(open_vault.vault, world.keyholder).ages(LEVEL, ("A", "B"), by_value=True))
    assert {name: age.version for name, age in ages.items()} == {"A": 1, "B": 30}
    assert world.keyholder.asked[before:].count("MatchValues") <= 3


def test_what_is_due_is_listed_with_its_owner_and_its_command(world: World) -> None:
    write(
        world,
        "# @owner team\n\n# @expires 2020-01-01\nA=1\n# @expires 2099-01-01\n# @rotate-with ./x y\nB=2\n"
        "# @overlap-until 2020-01-01\nC_PREVIOUS=0\n# @rotation-begun 2020-01-01T00:00Z\nC_NEXT=2\nC=1\n",
    )
    due = rows(world, R.ListRotations())
    assert {name: row.state for name, row in due.items()} == {"A": "expired", "C_PREVIOUS": "over", "C_NEXT": "begun"}
    assert (due["A"].owner, due["A"].due[:10], due["A"].version) == ("team", "2020-01-02", 1)
    assert rows(world, R.ListRotations("/shop")) == {}
    soon = rows(world, R.ListRotations(within=100 * 365 * DAY))
    assert (soon["B"].state, soon["B"].with_command, soon["B"].has_hooks) == ("soon", "./x y", True)
    named = rows(world, R.ListRotations(LEVEL, name="C"))
    assert {name: row.owner for name, row in named.items()} == {"C": "team"}


def test_a_value_is_due_when_its_time_has_come(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write(world, "# @rotate 1h\nA=1\n")
    assert rows(world, R.ListRotations()) == {}
    later = clocks.time_text(clocks.moment_of(clocks.parse_nanoseconds(clocks.wall_time()) + 3601 * 10**9))
    monkeypatch.setattr(clocks, "wall_time", lambda: later)
    assert rows(world, R.ListRotations())["A"].state == "due"


TOLD: dict[str, tuple[set[Capability], dict[str, tuple[int, str]]]] = {
    "the names and the history": ({Capability.NAMES, Capability.HISTORY}, {"A": (1, "")}),
    "the values as well": ({Capability.NAMES, Capability.HISTORY, Capability.READ}, {"A": (1, "./x")}),
    "the names alone": ({Capability.NAMES}, {}),
    "the history alone": ({Capability.HISTORY}, {}),
    "values to write and not to read": ({Capability.NAMES, Capability.HISTORY, Capability.WRITE}, {"A": (0, "")}),
}


@pytest.mark.parametrize(("can", "told"), TOLD.values(), ids=TOLD)
def test_a_caller_is_told_what_its_rule_gives(
    world: World, can: set[Capability], told: dict[str, tuple[int, str]]
) -> None:
    write(world, "# @rotate 1d\n# @expires 2020-01-01\n# @rotate-with ./x\nA=1\n")
    let(world, LEVEL, frozenset(can))
    listed = rows(world, R.ListRotations(), STRANGER)
    assert {name: (row.version, row.with_command) for name, row in listed.items()} == told


def test_a_caller_with_placeholders_that_may_write_gets_no_ages(world: World) -> None:
    write(world, "# @rotate 1d\nA=1\n")
    can = frozenset({Capability.NAMES, Capability.HISTORY, Capability.READ, Capability.WRITE})
    let(world, LEVEL, can, 'decision = "mask"\n')
    assert [row.version for row in rows(world, R.ListRotations(), STRANGER).values()] == [0]
    for guess in (b"1", b"2"):
        run(lambda guess=guess: world.ask(R.SetVariable(LEVEL, "A"), STRANGER, guess))
    sent = run(lambda: world.sent(R.ListHistory(LEVEL), STRANGER)).rows
    assert len({(row.changed, row.added) for row in sent[:2] if isinstance(row, R.VersionRow)}) == 1


def test_names_that_a_rule_does_not_show_are_not_listed(world: World) -> None:
    write(world, "# @expires 2020-01-01\n\nA=1\nSECRET=2\n")
    let(world, LEVEL, frozenset({Capability.NAMES, Capability.HISTORY, Capability.READ}), 'only = ["A"]\n')
    assert set(rows(world, R.ListRotations(), STRANGER)) == {"A"}


def test_each_level_that_is_looked_at_is_in_the_log(world: World) -> None:
    write(world, "# @expires 2020-01-01\nA=1\n")
    rows(world, R.ListRotations("/wiki"))
    entry = world.entries()[-1]
    assert (entry["event"], entry["format"], entry["level"]) == ("read", "history", LEVEL)


def test_a_rotation_is_an_operation_of_its_own_in_the_log(world: World) -> None:
    write(world, "A=1\n")
    step(world, "direct", "new")
    assert [entry["operation"] for entry in world.entries() if entry["event"] == "write"][-1] == Operation.ROTATE
