"""`explain` and `check`: where values come from and what is wrong with them, on a real vault."""

import json
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.system.home import Home

_ROOT = "HOST=db\nPASSWORD='hunter2-sentinel'\nURL=\"pg://${HOST}:${PORT}/${NAME:-main}\"\nEMPTY=\n"
_SHOP = "PORT=5432\nLD_PRELOAD=/x.so\nODD='a $(hunter3-sentinel) b'\nLOST=\"${NOWHERE}\"\n"


@pytest.fixture(scope="module")
def checked(new_home: Homes) -> Home:
    """Give a home with templates at two levels."""
    home = new_home()
    home.envfs("import", "-", "/", given=_ROOT)
    home.envfs("import", "-", "/shop", given=_SHOP)
    home.envfs("import", "-", "/shop/prod", given="HOST=prod-db\n")
    return home


def test_a_view_has_what_templates_mean_at_its_level(checked: Home) -> None:
    assert checked.envfs("get", "/shop/prod", "URL").text == "pg://prod-db:5432/main\n"
    assert checked.envfs("get", "/shop", "URL").text == "pg://db:5432/main\n"
    assert checked.envfs("get", "/", "URL").text == "pg://db:/main\n"


def test_explain_says_where_a_value_comes_from_and_not_what_it_is(checked: Home) -> None:
    said = checked.envfs("explain", "/shop/prod", "URL").text
    assert said.splitlines() == [
        "URL at /shop/prod",
        "  set at     /",
        "  refers to  HOST  (/shop/prod)",
        "  refers to  PORT  (/shop)",
        "  refers to  line 3, column 27  (not set)",
    ]
    assert "prod-db" not in said
    assert "  value      pg://prod-db:5432/main" in checked.envfs("explain", "/shop/prod", "URL", "--reveal").text
    overridden = checked.envfs("explain", "/shop/prod", "HOST").text.splitlines()
    assert overridden[1:] == ["  set at     /shop/prod", "  set at     /  (overridden)"]
    assert json.loads(checked.envfs("explain", "/shop", "LOST", "--json").out)["dangling"] == [
        {"kind": "undefined", "chain": ["LOST"], "level": "/shop", "line": 4, "column": 7}
    ]
    checked.envfs("explain", "/shop", "NO_SUCH", status=104)


def test_check_names_problems_and_shows_no_value(checked: Home) -> None:
    said = checked.envfs("check", "/shop/prod", status=100)
    rows = [tuple(row.split("\t")[:2]) for row in said.text.splitlines()]
    assert rows[0] == ("undefined", "LOST")
    assert {("dangerous", "LD_PRELOAD"), ("misread", "ODD"), ("empty", "EMPTY"), ("empty", "LOST")} <= set(rows)
    assert "sentinel" not in said.text + said.complaint
    said = checked.envfs("check", "/", status=100)
    assert said.text.startswith("undefined\tURL\tURL: no level sets the name at line 3, column 19 of /\n")


def test_check_against_an_example_or_a_schema(checked: Home, tmp_path: Path) -> None:
    example = tmp_path / ".env.example"
    example.write_text("# what it needs\nHOST=\nPORT=\nSENTRY_DSN=\n", encoding="utf-8")
    found = json.loads(checked.envfs("check", "/shop/prod", "--against", str(example), "--json", status=100).out)
    assert [row["name"] for row in found if row["kind"] == "missing"] == ["SENTRY_DSN"]
    assert {row["name"] for row in found if row["kind"] == "extra"} >= {"PASSWORD", "URL"}
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"required": ["HOST"], "properties": {"PORT": {}}}), encoding="utf-8")
    found = json.loads(checked.envfs("check", "/shop/prod", "--against", str(schema), "--json", status=100).out)
    assert not [row for row in found if row["kind"] == "missing"]
    schema.write_text("[]", encoding="utf-8")
    assert "no JSON Schema" in checked.envfs("check", "/shop", "--against", str(schema), status=100).complaint
    checked.envfs("check", "/shop", "--against", str(tmp_path / "none"), status=100)


