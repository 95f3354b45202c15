"""What a file gives: values as they are written, dollars as they are meant, and a word about whatever is odd."""

import pytest

from envfs.dotenv.document import parse_document
from envfs.dotenv.interpolation import interpolate
from envfs.errors import BadName, BadRequest, EnvFSError, Malformed, NoSuchVariable, TooLarge
from envfs_cli.importing import json_trees, sources, trees, yaml_trees
from envfs_cli.importing.sources import FileSource
from envfs_cli.importing.trees import Items, NamedItems, Node, Scalar

NEEDLE = "hunter2"


def of_json(text: str, separator: str | None = None) -> FileSource:
    return sources.of_tree(json_trees.parse_json(text), separator)


def of_yaml(text: str, separator: str | None = None) -> FileSource:
    return sources.of_tree(yaml_trees.parse_yaml(text), separator)


def of_compose(text: str, service: str | None = None) -> FileSource:
    return sources.of_compose(yaml_trees.parse_yaml(text), service)


def values(source: FileSource, above: str = "") -> dict[str, str]:
    """Return the values that a view of the text gives, under a level with the text `above`."""
    source.check()
    found = interpolate([parse_document(above), parse_document(source.text)]).values
    return {each.name: found[each.name] for each in source.variables if each.line}


# -- scalars -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", "1"),
        ("1.10", "1.10"),
        ("-0", "-0"),
        ("1e3", "1e3"),
        ("1E+400", "1E+400"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("true", "true"),
        ("false", "false"),
        ("null", ""),
        ('""', ""),
        ('"null"', "null"),
        ('"a $HOME ${X:-y} $(id) `id`"', "a $HOME ${X:-y} $(id) `id`"),
        ('"line\\nline"', "line\nline"),
        ('"it\'s \\"so\\""', 'it\'s "so"'),
        ('"ends in \\\\"', "ends in \\"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_a_json_scalar_is_the_text_that_was_written(written: str, value: str) -> None:
    assert values(of_json(f'{{"A": {written}}}'), "HOME=no\nX=no") == {"A": value}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *((same, same) for same in ("NO", "yes", "on", "0o10", "010", "0x1F", "1e3", "1.10", "1_000", "12:30:45")),
        *((same, same) for same in ("2026-01-01", "true", "True", "TRUE", ".inf", "-.5", "null value", "a:b", "a#b")),
        *((null, "") for null in ("~", "null", "Null", "NULL", "")),
        ("'~'", "~"),
        ('"null"', "null"),
        ("''", ""),
        ("a b # comment", "a b"),
        ("'$HOME ${X}'", "$HOME ${X}"),
        ("$HOME", "$HOME"),
        ('"tab\\tend"', "tab\tend"),
        ("!!str 1.10", "1.10"),
        ("!!int 0o10", "0o10"),
        ("! x", "x"),
        ("|\n  one\n  two\n", "one\ntwo\n"),
        (">-\n  one\n  two\n", "one two"),
    ],
)
def test_a_yaml_scalar_is_the_text_that_was_written(written: str, value: str) -> None:
    assert values(of_yaml(f"A: {written}\n"), "HOME=no\nX=no") == {"A": value}


def test_what_is_odd_is_told_by_name_and_never_by_value() -> None:
    json = of_json(f'{{"A": "{NEEDLE}", "B": null, "A": "{NEEDLE}2", "C": "x"}}')
    assert values(json) == {"A": f"{NEEDLE}2", "B": "", "C": "x"}
    assert json.remarks() == ("A: set more than once; the last one counts", "B: null; it becomes empty")
    assert of_yaml("A: 1\nB: ~\nA: 2\n").remarks() == json.remarks()
    for made in (json, *json.variables, json_trees.parse_json(f'{{"{NEEDLE}": ["{NEEDLE}"]}}')):
        assert NEEDLE not in f"{made} {made!r}"


@pytest.mark.parametrize("name", ["my-key", "1A", "a.b", "", "two words", f"postgres://x:{NEEDLE}@y", "A\n", "é"])
def test_a_name_that_no_variable_has_is_left_out_and_quoted_only_if_it_looks_like_a_name(name: str) -> None:
    tree = NamedItems((("OK", Scalar("1")), (name, Scalar(NEEDLE))))
    source = sources.of_tree(tree, None)
    source.check()
    assert source.text == "OK=1\n"
    said = name if name in ("my-key", "1A", "a.b") else "key 2"
    assert source.remarks() == (f"{said}: no environment that EnvFS writes can have such a name: left out",)


