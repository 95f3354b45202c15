"""The rules that commands gave: what is written comes back, what is odd is refused, nothing is given twice."""

from pathlib import Path

import pytest

from envfs.core.access.roles import NAMED_SETS, Capability
from envfs.core.access.rule import Pin, Rule, RuleProcess
from envfs.core.access.verdict import Decision
from envfs.errors import EnvFSError, StoreUnavailable, TooLarge, UnsafeSettings
from envfs.gate.rule_book import RuleBook
from envfs.rules_file import Rules, RulesFile, parse_rules, rules_text
from envfs.settings import SettingsFile

UNTIL = "2026-11-21T12:00:00.000000Z"
FULL = Rule(
    level="/shop/prod",
    uid=1001,
    until=UNTIL,
    boot="boot-1",
    boot_until=1500.5,
    dialect="node",
    gid=7,
    exe=Pin("/usr/bin/node", "0" * 64),
    script=Pin('/srv/ünï "x" \\.js', "1" * 64),
    under=Pin("/usr/bin/tmux"),
    cgroup="/system.slice/shop.service",
    unit="shop.service",
    only=("DB_*", "PORT"),
    decision=Decision.MASK,
    can=frozenset((Capability.READ, Capability.NAMES)),
    max_reads=3,
    birth=5.0,
    token="a" * 64,
    by=1000,
    process=RuleProcess("boot-1", 4711, 99, 1234.56),
    by_token="t3",
)


@pytest.fixture
def rules(tmp_path: Path) -> RulesFile:
    return RulesFile(tmp_path / "grants.toml")


def test_a_rule_with_everything_comes_back(rules: RulesFile) -> None:
    given = rules.add(FULL)
    assert given == FULL._replace(id="g1")
    assert RulesFile(rules.path).load() == Rules((given,), 2)
    assert rules.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("can", NAMED_SETS.values(), ids=NAMED_SETS)
@pytest.mark.parametrize("decision", Decision)
def test_what_a_rule_allows_comes_back(rules: RulesFile, decision: Decision, can: frozenset[Capability]) -> None:
    given = rules.add(Rule("/", 1, decision=decision, can=can))
    assert RulesFile(rules.path).load().rules == (given,)


def test_the_key_of_a_persons_rule_stays_what_it_was_in_earlier_releases() -> None:
    assert Rule("/shop", 7).key == "sb7219b38"
    assert Rule("/shop", 7, exe=Pin("/bin/a"), max_reads=3).key == "sae41fa3c"
    assert Rule("/shop", 7, process=FULL.process).key not in ("sb7219b38", Rule("/shop", 7, by=1).key)


def test_an_id_is_never_given_again(rules: RulesFile) -> None:
    first, second = rules.add(Rule("/", 1)), rules.add(Rule("/", 2))
    rules.remove([second.id])
    assert rules.load().rules == (first,)
    assert rules.add(Rule("/", 2)).id == "g3"


def test_a_rule_for_the_same_callers_takes_the_place_of_the_first(rules: RulesFile) -> None:
    rules.add(Rule("/", 1, exe=Pin("/bin/a", "0" * 64)))
    other = rules.add(Rule("/", 1))
    again = rules.add(Rule("/", 1, exe=Pin("/bin/a", "1" * 64), decision=Decision.DENY))
    assert rules.load().rules == (other, again)


def test_what_another_process_writes_counts(rules: RulesFile) -> None:
    assert rules.load().rules == ()
    given = RulesFile(rules.path).add(Rule("/", 1))
    rules._file.forget()
    assert rules.load().rules == (given,)


