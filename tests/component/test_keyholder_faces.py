"""The faces of a view: placeholders in every part, the same ones as long as a value is the same, and chosen names."""

import itertools
import json

import pytest

from envfs.core.view_parts import Part
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.dotenv.placeholders.masking import FIRST_LINE
from envfs.host.memory import Region
from envfs.protocol.keyholding import RenderView
from tests.component.keyholders import Chain, Kept, ask

TEXT = b"# a secret in a comment: hunter1\nA=hunter2\nTOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345\nURL=redis://:${A}@cache/0\n"
VALUES = (b"hunter1", b"hunter2", b"0123456789abcdefghij")


class Rendered:
    """A view, as the daemon would get it."""

    def __init__(self, link: KeyholderLink, request: RenderView, blobs: tuple[bytes, ...]) -> None:
        answer = ask(link, request, blobs)
        region = Region(answer.descriptors[0], sum(answer.message.sizes))
        ends = itertools.pairwise(itertools.accumulate(answer.message.sizes, initial=0))
        self.variables = answer.message.variables
        self.parts = {part: bytes(region.map[slice(*place)]) for part, place in zip(Part, ends, strict=True)}
        region.close()

    @property
    def values(self) -> dict[str, str]:
        entries = self.parts[Part.ENVIRON].decode().split("\0")[:-1]
        return dict(entry.split("=", 1) for entry in entries)


def rendered(
    chain: Chain, *, masked: bool = True, only: tuple[str, ...] = (), link: KeyholderLink | None = None
) -> Rendered:
    request = RenderView((chain.layer(len(chain.records), 0, 1),), masked=masked, only=only)
    return Rendered(link or chain.link, request, (chain.records[-1], chain.key))


@pytest.fixture
def shop(link: KeyholderLink) -> Chain:
    chain = Chain(link)
    chain.write("replace", TEXT)
    return chain


def test_a_masked_view_has_placeholders_in_every_part(shop: Chain) -> None:
    plain, masked = rendered(shop, masked=False), rendered(shop)
    assert not any(value in part for value in VALUES for part in masked.parts.values())
    assert masked.parts[Part.DOTENV].decode().startswith(FIRST_LINE)
    assert masked.values["TOKEN"].startswith("ghp_")
    assert masked.values["URL"].endswith("@cache/0")
    assert json.loads(masked.parts[Part.JSON]) == masked.values
    lines = masked.parts[Part.DOTENV].decode().removeprefix(FIRST_LINE).splitlines()
    assert dict(line.split("=", 1) for line in lines) == masked.values
    assert masked.parts[Part.EXAMPLE] == plain.parts[Part.EXAMPLE]
    assert masked.parts[Part.ORIGINS] == plain.parts[Part.ORIGINS]


def test_placeholders_outlive_the_keyholder_and_changes_of_others(
    link: KeyholderLink, fresh: KeyholderLink, kept: Kept
) -> None:
    ask(link, kept.load, (), (kept.file,))
    shop = Chain(link)
    shop.write("replace", TEXT)
    before = rendered(shop).values
    ask(fresh, kept.load, (), (kept.file,))
    assert rendered(shop, link=fresh).values == before
    shop.write("set", b"new", "B")
    assert {**rendered(shop).values, "B": ""} == {**before, "B": ""}
    shop.write("set", b"hunter3", "A")
    after = rendered(shop).values
    assert [name for name in before if after[name] != before[name]] == ["A", "URL"]


def test_another_key_and_another_level_give_another_placeholder(shop: Chain, link: KeyholderLink) -> None:
    other = Chain(link, "blog")
    other.write("replace", TEXT)
    one, two = rendered(shop).values, rendered(other).values
    assert not set(one.values()) & set(two.values())


def test_a_value_is_keyed_by_every_text_that_it_is_made_of(link: KeyholderLink) -> None:
    top, shop = Chain(link, "top"), Chain(link)
    top.write("replace", b"A=hunter2\n")
    shop.write("replace", b"B=${A}\nC=hunter2\n")
    layers = (top.layer(1, 0, 1), shop.layer(1, 2, 3))
    blobs = (top.records[0], top.key, shop.records[0], shop.key)
    both = Rendered(link, RenderView(layers, masked=True), blobs).values
    assert both["A"] == rendered(top).values["A"]
    assert both["C"] == rendered(shop).values["C"]
    shop.write("replace", b"B=hunter2\n")
    assert both["B"] != rendered(shop).values["B"]  # one key alone confirms no guess at what the other text holds


@pytest.mark.parametrize("masked", [False, True])
def test_a_face_of_some_names_has_no_other_name_and_no_other_value(shop: Chain, masked: bool) -> None:
    some = rendered(shop, masked=masked, only=("U*", "NONE"))
    assert some.variables == 1
    assert list(some.values) == ["URL"]
    assert not any(name in part for name in (b"TOKEN", b"A=") for part in some.parts.values())
    assert some.values["URL"] == rendered(shop, masked=masked).values["URL"]
    assert rendered(shop, masked=masked, only=("a",)).parts[Part.ENVIRON] == b""


def test_a_masked_view_has_no_text_of_a_reference_to_its_readers_environment(link: KeyholderLink) -> None:
    chain = Chain(link)
    chain.write("replace", b"# @dialect shell\nPATH=${PATH}:/opt/hunter2/bin\n")
    masked = rendered(chain)
    assert b"hunter2" not in b"".join(masked.parts.values())
    assert json.loads(masked.parts[Part.OPENED])["PATH"][0]["name"] == "PATH"
    assert masked.parts[Part.DOTENV].decode().startswith(f'{FIRST_LINE}PATH="${{PATH}}:')