@pytest.mark.parametrize("name", ["my-key", "a.b", "", f"postgres://x:{NEEDLE}@y"])
def test_a_file_of_such_names_alone_is_refused(name: str) -> None:
    for source in (
        sources.of_tree(NamedItems(((name, Scalar(NEEDLE)),)), None),
        of_compose(f"services: {{a: {{environment: ['{name}={NEEDLE}']}}}}"),
    ):
        with pytest.raises(BadName) as caught:
            source.check()
        assert NEEDLE not in caught.value.text + caught.value.hint + source.variables[0].name


def test_a_compose_file_with_names_of_elasticsearch_and_names_without_a_value() -> None:
    environment = (
        "[node.name=es01, xpack.security.enabled=false, ES_JAVA_OPTS=-Xms1g, APP_KEY, 'bootstrap.memory_lock']"
    )
    source = of_compose(f"services: {{a: {{environment: {environment}}}}}")
    source.check()
    assert values(source) == {"ES_JAVA_OPTS": "-Xms1g"}
    assert [remark.split(":")[0] for remark in source.remarks()] == [
        *("node.name", "xpack.security.enabled", "APP_KEY", "bootstrap.memory_lock")
    ]
    lone = of_compose("services: {a: {environment: {APP_KEY: , APP_ENV: null}}}")
    lone.check()
    assert values(lone) == {}
    assert lone.text.count("# APP_") == 2  # a level comes to be, and the levels above it are seen there


@pytest.mark.parametrize(("value", "kind"), [("a\0b", Malformed), ("\ud800", Malformed), ("x" * 128_001, TooLarge)])
def test_a_value_that_no_environment_has_is_refused_with_its_name(value: str, kind: type[EnvFSError]) -> None:
    with pytest.raises(kind, match=r"^A: ") as caught:
        sources.of_tree(NamedItems((("A", Scalar(value)),)), None).check()
    assert caught.value.hint


# -- trees -------------------------------------------------------------------------------------------------------------

NESTED = '{"DB": {"HOST": "h", "PORT": 1.0, "OPTS": {"SSL": true, "CA": null}}, "TAGS": ["a$b", 1.0, {"x": null}, []]}'


def test_tables_are_flattened_and_lists_become_their_json_text() -> None:
    found = of_json(NESTED, "__")
    assert values(found, "b=no") == {
        "DB__HOST": "h",
        "DB__PORT": "1.0",
        "DB__OPTS__SSL": "true",
        "DB__OPTS__CA": "",
        "TAGS": '["a$b",1.0,{"x":null},[]]',
    }
    assert "TAGS: a list; it becomes its JSON text" in found.remarks()
    assert values(of_yaml(NESTED, "_"), "b=no")["TAGS"] == '["a$b",1.0,{"x":null},[]]'
    assert (
        values(of_yaml("A: [NO, 0o10, 1, ~, true, '1', \"é\n\"]\n", "_"))["A"] == '["NO","0o10",1,null,true,"1","é "]'
    )


@pytest.mark.parametrize("parse", [json_trees.parse_json, yaml_trees.parse_yaml], ids=["json", "yaml"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"DB": {"A": 1}}', "DB is an object of its own"),
        ('{"DB": [1]}', "DB is a list"),
        (f'{{"{NEEDLE} x": [1]}}', "key 1 is a list"),
        ("[1]", "no object of names and values"),
        ('"text"', "no object of names and values"),
        ("1", "no object of names and values"),
        ("null", "no object of names and values"),
    ],
)
def test_what_is_no_flat_object_is_refused_with_a_hint(parse: object, text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said) as caught:
        sources.of_tree(parse(text), None)  # type: ignore[operator]
    assert caught.value.hint


def test_two_places_that_give_one_name_are_refused() -> None:
    with pytest.raises(Malformed, match="two places give the name A__B"):
        of_json('{"A__B": 1, "A": {"B": 2}}', "__")


def test_of_a_table_that_stands_twice_the_last_counts_as_a_whole() -> None:
    found = of_json('{"A": {"X": 1}, "A": {"Y": 2}}', "_")
    assert values(found) == {"A_Y": "2"}
    assert found.remarks() == ("A_Y: set more than once; the last one counts",)