TABLE = '[[grant]]\nid = "g1"\nlevel = "/"\nuid = 1\n'
WRONG = {
    "no TOML": "next = \n",
    "an unknown key": "size = 1\n",
    "an unknown key in a rule": f"next = 2\n{TABLE}colour = 1\n",
    "no level": 'next = 2\n[[grant]]\nid = "g1"\nuid = 1\n',
    "nobody": 'next = 2\n[[grant]]\nid = "g1"\nlevel = "/"\n',
    "a number as text": 'next = 2\n[[grant]]\nid = "g1"\nlevel = "/"\nuid = "1"\n',
    "true as a number": 'next = 2\n[[grant]]\nid = "g1"\nlevel = "/"\nuid = true\n',
    "a number below 0": 'next = 2\n[[grant]]\nid = "g1"\nlevel = "/"\nuid = -1\n',
    "a number that stands for nobody": 'next = 2\n[[grant]]\nid = "g1"\nlevel = "/"\nuid = 4294967295\n',
    "no id": 'next = 2\n[[grant]]\nlevel = "/"\nuid = 1\n',
    "an odd id": 'next = 2\n[[grant]]\nid = "1"\nlevel = "/"\nuid = 1\n',
    "an id twice": f"next = 2\n{TABLE}{TABLE}",
    "an id that is to come": f"next = 1\n{TABLE}",
    "a relative path": f"next = 2\n{TABLE}exe = 'node'\n",
    "a digest alone": f"next = 2\n{TABLE}exe_sha256 = '{'0' * 64}'\n",
    "an odd digest": f"next = 2\n{TABLE}exe = '/n'\nexe_sha256 = 'x'\n",
    "an escape sequence": f'next = 2\n{TABLE}exe = "/n\\u001b[2J"\n',
    "text that turns its direction": f'next = 2\n{TABLE}exe = "/n\\u202e"\n',
    "an odd decision": f"next = 2\n{TABLE}decision = 'maybe'\n",
    "an odd capability": f"next = 2\n{TABLE}can = ['fly']\n",
    "a number as a capability": f"next = 2\n{TABLE}can = [1]\n",
    "an odd name": f"next = 2\n{TABLE}only = ['A B']\n",
    "a birth before now": f"next = 2\n{TABLE}birth = -1\n",
    "no birth at all": f"next = 2\n{TABLE}birth = nan\n",
    "fewer reads than none": f"next = 2\n{TABLE}max_reads = -1\n",
    "a number of refusals": f"next = 2\n{TABLE}max_reads = 1\ndecision = 'deny'\n",
    "an odd dialect": f"next = 2\n{TABLE}dialect = 'perl'\n",
    "an odd end": f"next = 2\n{TABLE}until = 'tomorrow'\n",
    "half an end": f"next = 2\n{TABLE}until = '{UNTIL}'\nboot = 'b'\n",
    "a text that is too long": f"next = 2\n{TABLE}unit = '{'x' * 5000}'\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_is_no_rule_is_refused(rules: RulesFile, text: str) -> None:
    with pytest.raises(EnvFSError):
        parse_rules(text.encode())
    rules.path.write_text(text)
    rules.path.chmod(0o600)
    with pytest.raises(UnsafeSettings, match="is wrong"):
        rules.load()
    with pytest.raises(UnsafeSettings):
        rules.add(Rule("/", 1))
    assert rules.path.read_text() == text


def test_a_file_that_others_may_write_gives_nothing(rules: RulesFile) -> None:
    rules.add(Rule("/", 1))
    rules.path.chmod(0o622)
    with pytest.raises(UnsafeSettings, match="not trusted"):
        rules.load()


def test_where_nothing_can_be_written_the_old_rules_stay(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((StoreUnavailable, UnsafeSettings)):
        RulesFile(tmp_path / "file" / "grants.toml").add(Rule("/", 1))


# -- both files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path, rules: RulesFile) -> RuleBook:
    path = tmp_path / "envfs.toml"
    path.write_text('# mine\n[[grant]]\nlevel = "/shop"\nuid = 1\n\n# its own\n[[grant]]\nlevel = "/"\nuid = 2\n')
    path.chmod(0o600)
    return RuleBook(SettingsFile(path), rules)


def test_the_rules_of_both_files_count_and_stay_the_same_object(book: RuleBook) -> None:
    given = book.give(Rule("/blog", 3))
    assert book.load() == (Rule("/shop", 1), Rule("/", 2), given)
    assert book.load() is book.load()


def test_a_rule_takes_the_place_of_one_that_a_person_wrote(book: RuleBook, tmp_path: Path) -> None:
    given = book.give(Rule("/shop", 1, decision=Decision.DENY))
    assert book.load() == (Rule("/", 2), given)
    assert "# its own" in (tmp_path / "envfs.toml").read_text()


def test_rules_end_by_their_ids_wherever_they_stand(book: RuleBook) -> None:
    given = book.give(Rule("/blog", 3))
    book.end([given.key, book.load()[0].key])
    assert book.load() == (Rule("/", 2),)


def test_a_rule_of_a_person_has_an_id_of_its_content() -> None:
    keys = {Rule("/", 1).key, Rule("/", 2).key, Rule("/", gid=1).key, Rule("/", 1, only=("A",)).key}
    assert len(keys) == 4
    assert Rule("/", 1).key == Rule("/", 1).key
    assert Rule("/", 1, can=frozenset(Capability)).key == Rule("/", 1, can=frozenset(reversed(list(Capability)))).key
    assert rules_text(Rules()) != ""


def test_rules_that_together_would_not_be_read_again_are_not_written(
    rules: RulesFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envfs.rules_file.LARGEST", 2048)
    first = rules.add(Rule("/", 1))
    with pytest.raises(TooLarge):
        rules.add(Rule("/", 2, only=("A" * 255,) * 10))
    assert RulesFile(rules.path).load().rules == (first,)
