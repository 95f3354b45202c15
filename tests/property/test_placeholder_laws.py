"""Placeholders of any values: long enough, and in no value and no other placeholder, whatever was pasted where."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from envfs.dotenv.placeholders.masking import choose_placeholders


def chosen(values: dict[str, str]) -> dict[str, str]:
    seeds = [
        hashlib.sha256(f"{name}\0{value}".encode(errors="surrogatepass")).digest() for name, value in values.items()
    ]
    return dict(zip(values, choose_placeholders(list(values.items()), seeds), strict=True))


@given(st.dictionaries(st.sampled_from("ABCDEFG"), st.text(max_size=60)), st.data())
def test_no_placeholder_is_in_a_value_or_in_another(values: dict[str, str], data: st.DataObject) -> None:
    for name, placeholder in chosen(values).items():  # as a person does who pastes the text of a masked file
        if data.draw(st.booleans()):
            values[name.lower()] = data.draw(st.sampled_from(["", "x"])) + placeholder
    placeholders = chosen(values)
    for name, placeholder in placeholders.items():
        assert not any(placeholder in value for value in values.values())
        assert not any(placeholder in other for by, other in placeholders.items() if by != name)
        size = len(values[name].encode(errors="surrogatepass"))
        assert len(placeholder) == size or (size < 40 and len(placeholder) >= 22) or "://" in placeholder