def test_an_empty_file_gives_nothing() -> None:
    assert (
        of_json("{}").variables
        == of_yaml("").variables
        == of_yaml("# nothing\n").variables
        == of_yaml("{}").variables
        == ()
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"A": }', "line 1, column 7"),
        ('{\n "A": 1,\n}', r"line (3, column 1|2, column 8)"),  # Python 3.13 points at the comma
        ("", "line 1"),
        ('{"A": "\n"}', "line 1"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(Malformed, match=place):
        json_trees.parse_json(text)


@pytest.mark.parametrize("text", ['{"A": NaN}', '{"A": Infinity}', '{"A": -Infinity}'])
def test_what_only_looks_like_a_number_of_json_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="NaN"):
        json_trees.parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        f"A: {NEEDLE}: x\n",
        f"A: *{NEEDLE}\n",
        f'A: "\\q{NEEDLE}"\n',
        f"A: @{NEEDLE}\n",
        f"A: '{NEEDLE}\n",
        f"\t{NEEDLE}: 1\n",
        f"%{NEEDLE}\n---\nA: 1\n",
        f"A: 1\n--- \n{NEEDLE}: 2\n",
        f"? [{NEEDLE}]\n: 1\n",
        f"A: !{NEEDLE} x\n",
        f"A: !!binary {NEEDLE}\n",
        f"A: !!python/object/apply:os.system [{NEEDLE}]\n",
        f"<<: {NEEDLE}\n",
        f"A: &a [*a, {NEEDLE}]\n",
        f"A: \x07{NEEDLE}\n",
        f"- {NEEDLE}\n",
    ],
)
def test_what_is_not_yaml_for_us_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(EnvFSError) as caught:
        of_yaml(text)
    error = caught.value
    assert NEEDLE not in f"{error.text} {error.hint} {error.args} {error.__cause__}"
    assert error.__context__ is None or error.__suppress_context__


def test_aliases_and_merges_mean_what_they_name() -> None:
    text = "x: &x\n  A: 1\n  B: 2\ny: &y\n  B: 3\n  C: 4\nz:\n  <<: [*x, *y]\n  A: 5\n  '<<': lit\nw: *x\n"
    found = values(of_yaml(text.replace("'<<'", "D"), "_"))
    assert {name: value for name, value in found.items() if name[0] in "zw"} == {
        "z_B": "2",
        "z_C": "4",
        "z_A": "5",
        "z_D": "lit",
        "w_A": "1",
        "w_B": "2",
    }


def test_a_shared_node_counts_as_often_as_it_is_used() -> None:
    level: Node = Items((Scalar("lol"),))
    for _ in range(40):
        level = Items((level,) * 10)
    with pytest.raises(TooLarge):
        sources.of_tree(NamedItems((("A", level),)), "_")
    table: Node = NamedItems((("a", Scalar("x" * 100)),))
    for _ in range(30):
        table = NamedItems(tuple((f"k{number}", table) for number in range(10)))
    with pytest.raises(TooLarge):
        trees.tree_leaves(table, "_")


# -- compose -----------------------------------------------------------------------------------------------------------

MAPPING = "services:\n  web:\n    environment:\n"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain", "plain"),
        ("1.10", "1.10"),
        ("pa$$word", "pa$word"),
        ("$$HOST", "$HOST"),
        ("$$$$", "$$"),
        ("$$${HOST}", "$db"),
        ("$HOST:${PORT}", "db:5432"),
        ("${NONE:-$$x}", "$x"),
        ("${NONE:-${HOST}}", "db"),
        ("'it''s ${HOST} \"q\" \\ `id`'", 'it\'s db "q" \\ `id`'),
        ("cost 5$", "cost 5$"),
        ("$(id)", "$(id)"),
        ("''", ""),
    ],
)
def test_a_dollar_of_compose_means_what_it_means_there(written: str, value: str) -> None:
    above = "HOST=db\nPORT=5432\n"
    assert values(of_compose(f"{MAPPING}      A: {written}\n"), above) == {"A": value}


def test_a_name_that_refers_to_itself_means_what_the_levels_above_set() -> None:
    found = of_compose(f"{MAPPING}      LOG: ${{LOG:-info}}\n")
    assert values(found) == {"LOG": "info"}
    assert values(found, "LOG=debug") == {"LOG": "debug"}
    assert found.remarks() == ("LOG: refers to LOG",)


