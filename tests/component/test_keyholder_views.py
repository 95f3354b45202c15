"""The keyholder makes views of whole records and opens no bent ones; it compares and checks."""

import itertools
import json
import struct

import pytest

from envfs.core import record
from envfs.core.view_parts import Part
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.errors import (
    AuthenticationFailed,
    Malformed,
)
from envfs.host.memory import Region
from envfs.protocol import keyholding
from envfs.protocol.keyholding import (
    CheckCheckpoints,
    CheckKeys,
    CheckRecords,
    Compared,
    CompareVersions,
    Faults,
    Rendered,
    RenderView,
    SealedKeyFile,
)
from tests.component.keyholders import PLACE, Chain, Kept, ask


def bent(data: bytes, member: str) -> bytes:
    """Flip a bit inside one member of a record, keeping its encoding right."""
    body = json.loads(data)
    raw = bytearray(record.from_base64(body[member]))
    raw[len(raw) // 2] ^= 1
    body[member] = record.to_base64(bytes(raw))
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("member", ["protected", "iv", "ciphertext", "tag", "signature"])
def test_a_flipped_bit_in_any_part_of_a_record_refuses_it(chain: Chain, member: str) -> None:
    assert chain.render() == "A=1\nB='two words'\n"
    with pytest.raises(AuthenticationFailed):
        chain.render(bent(chain.records[0], member))


@pytest.mark.parametrize("part", ["record", "key"])
@pytest.mark.parametrize(
    "wrong",
    [{"vault": "other"}, {"stream": "level/blog"}, {"seq": 2}, {"prev": "x"}],
    ids=["vault", "stream", "seq", "prev"],
)
def test_a_record_or_key_that_stands_elsewhere_is_refused(chain: Chain, part: str, wrong: dict[str, object]) -> None:
    layer = chain.layer(1, 0, 1)
    moved = layer._replace(**{part: getattr(layer, part)._replace(**wrong)})
    for _ in range(2):
        with pytest.raises(AuthenticationFailed):
            chain.render(layer=moved)
        chain.render()  # so that its key is held: it stands for its own place alone


def test_the_key_of_one_project_opens_no_other(link: KeyholderLink, chain: Chain) -> None:
    other = Chain(link, "blog")
    layer = chain.layer(1, 0, 1)._replace(key=other.key_place)
    with pytest.raises(AuthenticationFailed):
        ask(link, RenderView((layer,)), (chain.records[0], other.key))


def test_another_owners_records_are_refused(chain: Chain, fresh: KeyholderLink, kept: Kept) -> None:
    ask(fresh, kept.load, (), (kept.file,))
    request = RenderView((chain.layer(1, 0, 1),))
    with pytest.raises(AuthenticationFailed):
        ask(fresh, request, (chain.records[0], chain.key))
    other = Chain(fresh)
    other.write("replace", b"A=1\n")
    for data, key in ((other.records[0], chain.key), (chain.records[0], other.key), (other.records[0], other.key)):
        with pytest.raises(AuthenticationFailed):
            ask(chain.link, request, (data, key))


def test_a_view_stands_in_a_region_in_all_its_forms(link: KeyholderLink) -> None:
    top, shop = Chain(link, "top"), Chain(link)
    top.write("replace", b"A=1\nB=2\n")
    shop.write("replace", b"B='3 4'\nC=\n")
    layers = (top.layer(1, 0, 1), shop.layer(1, 2, 3))
    answer = ask(link, RenderView(layers), (top.records[0], top.key, shop.records[0], shop.key))
    shape = answer.message
    assert isinstance(shape, Rendered)
    region = Region(answer.descriptors[0], sum(shape.sizes))
    data = region.map[: region.size]
    region.close()
    ends = itertools.pairwise(itertools.accumulate(shape.sizes, initial=0))
    assert {name: data[slice(*place)] for name, place in zip(Part, ends, strict=True)} == {
        "dotenv": b"A=1\nB='3 4'\nC=\n",
        "json": b'{\n  "A": "1",\n  "B": "3 4",\n  "C": ""\n}\n',
        "example": b"A=\nB=\nC=\n",
        "environ": b"A=1\0B=3 4\0C=\0",
        "opened": b"",
        "table": struct.pack("<9I", 0, 2, 3, 4, 6, 9, 10, 12, 12),
        "origins": b"A\0/top\0B\0/shop\0C\0/shop\0",
        "canaries": b"",
    }
    assert (shape.variables, shape.dialect) == (3, "portable")


def test_the_dialect_is_the_one_asked_for_or_that_of_the_nearest_text(link: KeyholderLink) -> None:
    top, shop = Chain(link, "top"), Chain(link)
    top.write("replace", b"# @dialect node\nA='$x'\n")
    shop.write("replace", b'B="it\'s"\n')
    layers, blobs = (top.layer(1, 0, 1), shop.layer(1, 2, 3)), (top.records[0], top.key, shop.records[0], shop.key)

    def text(dialect: str = "") -> str:
        answer = ask(link, RenderView(layers, dialect), blobs)
        region = Region(answer.descriptors[0], sum(answer.message.sizes))
        try:
            return region.map[: answer.message.sizes[0]].decode()
        finally:
            region.close()

    assert text() == "A='$x'\nB=`it's`\n"
    assert text("portable") == "A='$x'\nB=\"it's\"\n"
    assert text("expand") == "A='\\$x'\nB=`it's`\n"


def test_what_a_texts_own_dialect_must_not_write_is_refused_before_it_is_sealed(link: KeyholderLink) -> None:
    shop = Chain(link)
    shop.write("replace", b"# @dialect expand\nA=1\n")
    with pytest.raises(Malformed) as caught:
        shop.write("set", b"$(hunter2)", "B")
    assert caught.value.text == "B has $( ), which dotenv-expand runs as a command: the dialect expand cannot carry it"
    shop.write("set", b"two\nlines", "SECRETLY_NAMED")
    with pytest.raises(Malformed) as caught:
        shop.write("merge", b"# @dialect docker\n")
    assert caught.value.text == "the dialect docker cannot carry a variable that is set here already"
    assert "SECRETLY_NAMED" not in f"{caught.value.text} {caught.value.hint}"
    shop.write("unset", None, "SECRETLY_NAMED")
    with pytest.raises(Malformed) as caught:
        shop.write("merge", b"# @dialect perl\n")
    assert caught.value.text == "line 1, column 1: there is no dialect of that name"
    shop.write("merge", b"# @dialect docker\nB='$(x)'\n")
    assert shop.render() == "A=1\nB=$(x)\n"


def test_a_view_of_nothing_is_empty(link: KeyholderLink) -> None:
    answer = ask(link, RenderView(()))
    assert isinstance(answer.message, Rendered)
    assert answer.message == Rendered((0, len(b"{}\n"), 0, 0, 0, 0, 0, 0), 0, "portable")
    Region(answer.descriptors[0], sum(answer.message.sizes)).close()


def test_versions_are_compared_by_names(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    chain.write("unset", None, "B")
    chain.write("replace", b"# kept\nA=2\nNEW=1\n")
    blobs = (*chain.records, chain.key)
    layers = tuple(chain.layer(seq, seq - 1, len(chain.records)) for seq in range(1, 5))
    answer = ask(chain.link, CompareVersions(layers), blobs).message
    assert isinstance(answer, Compared)
    assert [(v.version, v.added, v.changed, v.removed) for v in answer.versions] == [
        (1, ("A", "B"), (), ()),
        (2, (), ("A",), ()),
        (3, (), (), ("B",)),
        (4, ("NEW",), (), ()),
    ]
    later = ask(chain.link, CompareVersions(layers[1:]), blobs).message
    assert isinstance(later, Compared)
    assert [v.version for v in later.versions] == [3, 4]


_ALL = ("dotenv", "json", "example", "environ")


def compared(chain: Chain, *pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> list[tuple[object, ...]]:
    """Compare views of versions (each a view of that one record), counted from 0."""
    layers = tuple(chain.layer(seq, seq - 1, len(chain.records)) for seq in range(1, len(chain.records) + 1))
    request = keyholding.CompareViews(layers, tuple(keyholding.Pair(*pair) for pair in pairs))
    answer = ask(chain.link, request, (*chain.records, chain.key)).message
    assert isinstance(answer, keyholding.Differing)
    return [tuple(pair) for pair in answer.pairs]


def test_views_are_compared_by_what_a_reader_gets(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    chain.write("reseal", None)
    chain.write("replace", b"# a comment\nA=2\nNEW=1\n")
    same, changed = compared(chain, ((1,), (2,)), ((0,), (1,)))
    assert same == ((), ())
    assert changed == (("dotenv", "json", "environ"), ("A",))
    grown, made, emptied = compared(chain, ((2,), (3,)), ((), (0,)), ((0,), ()))
    assert grown == (_ALL, ("NEW", "B"))
    assert set(made[1]) == set(emptied[1]) == {"A", "B"}  # type: ignore[call-overload]


def test_a_layer_that_is_hidden_by_another_makes_no_difference(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    chain.write("replace", b"A=3\nB=3\n")
    same, differing = compared(chain, ((0, 2), (1, 2)), ((0, 2), (0, 1)))
    assert same == ((), ())
    assert differing == (("dotenv", "json", "environ"), ("A", "B"))


def test_a_comment_that_asks_for_a_dialect_changes_the_text_alone(chain: Chain) -> None:
    chain.write("replace", b"A='it is'\n")
    chain.write("replace", b"# @dialect docker\nA='it is'\n")
    chain.write("replace", b"# no comment on that\nA='it is'\n")
    asked, dropped, nothing = compared(chain, ((1,), (2,)), ((2,), (3,)), ((1,), (3,)))
    assert asked == dropped == (("dotenv",), ())
    assert nothing == ((), ())


def test_what_cannot_be_read_differs_from_what_can_and_not_from_another_of_its_kind(chain: Chain) -> None:
    chain.write("replace", b"A=${GONE:?is missing}\n")
    chain.write("replace", b"A=${GONE:?is still missing}\n")
    good_bad, bad_bad = compared(chain, ((0,), (1,)), ((1,), (2,)))
    assert good_bad[0] == (*_ALL, "opened")
    assert bad_bad == ((), ())


@pytest.mark.parametrize(
    "data",
    [
        bytes(600),
        b"",
        b"{\0",
        '{"protected":""}'.encode("utf-16"),
        '{"protected":""}'.encode("utf-32-be"),
        b"\xef\xbb\xbf{}",
    ],
    ids=["zeros", "nothing", "half of it zeros", "UTF-16", "UTF-32", "a byte order mark"],
)
def test_a_record_in_another_encoding_is_named_and_those_beside_it_are_not(chain: Chain, data: bytes) -> None:
    chain.write("set", b"2", "A")
    layers = (chain.layer(1, 0, 2), chain.layer(2, 1, 2))
    answer = ask(chain.link, CheckRecords(layers), (chain.records[0], data, chain.key)).message
    assert isinstance(answer, Faults)
    assert answer.texts == ("", "a record is not JSON")
    answer = ask(chain.link, CheckCheckpoints((PLACE,)), (data,)).message
    assert isinstance(answer, Faults)
    assert answer.texts == ("a record is not JSON",)


def test_checks_name_each_record_and_key_that_fails(chain: Chain) -> None:
    chain.write("set", b"2", "A")
    good, bad = chain.layer(1, 0, 2), chain.layer(2, 1, 2)._replace(record=PLACE)
    answer = ask(chain.link, CheckRecords((good, bad)), (*chain.records, chain.key)).message
    assert isinstance(answer, Faults)
    assert answer.texts[0] == ""
    assert "another place" in answer.texts[1]
    keys = (
        SealedKeyFile(chain.key_place),
        SealedKeyFile(chain.key_place._replace(stream="key/blog")),
        SealedKeyFile(chain.key_place),
    )
    faults = ask(chain.link, CheckKeys(keys), (chain.key, chain.key, b"garbage")).message
    assert isinstance(faults, Faults)
    assert [bool(text) for text in faults.texts] == [False, True, True]
