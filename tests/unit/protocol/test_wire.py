"""A class is a message and its annotations are its grammar: strict both ways."""

import pytest

from envfs.core import limits
from envfs.core.addresses import RecordAddress, SealedLayer
from envfs.core.keyfile import Custody
from envfs.errors import BadRequest
from envfs.protocol import control, framing, jsontext, keyholding, wire
from envfs.protocol.control import ReadView, SetVariable, Status, Written
from envfs.protocol.keyholding import RenderView, VerifyCheckpoint, WriteLevel
from envfs.tuples import NamedTuple

PLACE = RecordAddress("v", "level/shop", 1, "")
PLACE_BODY = {"vault": "v", "stream": "level/shop", "seq": 1, "prev": ""}


class Fraction(NamedTuple):
    """A message with a float, which no real one has."""

    part: float


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Status, "status"),
        (SetVariable, "set-variable"),
        (ReadView, "read-view"),
        (VerifyCheckpoint, "verify-checkpoint"),
    ],
)
def test_the_wire_name_is_the_class_name_in_lower_case_with_dashes(kind: type, name: str) -> None:
    assert wire.name_of(kind) == name
    assert wire.message_table(kind) == {name: kind}


@pytest.mark.parametrize("table", [control.REQUESTS, control.REPLIES, keyholding.REQUESTS, keyholding.REPLIES])
def test_no_two_messages_share_a_wire_name(table: dict[str, type]) -> None:
    assert len(table) == len(set(table.values())) > 5
    assert all(wire.name_of(kind) == name for name, kind in table.items())


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (Status(), {"type": "status"}),
        (
            ReadView("/shop", "value", "get", ("A",), 3),
            {
                "type": "read-view",
                "level": "/shop",
                "format": "value",
                "channel": "get",
                "only": ["A"],
                "version": 3,
                "dialect": "",
                "reason": "",
                "moment": "",
                "target": "",
                "masked": False,
            },
        ),
        (
            Written("/", 2, ("A",), (), ("B", "C"), ("note",)),
            {
                "type": "written",
                "level": "/",
                "version": 2,
                "added": ["A"],
                "changed": [],
                "removed": ["B", "C"],
                "notes": ["note"],
            },
        ),
        (
            RenderView((SealedLayer("/shop", PLACE, 0, PLACE, 1),)),
            {
                "type": "render-view",
                "layers": [
                    {
                        "level": "/shop",
                        "record": PLACE_BODY,
                        "record_blob": 0,
                        "key": PLACE_BODY,
                        "key_blob": 1,
                        "members": None,
                    }
                ],
                "dialect": "",
                "ordinary": False,
                "masked": False,
                "only": [],
            },
        ),
        (
            WriteLevel(PLACE, "now", "set", "A", PLACE, 0),
            {
                "type": "write-level",
                "place": PLACE_BODY,
                "time": "now",
                "operation": "set",
                "name": "A",
                "key": PLACE_BODY,
                "key_blob": 0,
                "head": None,
                "restore": None,
                "trim": False,
                "new_name": "",
                "message": "",
                "members": None,
                "canary": False,
                "always": False,
                "quiet": False,
                "names": [],
                "half": False,
                "phase": "direct",
                "until": "",
                "base": None,
            },
        ),
        (VerifyCheckpoint((("1", "a", "b"),)), {"type": "verify-checkpoint", "checkpoints": [["1", "a", "b"]]}),
    ],
)
def test_a_message_is_the_object_of_its_fields_and_comes_back(message: NamedTuple, body: dict[str, object]) -> None:
    assert wire.to_body(message) == body
    table = {**control.REQUESTS, **control.REPLIES, **keyholding.REQUESTS}
    assert wire.from_body(body, table) == message
    assert type(wire.from_body(body, table)) is type(message)


def test_fields_with_defaults_may_be_left_out() -> None:
    body: framing.Body = {"type": "read-view", "level": "/", "format": "dotenv", "channel": "x"}
    assert wire.from_body(body, control.REQUESTS) == ReadView("/", "dotenv", "x")