def test_a_level_in_order_passes_and_a_doubt_fails_only_when_asked_to(home: Home) -> None:
    home.envfs("set", "/app", "A", given="fine")
    home.envfs("check", "/app", "--strict")
    home.envfs("set", "/app", "B", given='it\'s "quoted"')
    assert home.envfs("check", "/app").text.startswith("misread\tB\t' and \":")
    home.envfs("check", "/app", "--strict", status=100)


def test_strangers_are_told_nothing(checked: Home) -> None:
    with checked.served():
        checked.envfs("check", "/shop", uid=1002, status=102)
        checked.envfs("explain", "/shop", "URL", uid=1002, status=102)
        assert {row["level"] for row in checked.refusals(1002)} == {"/shop"}


def test_a_part_of_a_value_is_no_name_to_tell_anybody(home: Home, ground: Path) -> None:
    level, secret, parts = "/worn", "correct$horse${battery}${staple:-$tack}", ("horse", "battery", "staple", "tack")
    file = ground / "worn.env"
    file.write_text(f"OTHER=1\nPASSWORD={secret}\n", encoding="utf-8")
    with home.served():
        home.envfs("grant", level, "--uid", "1003", "--decision", "mask")
        said = [
            home.envfs("import", str(file), level, "--dry-run"),
            home.envfs("import", str(file), level),
            home.envfs("set", level, "OTHER", "--template", given=secret),
            home.envfs("rename", level, "OTHER", "ANOTHER"),
            home.envfs("cp", level, "/torn"),
            home.envfs("rollback", level, "1", "-y"),
            home.envfs("check", level, status=100),
            home.envfs("check", level, "--json", status=100),
            home.envfs("explain", level, "PASSWORD"),
            home.envfs("explain", level, "PASSWORD", "--json"),
            home.envfs("explain", level, "PASSWORD", uid=1003),
            home.envfs("explain", level, "PASSWORD", "--json", uid=1003),
            home.envfs("set", level, "NEEDS", "--template", given="${horse:?battery}"),
            home.envfs("get", level, "NEEDS", status=106),
            home.envfs("exec", level, "--", "true", status=106),
        ]
    for each in said:
        assert not [part for part in parts if part in each.text + each.complaint], each.args
    assert "line 2, column 17" in said[8].text
    assert '"column": 0' in said[11].text  # it says how long the parts of a value are
    assert "column" not in said[10].text


def test_an_owner_who_may_not_read_is_told_no_name_that_stands_above(home: Home) -> None:
    home.envfs("import", "-", "/", given='SECRETLY_NAMED="${NOWHERE}"\n')
    with home.served():
        assert (
            "SECRETLY_NAMED refers to a name at line 1, column 17 of /, which"
            in home.envfs("import", "-", "/app", given="A=1\n").complaint
        )
        home.envfs("revoke", "/", "--uid", "0")
        assert home.envfs("import", "-", "/app", given="A=2\n").complaint == ""


def test_a_required_variable_that_is_missing_is_an_error_everywhere(home: Home) -> None:
    home.envfs("import", "-", "/app", given='URL="${HOST:?hunter2}"\n')
    with home.served():
        said = home.envfs("get", "/app", "URL", status=106)
        assert "URL requires a variable that is not set: line 1, column 6" in said.complaint
        assert "hunter2" not in said.complaint
        assert home.refusals(0)[-1]["rule"] == "the view cannot be made"
        home.envfs("set", "/app/prod", "HOST", given="a")
        assert home.envfs("get", "/app/prod", "URL").text == "a\n"


def test_a_command_gets_no_view_that_its_dialect_refuses_whatever_its_environment_has(home: Home) -> None:
    home.envfs("import", "-", "/", given='KEY="a\nb"\n')
    home.envfs("import", "-", "/docked", given="# @dialect docker\nA=1\nB=${HOST:?}\n")
    with home.served():
        said = home.envfs("exec", "/docked", "--", "true", status=106, environ={"HOST": "h"})
        assert "KEY has a line break: the dialect docker cannot carry it" in said.complaint
        assert [row["rule"] for row in home.refusals(0)[-2:]] == ["the view cannot be made"] * 2
        home.envfs("unset", "/", "KEY")
        assert home.envfs("exec", "/docked", "--", "sh", "-c", "echo $B", environ={"HOST": "h"}).text == "h\n"
