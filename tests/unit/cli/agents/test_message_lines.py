"""A line is given on if the library of the server takes it, and has an error else that can be written."""

import json

import mcp_types as types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from envfs_cli.agents.message_lines import refusal_of

_TEXTS = st.text(alphabet=st.sampled_from("a/\ud800\udfff\0\n"), max_size=3)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=4,
)
_FIELDS = {
    "jsonrpc": st.just("2.0") | _VALUES,
    "id": st.just(7) | _VALUES,
    "method": st.just("ping") | _VALUES,
    "params": st.just({}) | _VALUES,
    "result": st.just({}) | _VALUES,
}
_LINES = st.fixed_dictionaries({}, optional=_FIELDS).map(json.dumps) | st.text(max_size=20) | _VALUES.map(json.dumps)


def _is_taken(line: str) -> bool:
    try:
        types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        return False
    return True


@given(_LINES)
def test_a_line_is_given_on_or_has_an_error(line: str) -> None:
    refusal = refusal_of(line)
    if refusal is None:
        assert _is_taken(line)
    else:
        code, words, number = refusal
        assert code in (-32700, -32600, -32602)
        assert json.dumps([words, number], ensure_ascii=False).encode()
        message = json.loads(line) if code != -32700 else {}
        assert number is None or message["id"] == number