def test_both_forms_of_an_environment_are_read_alike() -> None:
    listed = of_compose("services:\n  web:\n    environment:\n    - A=1\n    - B=x=y\n    - C\n    - 'D='\n    - A=2\n")
    mapped = of_compose(f"{MAPPING}      A: 1\n      B: x=y\n      C:\n      D: ''\n      A: 2\n")
    assert values(listed) == values(mapped) == {"A": "2", "B": "x=y", "D": ""}
    assert "A: set more than once; the last one counts" in listed.remarks()
    assert [each.name for each in mapped.variables if not each.line] == ["C"]
    assert "host" in " ".join(mapped.remarks())


SEVERAL = "services:\n  web: {environment: {A: 1}}\n  db: {environment: {B: 2}, env_file: x.env}\n  job: {image: x}\n"


def test_a_service_is_chosen_by_name_and_must_be_where_there_are_several() -> None:
    assert values(of_compose(SEVERAL, "web")) == {"A": "1"}
    assert of_compose(SEVERAL, "db").notes == ("the service db has an env_file too, which is not read",)
    with pytest.raises(BadRequest) as caught:
        of_compose(SEVERAL)
    assert caught.value.hint == "choose one with --service: web, db, job"
    for service in ("nope", "job"):
        with pytest.raises(NoSuchVariable):
            of_compose(SEVERAL, service)


@pytest.mark.parametrize("text", ["A: 1", "services:", "services: []", "services: {}", "[]", "services: {a: 1}"])
def test_what_is_no_compose_file_is_refused(text: str) -> None:
    assert not sources.is_compose(yaml_trees.parse_yaml(text)) or text[-2:] in ("{}", "1}")
    with pytest.raises(EnvFSError):
        of_compose(text)


@pytest.mark.parametrize(
    "environment", ["x", "[[A=1]]", "[{A: 1}]", "{A: [1]}", "{A: {B: 1}}", "{A: !secret x}", "[=x]"]
)
def test_an_environment_of_another_form_is_refused(environment: str) -> None:
    with pytest.raises(EnvFSError):
        of_compose(f"services: {{web: {{environment: {environment}}}}}").check()


def test_tags_elsewhere_in_a_compose_file_are_nobodys_business() -> None:
    text = "services:\n  web:\n    ports: !reset []\n    environment: {A: 1}\n  db: !override {image: x}\n"
    assert values(of_compose(text, "web")) == {"A": "1"}


# -- dotenv ------------------------------------------------------------------------------------------------------------


def test_a_dotenv_text_is_kept_to_the_letter_and_told_about() -> None:
    text = "# a\nexport A=1\nB=${A}/${C:-$D}\nA=2\nE='$A'\nbad-name=1\nno assignment\n"
    source = sources.of_text(text)
    assert source.text == text
    told = {each.name: (each.remarks, each.problem is not None) for each in source.variables}
    assert told == {
        "A": (("set more than once; the last one counts",), False),
        "B": (
            ("refers to A", *(f"refers to a name at character {at}, which is not set there" for at in (6, 11))),
            False,
        ),
        "E": ((), False),
        "bad-name": ((), True),
        "line 7": ((), True),
    }


def test_what_compose_writes_in_another_way_is_named_and_stays_as_it_stands() -> None:
    odd = ("0123", "1.10", "1e3", "0x1f", "True", "1_000", "2001-12-14", "12345678.5", ".5", "0.00001")
    usual = ("8080", "1.5", "true", "yes", "on", "1.2.3", "12:30", "'0123'", '"1.10"', "a", "0", "-5", "0.25")
    rows = "".join(
        f"      {kind}{place}: {each}\n" for kind in "OU" for place, each in enumerate(odd if kind == "O" else usual)
    )
    source = sources.of_compose(yaml_trees.parse_yaml(f"services:\n  web:\n    environment:\n{rows}"), None)
    told = {
        each.name for each in source.variables if any("docker compose may hand on" in remark for remark in each.remarks)
    }
    assert told == {f"O{place}" for place in range(len(odd))}
    assert parse_document(source.text).variables() == {
        **{f"O{place}": each for place, each in enumerate(odd)},
        **{f"U{place}": each.strip("'\"") for place, each in enumerate(usual)},
    }
