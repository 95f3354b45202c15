"""Who gets what by which rule: a table of its own, written from what rules mean. Nothing of the product decides here.

A caller is described by what it is; a rule by its conditions and by what it gives; `expected` puts the two together:
whether the caller gets through a door, and whether it finds the value there, a placeholder, or nothing of the variable.
"""

import itertools
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

ALICE, BOB, NOBODY, TEAM = 4101, 4102, 65534, 4200
USERS = {"root": 0, "alice": ALICE, "bob": BOB, "nobody": NOBODY}
GROUPS = ("none", "also", "first")  # whether the caller is in the team, and how
PROGRAMS = ("approved script", "approved other script", "approved code", "other", "twin", "under")
SPACES = ("here", "user", "mount", "pid")
PROGRAM_OF = {"other": "other", "twin": "twin"}
READ, NAMES, HISTORY = "read", "names", "history"
READER = frozenset((READ, NAMES, HISTORY))


class Cell(Enum):
    """What a caller gets at a door: nothing, or the level with the variable's value, a placeholder, or without it."""

    REFUSED = auto()
    TRUE = auto()
    MASKED = auto()
    HIDDEN = auto()


class Persona(NamedTuple):
    """A caller: its user, how it is in the team, what it runs, and the namespace that is another than the daemon's."""

    user: str
    group: str
    program: str
    space: str

    @property
    def uid(self) -> int:
        return USERS[self.user]

    @property
    def in_team(self) -> bool:
        return self.group != "none"

    @property
    def path(self) -> str:
        """The program as its path says."""
        return PROGRAM_OF.get(self.program, "approved")

    @property
    def runs(self) -> str:
        """The program as its content is. In a mount namespace of its own another one lies at the approved path."""
        return "other" if self.space == "mount" and self.path == "approved" else self.path

    @property
    def script(self) -> str:
        return {"approved other script": "other", "approved code": ""}.get(self.program, "approved")


class Condition(NamedTuple):
    """A rule: what it names of a caller, what it decides, what it gives. `pinned` by content, to the program named."""

    uid: int | None = None
    gid: int | None = None
    exe: str = ""
    exe_pinned: str = ""
    script: str = ""
    script_pinned: str = ""
    under: str = ""
    cgroup: str = ""
    birth: float = 0.0
    decision: str = "allow"
    can: frozenset[str] = READER
    ended: bool = False
    only: str = ""

    @property
    def weight(self) -> tuple[int, ...]:
        """How much it says, the most telling first."""
        pins = ((self.exe, self.exe_pinned), (self.script, self.script_pinned), (self.under, ""))
        programs = (0 if not path else 2 if pinned else 1 for path, pinned in pins)
        return (*programs, int(bool(self.cgroup)), int(self.uid is not None), int(self.gid is not None))


ALL_NAMES, OTHER_NAMES = "NAME_*", "OTHER_*"  # the variable of each level is among the first, and not of the second

