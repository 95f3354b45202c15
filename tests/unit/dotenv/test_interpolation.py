"""Interpolation: what a reference stands for, in one text and down a chain of levels."""

import time
import tracemalloc

import pytest

from envfs.core import limits
from envfs.core.dangling import DanglingKind
from envfs.dotenv.document import parse_document
from envfs.dotenv.interpolation import Finding, ValueSource, interpolate
from envfs.errors import Malformed, TooLarge


def values(*texts: str) -> dict[str, str]:
    return interpolate([parse_document(text) for text in texts]).values


def findings(*texts: str) -> tuple[Finding, ...]:
    return interpolate([parse_document(text) for text in texts]).findings


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${HOST}", "db"),
        ("$HOST", "db"),
        ("a${HOST}b$HOST-c", "adbbdb-c"),
        ('"$HOST:${PORT}"', "db:5432"),
        ("'$HOST ${PORT}'", "$HOST ${PORT}"),
        ('"\\$HOST \\${PORT}"', "$HOST ${PORT}"),
        ("\\$HOST", "$HOST"),
        ("`$HOST`", "`db`"),
        ("$HOSTNAME", ""),
        ("$HOST.local", "db.local"),
        ("${NONE:-fallback}", "fallback"),
        ("${NONE-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${EMPTY-fallback}", ""),
        ("${HOST:-fallback}", "db"),
        ("${NONE:-}", ""),
        ('"${NONE:-two words}"', "two words"),
        ("${NONE:-${HOST}}", "db"),
        ("${NONE:-a${NONE:-b${HOST}}}", "abdb"),
        ("${NONE:-$HOST:$PORT}", "db:5432"),
        ("${NONE:-\\$HOST}", "$HOST"),
        ("${HOST:+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${NONE+yes}", ""),
        ("${HOST:?is needed}", "db"),
        ("${EMPTY?is needed}", ""),
        ("$(echo pwned)", "$(echo pwned)"),
        ("$", "$"),
        ("5$", "5$"),
        ("$5", "$5"),
        ("$$HOST", "$db"),
        ("${}", "${}"),
        ("${5}", "${5}"),
        ("${HOST", "${HOST"),
        ("${HOST%x}", "${HOST%x}"),
        ("${HO ST}", "${HO ST}"),
        ("${HOST:=x}", "${HOST:=x}"),
        ("${HOST}}", "db}"),
        ("}${HOST}", "}db"),
    ],
)
def test_what_a_value_means(written: str, value: str) -> None:
    assert values(f"HOST=db\nPORT=5432\nEMPTY=\nKEY={written}\n")["KEY"] == value


def test_a_childs_override_is_seen_by_its_parents_template() -> None:
    found = values("HOST=a\nURL=pg://${HOST}/db\n", "", "HOST=b\n")
    assert found == {"HOST": "b", "URL": "pg://b/db"}


def test_the_deepest_override_counts() -> None:
    assert values("URL=${HOST}\n", "HOST=a\n", "HOST=b\n")["URL"] == "b"


def test_within_one_text_what_stands_above_counts_as_in_any_env_file() -> None:
    assert values("A=${B}\nB=1\n") == {"A": "", "B": "1"}
    assert values("B=1\nA=${B}\nB=2\n") == {"A": "1", "B": "2"}


def test_what_is_set_further_down_in_a_childs_text_is_not_what_an_ancestor_set() -> None:
    assert values("B=0\n", "A=${B}\nB=1\n") == {"B": "1", "A": "0"}


def test_a_name_that_refers_to_itself_means_what_it_was_before() -> None:
    assert values("P=/a\n", "P=${P}:/b\nP=${P}:/c\n", "P=$P:/d\n")["P"] == "/a:/b:/c:/d"
    assert values("P=${P}x\n")["P"] == "x"


def test_a_value_that_is_not_a_template_is_not_read_again() -> None:
    assert values("A='$B'\nB=1\nC=${A}\n")["C"] == "$B"


def test_an_undefined_name_is_empty_and_told_with_the_names_that_led_to_it() -> None:
    assert findings("A=${B}\n", "C=${A}\n") == (Finding(DanglingKind.UNDEFINED, ("A",), 0, 1, 3),)
    assert findings("A=${B:-x}${B+y}\n") == ()


def test_what_was_never_meant_as_a_reference_is_told_by_its_place_alone() -> None:
    found = findings("OTHER=1\nPASSWORD=correct$horse\n", '# a\nURL="x\n\\"y\\"${OTHER}${PASSWORD}${battery}"\n')
    assert [(each.chain, each.layer, each.line, each.column) for each in found] == [
        (("PASSWORD",), 0, 2, 17),
        (("URL",), 1, 3, 25),
    ]
    assert not {"horse", "battery"} & {name for each in found for name in each.chain}


def test_a_name_that_is_set_further_down_is_told_apart() -> None:
    assert findings("A=${B}\nB=1\n") == (Finding(DanglingKind.LATER, ("A", "B"), 0, 1, 3),)


