"""All placeholders of a view together: none is in a value or in another one, whatever somebody puts into a value."""

import base64
import hashlib
import json

from envfs.dotenv import dialects, merging
from envfs.dotenv.document import parse_document
from envfs.dotenv.merging import MergedView
from envfs.dotenv.placeholders.masking import FIRST_LINE, choose_placeholders, masked_view
from envfs.dotenv.residues import close_residue, is_open

URL = "postgres://administrator:a-password-of-the-usual-length@db/shop"


def seed_of(name: str, value: str) -> bytes:
    return hashlib.sha256(f"{name}\0{value}".encode()).digest()


def chosen(**variables: str) -> dict[str, str]:
    texts = choose_placeholders(list(variables.items()), [seed_of(*item) for item in variables.items()])
    return dict(zip(variables, texts, strict=True))


def view(*texts: str) -> MergedView:
    return merging.merge_layers([merging.Layer(f"/{at}", parse_document(text)) for at, text in enumerate(texts)])


def check(values: dict[str, str], placeholders: dict[str, str]) -> None:
    for name, placeholder in placeholders.items():
        assert not any(placeholder in value for value in values.values())
        assert not any(placeholder in other for by, other in placeholders.items() if by != name)


def test_a_placeholder_stays_the_same_whatever_stands_beside_it() -> None:
    assert chosen(A="hunter2")["A"] == chosen(B="hunter3", A="hunter2", C="")["A"]
    assert chosen(A="hunter2")["A"] != chosen(A="hunter3")["A"]


def test_the_same_value_of_two_variables_has_two_placeholders() -> None:
    placeholders = chosen(A="hunter2", B="hunter2")
    assert placeholders["A"] != placeholders["B"]


def test_a_placeholder_that_became_a_value_is_not_used_again() -> None:
    first = chosen(A="hunter2")["A"]
    values = {"A": "hunter2", "B": f"before {first} behind"}
    second = chosen(**values)["A"]
    third = chosen(**values, C=f"{second}{second}")["A"]
    assert len({first, second, third}) == 3
    check({**values, "C": second * 2}, chosen(**values, C=second * 2))


def test_a_placeholder_that_an_address_shows_is_not_used() -> None:
    first = chosen(A="hunter2")["A"]
    values = {"A": "hunter2", "B": f"https://{first}.example.com/"}
    placeholders = chosen(**values)
    assert first in placeholders["B"]
    check(values, placeholders)


def test_an_address_shows_no_other_variable() -> None:
    assert "administrator" in chosen(A=URL)["A"]
    for other in ("administrator", "ministra"):
        placeholder = chosen(A=URL, B=other)["A"]
        assert "ministra" not in placeholder
        assert placeholder.startswith("postgres://")
        assert placeholder.endswith("@db")
    assert chosen(A=URL, B="shop", C="a")["A"] == chosen(A=URL)["A"]  # a short value stands in others by chance


def test_claims_show_no_other_variable() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZS1vZi1zaG9wIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert chosen(A=token)["A"].startswith("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZS1vZi1zaG9wIn0.")
    placeholder = chosen(A=token, B="alice-of-shop")["A"]
    assert "eyJzdWIiOiJhbGljZS1vZi1zaG9wIn0" not in placeholder
    assert len(placeholder) == len(token)


def test_a_masked_view_has_the_same_names_in_the_same_order() -> None:
    masked = masked_view(view("A=1\nB=hunter2\n", "C=${B}x\nA=2\n"), seed_of)
    assert list(masked.variables) == ["A", "B", "C"]
    assert masked.origin == {"A": "/1", "B": "/0", "C": "/1"}
    assert not {"1", "2", "hunter2", "hunter2x"} & set(masked.variables.values())


def test_references_to_a_readers_environment_stay_and_the_text_beside_them_does_not() -> None:
    plain = view("PATH=${PATH}:/opt/hunter2/bin\nA=${B:-hunter2}\nC=$HOME\nD=${E:+hunter2}\n")
    masked = masked_view(plain, seed_of)
    assert set(masked.opened) == {"PATH", "A", "C", "D"}
    assert all(map(is_open, masked.opened.values()))
    assert "hunter2" not in repr([dict(masked.opened), masked.variables]) + dialects.dialect_text(
        {}, "shell", masked.opened
    )
    assert close_residue(masked.opened["PATH"]).startswith(":")
    assert close_residue(masked.opened["A"]) == masked.variables["A"]
    text = dialects.dialect_text(masked.variables, "shell", masked.opened)
    assert text.splitlines()[0].startswith('PATH="${PATH}:')
    assert "hunter2" not in text


def test_a_value_depends_on_the_layers_of_all_that_it_refers_to() -> None:
    merged = view("A=1\nB=${C}\n", "C=2\nD=${A}\n", "E=${B}\nF=x\n")
    layers = {name: merging.layers_of(merged, name) for name in merged.variables}
    assert layers == {"A": [0], "B": [0, 1], "C": [1], "D": [0, 1], "E": [0, 1, 2], "F": [2]}


def test_the_first_line_is_a_comment_in_every_dialect() -> None:
    assert FIRST_LINE.startswith("# masked by envfs: ")
    assert FIRST_LINE.count("\n") == 1
    assert not set("\\'\"`$=") & set(FIRST_LINE)
    assert parse_document(FIRST_LINE).variables() == {}


def test_claims_of_any_length_take_no_long_time() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "x" * 90_000}).encode()).decode().rstrip("=")
    token = f"eyJhbGciOiJIUzI1NiJ9.{claims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    others = {f"V_{length}": "y" * length for length in range(8, 1000)}
    placeholder = chosen(A=token, **others)["A"]
    assert claims not in placeholder
    assert len(placeholder) == len(token)