RULES: dict[str, tuple[Condition, ...]] = {
    "none": (),
    "uid": (Condition(ALICE),),
    "gid": (Condition(gid=TEAM),),
    "uid-gid": (Condition(ALICE, TEAM),),
    "root": (Condition(0),),
    "exe": (Condition(ALICE, exe="approved"),),
    "pin": (Condition(ALICE, exe="approved", exe_pinned="approved"),),
    "wrong-pin": (Condition(ALICE, exe="approved", exe_pinned="other"),),
    "any-exe": (Condition(exe="approved"),),
    "gid-exe": (Condition(gid=TEAM, exe="twin", exe_pinned="approved"),),
    "script": (Condition(ALICE, exe="approved", script="approved"),),
    "script-pin": (Condition(ALICE, exe="approved", script="approved", script_pinned="approved"),),
    "script-wrong": (Condition(ALICE, script="approved", script_pinned="other"),),
    "under": (Condition(ALICE, under="parent"),),
    "deny-exe": (Condition(ALICE), Condition(ALICE, exe="approved", decision="deny")),
    "deny-pin": (Condition(ALICE), Condition(ALICE, exe="approved", exe_pinned="approved", decision="deny")),
    "deny-script": (Condition(ALICE), Condition(ALICE, script="approved", decision="deny")),
    "deny-under": (Condition(ALICE), Condition(ALICE, under="parent", decision="deny")),
    "deny-uid": (Condition(ALICE, decision="deny"), Condition(ALICE, exe="approved")),
    "deny-gid": (Condition(ALICE), Condition(gid=TEAM, decision="deny")),
    "tie": (Condition(ALICE), Condition(ALICE, decision="deny", can=frozenset((READ,)))),
    "ended": (Condition(ALICE, ended=True),),
    "young": (Condition(ALICE, birth=3600.0),),
    "too-old": (Condition(ALICE, birth=0.001),),
    "cgroup": (Condition(ALICE, cgroup="/nowhere"),),
    "viewer": (Condition(ALICE, can=frozenset((NAMES,))),),
    "historian": (Condition(ALICE, can=frozenset((HISTORY,))),),
    "values": (Condition(ALICE, can=frozenset((READ,))),),
    "mask": (Condition(ALICE, decision="mask"),),
    "mask-but": (Condition(ALICE, decision="mask"), Condition(ALICE, exe="approved")),
    "mask-but-pin": (Condition(ALICE, decision="mask"), Condition(ALICE, exe="approved", exe_pinned="approved")),
    "mask-pin": (Condition(ALICE), Condition(ALICE, exe="approved", exe_pinned="approved", decision="mask")),
    "mask-wrong-pin": (Condition(ALICE), Condition(ALICE, exe="approved", exe_pinned="other", decision="mask")),
    "mask-script": (Condition(ALICE), Condition(ALICE, script="approved", decision="mask")),
    "mask-under": (Condition(ALICE), Condition(ALICE, under="parent", decision="mask")),
    "mask-gid": (Condition(ALICE), Condition(gid=TEAM, decision="mask")),
    "mask-tie": (Condition(ALICE), Condition(ALICE, decision="mask")),
    "mask-names": (Condition(ALICE, decision="mask", can=frozenset((NAMES,))),),
    "mask-deny": (
        Condition(ALICE, decision="mask"),
        Condition(ALICE, exe="approved", decision="deny", can=frozenset((READ,))),
    ),
    "some": (Condition(ALICE, only=ALL_NAMES),),
    "others": (Condition(ALICE, only=OTHER_NAMES),),
    "others-tie": (Condition(ALICE, only=OTHER_NAMES), Condition(ALICE, only=ALL_NAMES)),
    "others-exe": (Condition(ALICE), Condition(ALICE, exe="approved", only=OTHER_NAMES)),
    "mask-others": (Condition(ALICE, decision="mask", only=OTHER_NAMES),),
    "mask-others-exe": (Condition(ALICE, decision="mask"), Condition(ALICE, exe="approved", only=OTHER_NAMES)),
}
DOORS = {  # what each takes; `any`: to know of the level
    **dict.fromkeys(
        ("folder.stat", "folder.list", "folder.listed", "folder.access", "folder.xattr", "socket.levels"), "any"
    ),
    **dict.fromkeys(("env.stat", "env.access", "env.read", "env.held", "env.statvfs", "env.watch"), READ),
    **dict.fromkeys(("json.read", "environ.read"), READ),
    **dict.fromkeys(("example.read", "vars.list"), NAMES),
    **dict.fromkeys(("history.list", "past.list"), HISTORY),
    **dict.fromkeys(("socket.view", "socket.environ", "socket.own", "socket.value"), READ),
    **dict.fromkeys(("socket.variables", "socket.facts"), NAMES),
    "socket.history": HISTORY,
    "socket.watch": NAMES,
}
SEVERAL = {  # these take more than one thing. The way to a value goes over a folder of names
    **dict.fromkeys(("value.stat", "value.read"), frozenset((READ, NAMES))),
    **dict.fromkeys(
        ("past.read", "past.json", "past.environ", "socket.past", "socket.moment"), frozenset((READ, HISTORY))
    ),
    **dict.fromkeys(("past.example", "past.vars"), frozenset((NAMES, HISTORY))),
    "past.value": READER,
}
OF_ONE = ("value.stat", "value.read", "past.value", "socket.value")  # where a hidden variable is one that is not there


def needs(door: str) -> frozenset[str]:
    """Return the things that a door takes, but for those that are about knowing of a level."""
    return SEVERAL.get(door) or frozenset({DOORS[door]} - {"any"})