def test_a_name_that_refers_to_itself_and_is_nowhere_else_is_undefined() -> None:
    assert findings("A=${A}x\n") == (Finding(DanglingKind.UNDEFINED, ("A",), 0, 1, 3),)
    assert findings("A=${A}x\nA=1\nA=2\n") == ()
    assert findings("B=${A}\nA=1\nA=2\n") == (Finding(DanglingKind.LATER, ("B", "A"), 0, 1, 3),)


def test_a_cycle_ends_and_is_told_with_its_names() -> None:
    down = ("A=${B}\nB=1\n", "B=x${A}\n")
    assert values(*down) == {"A": "x", "B": "x"}
    assert findings(*down) == (Finding(DanglingKind.CYCLE, ("A", "B", "A"), 1, 1, 4),)


def test_a_missing_name_that_is_required_is_an_error_without_its_message() -> None:
    with pytest.raises(Malformed) as caught:
        values("URL=${HOST:?hunter2}\n")
    assert caught.value.text == "URL requires a variable that is not set: line 1, column 5 of its text"
    with pytest.raises(Malformed, match=r"^URL requires HOST, which is not set$"):
        values("HOST=\nURL=${HOST:?hunter2}\n")
    assert "hunter2" not in caught.value.hint
    assert values("URL=${HOST:?}\n", "HOST=a\n")["URL"] == "a"


def test_what_is_outside_is_looked_at_last() -> None:
    found = interpolate(
        [parse_document("A=${X}${Y}\nX=in\n"), parse_document("X=below\n")], {"X": "outside", "Y": "outside"}
    )
    assert found.values["A"] == "belowoutside"


def test_the_sources_of_each_value_are_known() -> None:
    found = interpolate([parse_document("HOST=a\nURL=${HOST}${NONE}\n"), parse_document("HOST=b\n")])
    assert found.sources == {"HOST": ValueSource(1, 0), "URL": ValueSource(0, 1)}
    assert found.uses == {ValueSource(0, 1): (("HOST", ValueSource(1, 0)), ("NONE", None))}


def test_growth_is_bounded() -> None:
    text = "A0=" + "x" * 100 + "\n" + "".join(f"A{i}=${{A{i - 1}}}${{A{i - 1}}}\n" for i in range(1, 60))
    with pytest.raises(TooLarge):
        values(text)


def test_a_long_row_of_references_is_bounded() -> None:
    assert values("A0=x\n" + "".join(f"A{i}=${{A{i - 1}}}\n" for i in range(1, 3000)))["A2999"] == "x"
    back = "".join(f"A{i}=${{A{i + 1}}}\n" for i in range(3000))
    with pytest.raises(TooLarge):
        values(back, "".join(f"A{i}=${{A{i + 1}}}\n" for i in range(3000)), "A3000=x\n")


def test_texts_inside_of_references_count_as_steps_too() -> None:
    def step(number: int, inside: int) -> str:
        return f"V{number}=" + "${NONE:-" * inside + f"${{V{number - 1}}}" + "}" * inside + "\n"

    first = "".join(f"V{number}=\n" for number in range(49, 0, -1))  # so the longest way is gone first
    assert values(first + "V0=x\n" + "".join(step(number, 1) for number in range(1, 50)))["V49"] == "x"
    with pytest.raises(TooLarge, match="too often"):
        values(first + "V0=x\n" + "".join(step(number, 39) for number in range(1, 50)))


def test_a_value_is_bounded_in_bytes_after_references_too() -> None:
    text = f"A={'é' * (limits.VALUE_BYTES // 4)}\n"
    assert len(values(f"{text}B=$A$A\n")["B"].encode()) == limits.VALUE_BYTES
    with pytest.raises(TooLarge, match="B would be too long"):
        values(f"{text}B=$A$A.\n")


def test_all_values_together_are_bounded_while_they_are_worked_out() -> None:
    text = f"BIG={'x' * 100_000}\n" + "".join(f"V{number}=$BIG\n" for number in range(10_000))  # a gigabyte
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="the view would be too large"):
            values(text)
        assert tracemalloc.get_traced_memory()[1] < 2 * limits.VIEW_BYTES
    finally:
        tracemalloc.stop()


def test_findings_are_bounded() -> None:
    assert len(findings("".join(f"V{number}=$NONE\n" for number in range(2 * limits.FINDINGS)))) == limits.FINDINGS


@pytest.mark.parametrize(
    "value",
    [
        "${A:-" * 25_000,
        "$" * 127_000,
        "${A:-x}" * 18_000,
        "}" * 60_000 + "${" * 30_000,
        "${A:-" * 20_000 + "}" * 20_000,
    ],
)
def test_the_worst_values_are_read_in_a_bounded_time(value: str) -> None:
    assert len(value) <= limits.VALUE_BYTES
    started = time.process_time()
    values(f'KEY="{value}"\n')
    assert time.process_time() - started < 2


def test_no_repr_shows_a_value() -> None:
    found = interpolate([parse_document("A=hunter2\nB=${A}\n")])
    assert "hunter2" not in repr(found)