REFUSED: dict[str, framing.Body] = {
    "no type": {},
    "an unknown type": {"type": "shutdown"},
    "a class name for a type": {"type": "Status"},
    "a list for a type": {"type": ["status"]},
    "null for a type": {"type": None},
    "a reply": {"type": "done", "notes": []},
    "an unknown field": {"type": "status", "verbose": True},
    "a missing field": {"type": "set-variable", "level": "/"},
    "a method for a field": {"type": "status", "_asdict": 1},
    "int for str": {"type": "set-variable", "level": 1, "name": "A"},
    "null for str": {"type": "set-variable", "level": None, "name": "A"},
    "list for str": {"type": "set-variable", "level": ["/"], "name": "A"},
    "str for int": {"type": "rollback", "level": "/", "version": "1"},
    "bool for int": {"type": "rollback", "level": "/", "version": True},
    "float for int": {"type": "rollback", "level": "/", "version": 1.0},
    "int for bool": {"type": "set-variable", "level": "/", "name": "A", "trim": 1},
    "str for bool": {"type": "set-variable", "level": "/", "name": "A", "trim": "true"},
    "str for list": {"type": "read-view", "level": "/", "format": "f", "channel": "d", "only": "AB"},
    "object for list": {"type": "read-view", "level": "/", "format": "f", "channel": "d", "only": {"0": "A"}},
    "ints in a list of str": {"type": "read-view", "level": "/", "format": "f", "channel": "d", "only": [1]},
    "null in a list of str": {"type": "read-view", "level": "/", "format": "f", "channel": "d", "only": [None]},
    "protocol as text": {"type": "hello", "protocol": "1", "release": ""},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(body: framing.Body) -> None:
    with pytest.raises(BadRequest):
        wire.from_body(body, control.REQUESTS)


NESTED: dict[str, framing.Body] = {
    "a list for a place": {
        "layers": [{"level": "/", "record": [], "record_blob": 0, "key": PLACE_BODY, "key_blob": 0}]
    },
    "a place with a field more": {
        "layers": [{"level": "/", "record": {**PLACE_BODY, "x": 1}, "record_blob": 0, "key": PLACE_BODY, "key_blob": 0}]
    },
    "a place with a field less": {
        "layers": [{"level": "/", "record": {"vault": "v"}, "record_blob": 0, "key": PLACE_BODY, "key_blob": 0}]
    },
    "a type inside": {
        "layers": [
            {"type": "layer", "level": "/", "record": PLACE_BODY, "record_blob": 0, "key": PLACE_BODY, "key_blob": 0}
        ]
    },
    "null for a layer": {"layers": [None]},
    "one layer for a list": {"layers": PLACE_BODY},
}


@pytest.mark.parametrize("fields", NESTED.values(), ids=NESTED)
def test_nested_messages_are_read_as_strictly(fields: framing.Body) -> None:
    with pytest.raises(BadRequest):
        wire.from_body({"type": "render-view", **fields}, keyholding.REQUESTS)


@pytest.mark.parametrize("value", [1, True, "1.5", None, [1.5]])
def test_a_float_is_a_float(value: object) -> None:
    table = wire.message_table(Fraction)
    assert wire.from_body({"type": "fraction", "part": 1.5}, table) == Fraction(1.5)
    with pytest.raises(BadRequest):
        wire.from_body({"type": "fraction", "part": value}, table)


def test_a_refusal_names_no_input() -> None:
    with pytest.raises(BadRequest) as caught:
        wire.from_body({"type": "hunter2", "hunter2": "hunter2"}, control.REQUESTS)
    assert "hunter2" not in str(caught.value)


def test_reading_a_message_changes_no_object() -> None:
    body: framing.Body = {"type": "status"}
    wire.from_body(body, control.REQUESTS)
    assert body == {"type": "status"}


def test_every_request_that_takes_descriptors_takes_one_or_an_old_and_a_new_one() -> None:
    assert set(control.DESCRIPTORS) < set(control.REQUESTS.values())
    two = {kind for kind, most in control.DESCRIPTORS.items() if most != 1}
    assert two == {control.ChangePassphrase, control.ChangeProjectPassphrase, control.JoinVault}
    assert {control.DESCRIPTORS[kind] for kind in two} == {2}


def test_the_largest_request_fits_into_a_frame() -> None:
    names = tuple("N" * limits.NAME_BYTES for _ in range(200))
    framing.encode_frame(wire.to_body(ReadView("/a" * limits.DEPTH, "environ", "exec", names)))


def test_a_member_of_a_closed_set_is_its_text_on_the_wire_and_comes_back_as_the_member() -> None:
    request = keyholding.Forget("/shop", Custody.MANAGED)
    body = jsontext.decode_json(jsontext.encode_json(wire.to_body(request)))
    assert body == {"type": "forget", "project": "/shop", "custody": "managed"}
    found = wire.from_body(body, keyholding.REQUESTS)  # type: ignore[arg-type]  # an object
    assert found == request
    assert isinstance(found, keyholding.Forget)
    assert found.custody is Custody.MANAGED


@pytest.mark.parametrize("custody", ["", "Managed", "other", 1, True, ["managed"], {"managed": 1}])
def test_what_is_no_member_of_a_closed_set_is_refused(custody: object) -> None:
    with pytest.raises(BadRequest):
        wire.from_body({"type": "forget", "project": "/shop", "custody": custody}, keyholding.REQUESTS)