def expected(persona: Persona, rule: str, door: str) -> Cell:
    """Tell what a caller gets at a door of a level that has the rules of that name."""
    if not _passes(persona, rule, door):
        return Cell.REFUSED
    masked, only = _face(persona, rule, door)
    if door == "socket.own" and (masked or only):
        return Cell.REFUSED  # a level's own text has no placeholders, and all names
    if only == {OTHER_NAMES}:
        return Cell.REFUSED if door in OF_ONE else Cell.HIDDEN
    return Cell.MASKED if masked else Cell.TRUE


def _passes(persona: Persona, rule: str, door: str) -> bool:
    gets = _gets(persona, RULES[rule], door.startswith("socket."))
    if door == "folder.listed" and not _lists_mount_point(persona):
        return False
    if needs(door):
        return needs(door) <= gets
    return bool(gets) or (door == "socket.levels" and persona.user == "root")  # whose daemon it is


def _face(persona: Persona, rule: str, door: str) -> tuple[bool, frozenset[str]]:
    """Tell whether a caller gets placeholders, and which names alone (none: all)."""
    masked, only = False, frozenset[str]()
    by_weight = sorted(RULES[rule], key=lambda condition: condition.weight, reverse=True)
    for _, tied in itertools.groupby(by_weight, lambda condition: condition.weight):
        answers = [(each, _is_met(each, persona, door.startswith("socket."))) for each in tied]
        deciding = [each for each, met in answers if met and not each.ended and each.decision != "deny"]
        strictest = [each for each in deciding if each.decision == "mask"] or deciding
        for each, met in answers:  # what may decide limits what does
            if met is None and each.decision != "deny":
                masked = masked or each.decision == "mask"
                only = only or frozenset({each.only} - {""})
        if deciding:
            names = frozenset(each.only for each in strictest)
            return masked or strictest[0].decision == "mask", only or (names if "" not in names else frozenset())
    return masked, only


def _lists_mount_point(persona: Persona) -> bool:
    # the kernel checks that, which knows users and groups and no programs: some rule has to name either alone
    return persona.uid in (0, ALICE) or persona.in_team


def _gets(persona: Persona, conditions: tuple[Condition, ...], by_socket: bool) -> set[str]:
    given: set[str] = set()
    taken: set[str] = set()
    for weight, tied in itertools.groupby(sorted(conditions, key=lambda c: c.weight, reverse=True), lambda c: c.weight):
        del weight
        for condition in tied:
            met = _is_met(condition, persona, by_socket)
            if condition.ended or met is False:
                continue
            if condition.decision == "deny":
                taken |= condition.can
            elif met:
                given |= condition.can
            else:  # it may be what decides, and gives no more than this
                taken |= READER - condition.can
        if given:
            break
    return given - taken


def _is_met(condition: Condition, persona: Persona, by_socket: bool) -> bool | None:
    """Tell whether a caller meets a rule. None where nobody can tell."""
    answers = [_is_program(condition, persona, by_socket), _is_script(condition, persona, by_socket)]
    if condition.uid is not None:
        answers.append(condition.uid == persona.uid)
    if condition.gid is not None:
        answers.append(persona.in_team)
    if condition.under:
        is_under = persona.program == "under"
        answers.append(None if by_socket and is_under else is_under)  # it may have connected as another program
    if condition.cgroup:
        answers.append(False)
    if condition.birth:
        answers.append(condition.birth > 1)
    return False if False in answers else None if None in answers else True


def _is_program(condition: Condition, persona: Persona, by_socket: bool) -> bool | None:
    if not condition.exe:
        return True
    if condition.exe != persona.path:
        return False
    if by_socket or persona.space == "user":
        return None
    content = "approved" if persona.runs == "twin" else persona.runs
    if condition.exe_pinned:
        return content == condition.exe_pinned or None
    return persona.space != "mount" or None


def _is_script(condition: Condition, persona: Persona, by_socket: bool) -> bool | None:
    if not condition.script:
        return True
    if by_socket or persona.space == "user" or not persona.script:
        return None
    if condition.script != persona.script:
        return False
    if condition.script_pinned:
        return condition.script_pinned == persona.script or None
    return persona.space != "mount" or None


def personas() -> Iterator[Persona]:
    """List all callers."""
    return itertools.starmap(Persona, itertools.product(USERS, GROUPS, PROGRAMS, SPACES))
