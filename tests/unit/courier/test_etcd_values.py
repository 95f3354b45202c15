"""Values of etcd: rubbish is handed on, to be refused where records are checked."""

import pytest

from envfs.courier.engines.etcd import values


@pytest.mark.parametrize("value", [b"", b"rubbish{", b'{"no":1}'])
def test_rubbish_is_no_reason_to_give_up_the_engine(value: bytes) -> None:
    assert values.parse_value(value) == value


def test_a_whole_record_and_a_cut_one_are_read_back() -> None:
    cut, pieces = values.cut_record("level/app/@00000001.json", b"text")
    assert values.parse_value(values.whole_value(b"text")) == b"text"
    assert values.parse_value(values.cut_value(cut)) == cut
    assert values.join_pieces("level/app/@00000001.json", cut, pieces) == b"text"
