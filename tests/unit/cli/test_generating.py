"""A new value has the length and the characters that were asked for, and its strength is that of the choices."""

import itertools
import math
import subprocess
from pathlib import Path

import pytest

from envfs.dotenv.document import parse_document
from envfs_cli.arguments import Mistake
from envfs_cli.generating import new_values
from envfs_cli.generating.new_values import ValueKind
from envfs_cli.generating.word_list import passphrase_words


def make(kind: str, length: int = 0, alphabet: str = "") -> new_values.NewValue:
    return new_values.make_value(new_values.check_kind(ValueKind(kind, length, alphabet)))


@pytest.mark.parametrize(
    ("kind", "length", "alphabet", "pattern", "bits"),
    [
        ("password", 0, "", r"[a-zA-Z0-9]{32}", 32 * math.log2(62)),
        ("password", 500, "readable", r"[a-km-np-zA-HJ-NP-Z2-9]{500}", 500 * math.log2(55)),
        ("password", 9, "01", r"[01]{9}", 9),
        ("password", 300, "symbols", r"[^\s'\"`$\\]{300}", 300 * math.log2(len(new_values.ALPHABETS["symbols"]))),
        ("words", 3, "", r"[a-z]+-[a-z]+-[a-z]+", 3 * math.log2(len(passphrase_words()))),
        ("hex", 5, "", r"[0-9a-f]{10}", 40),
        ("base64", 6, "", r"[A-Za-z0-9+/]{8}", 48),
        ("uuid", 0, "", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", 122),
    ],
)
def test_a_value_is_of_its_kind(kind: str, length: int, alphabet: str, pattern: str, bits: float) -> None:
    import re

    made = make(kind, length, alphabet)
    assert re.fullmatch(pattern, made.value.decode())
    assert made.bits == pytest.approx(bits)
    assert make(kind, length, alphabet) != made
    assert made.value.decode() not in repr(made)


@pytest.mark.parametrize("alphabet", new_values.ALPHABETS)
def test_each_alphabet_has_each_sign_once_and_stands_in_a_text_as_it_is(alphabet: str) -> None:
    signs = new_values.ALPHABETS[alphabet]
    assert len({*signs}) == len(signs)
    document = parse_document("").set("A", signs)
    assert parse_document(document.render()).variables() == {"A": signs}


@pytest.mark.parametrize(
    ("kind", "length", "alphabet"),
    [
        ("nonsense", 0, ""),
        ("words", 0, "01"),
        ("uuid", 8, ""),
        ("ssh", 8, ""),
        ("rsa", 1024, ""),
        ("password", 9999, ""),
        ("password", 0, "aa"),
        ("password", 0, "a"),
        ("password", 0, "a\n"),
    ],
)
def test_what_does_not_go_together_is_a_mistake(kind: str, length: int, alphabet: str) -> None:
    with pytest.raises(Mistake):
        new_values.check_kind(ValueKind(kind, length, alphabet))


@pytest.mark.parametrize(("text", "kind"), [("words 6", ValueKind("words", 6)), ("uuid", ValueKind("uuid"))])
def test_a_directive_names_a_kind_and_a_length(text: str, kind: ValueKind) -> None:
    assert new_values.read_kind(text) == kind


def test_a_directive_with_another_length_is_a_mistake() -> None:
    with pytest.raises(Mistake):
        new_values.read_kind("words many")


def test_no_word_stands_twice_or_begins_another() -> None:
    words = sorted(passphrase_words())
    assert len(words) == 1544  # the docstring's figure
    assert not [word for word, following in itertools.pairwise(words) if following.startswith(word)]
    assert all(word.isalpha() and word.islower() and 3 <= len(word) <= 6 for word in words)


def test_an_ssh_key_is_one_to_openssh(tmp_path: Path) -> None:
    made, path = make("ssh"), tmp_path / "key"
    path.write_bytes(made.value)
    path.chmod(0o600)
    done = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, check=True, timeout=60)
    assert done.stdout.split()[:2] == made.public.split()


def test_an_age_key_is_one_to_age() -> None:
    made = make("age")
    done = subprocess.run(["age-keygen", "-y"], input=made.value, capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == made.public


@pytest.mark.parametrize("kind", ["ed25519", "x25519", "rsa"])
def test_a_pem_key_is_the_half_of_its_public_one(kind: str) -> None:
    from cryptography.hazmat.primitives import serialization

    made = make(kind, 2048 if kind == "rsa" else 0)
    key = serialization.load_pem_private_key(made.value, None)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert public == made.public
