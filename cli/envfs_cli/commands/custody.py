"""`project`, `key`, `passwd`, `recovery`: who can open what, and with which keys."""

import os
from contextlib import suppress

from envfs.core import limits
from envfs.core.keyfile import MANAGED, ZERO_KNOWLEDGE
from envfs.core.names import level as one_spelling
from envfs.errors import AuthenticationFailed, EnvFSError, NoSuchLevel, WrongPassphrase
from envfs.protocol import control
from envfs_cli import damage, output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import session
from envfs_cli.files import check_new, read_text, write_new
from envfs_cli.terminal import prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.arguments import Values

_SHORT = 12


# -- project -----------------------------------------------------------------------------------------------------------


def project(values: "Values") -> int:
    """Do what the action says."""
    action = str(values["action"])
    if action != "ls" and not values["project"]:
        raise Mistake(f"`envfs project {action}` needs a project", "name it, as in `shop`")
    return {"new": _new, "ls": _list, "custody": _custody, "recipients": _recipients}[action](values)


def _new(values: "Values") -> int:
    name, custody = _name(values), _wanted(values) or MANAGED
    asking = session.start(values)
    if _known(asking, name, missing_is_fine=True) is not None:
        raise EnvFSError(
            f"project {name} is there already",
            f"`envfs project ls` lists it; `envfs project custody {name} --managed` changes it, or --zero-knowledge",
        )
    descriptors: tuple[int, ...] = ()
    if custody == ZERO_KNOWLEDGE:
        descriptors = (_new_passphrase(asking, name, values),)
    with prompts.Waiting("making the key"):
        asking.reply(control.NewProject(name, custody), descriptors)
    output.done(f"{name} is made, {custody}")
    return 0


def _list(values: "Values") -> int:
    rows, status = damage.intact(session.start(values).rows(control.ListProjects()), control.ProjectRow)
    if values["json"]:
        output.rows_json(rows)
        return status
    cells = [
        (
            row.project,
            row.custody,
            "unlocked" if row.unlocked else "locked",
            str(row.levels),
            str(row.keys or "-"),
            str(len(row.recipients) or "-"),
        )
        for row in rows
    ]
    output.table(("PROJECT", "CUSTODY", "STATE", "LEVELS", "KEYS", "RECIPIENTS"), cells)
    for row in rows:
        if row.unfinished:
            output.note(f"a change of the key of {row.project} broke off; `envfs unlock {row.project}` finishes it")
    return status


def _custody(values: "Values") -> int:
    name, wanted = _name(values), _wanted(values)
    if not wanted:
        raise Mistake("which custody?", "say --zero-knowledge or --managed")
    asking = session.start(values)
    known = _known(asking, name)
    request = control.ChangeCustody(name, wanted)
    if known is not None and wanted == ZERO_KNOWLEDGE != known.custody:
        secret = _new_passphrase(asking, name, values)
        with prompts.Waiting("sealing everything anew"):
            asking.ask(request, (secret,))
        os.close(secret)
        output.note(
            "backups and copies of the vault from before still open with the identity; change values that matter"
        )
    else:
        if known is not None and wanted == MANAGED != known.custody and not values["yes"]:
            asking.let_go()
            _need_yes(f"the vault's identity and recipients will open {name}; go on?")
        asking.with_passphrase(request, "sealing everything anew")
    output.done(f"{name} is {wanted}")
    return 0


def _recipients(values: "Values") -> int:
    name, asking = _name(values), session.start(values)
    add = [str(values["add"])] if values["add"] else []
    if values["add_from"]:
        add += _recipients_in(str(values["add_from"]))
    remove = (str(values["remove"]),) if values["remove"] else ()
    if add or remove:
        asking.reply(control.ChangeRecipients(name, tuple(add), remove))
    known = _known(asking, name)
    recipients = known.recipients if known is not None else ()
    if values["json"]:
        output.as_json(list(recipients))
        return 0
    for recipient in recipients:
        output.line(output.clean(recipient))
    return 0


def _recipients_in(path: str) -> list[str]:
    rows = [row.strip() for row in read_text(path, limits.FRAME_BYTES).splitlines()]
    found = [row for row in rows if row and not row.startswith("#")]
    if any("PRIVATE KEY" in row or row.startswith("AGE-SECRET-KEY") for row in found):
        raise EnvFSError(f"{path} holds a private key", "name the public one, which ends in .pub")
    return found


def _known(asking: session.Session, name: str, *, missing_is_fine: bool = False) -> "control.ProjectRow | None":
    rows = asking.rows(control.ListProjects())
    for row in rows:
        if isinstance(row, control.FaultRow) and row.key == name:
            raise AuthenticationFailed(row.reason, "`envfs verify` names each record that is damaged")
    found = [row for row in rows if isinstance(row, control.ProjectRow) and row.project == name]
    if not found and not missing_is_fine:
        raise NoSuchLevel("there is no project of that name", "`envfs project ls` lists them")
    return found[0] if found else None


def _name(values: "Values") -> str:
    return one_spelling(str(values["project"]))


def _wanted(values: "Values") -> str:
    if values["zero_knowledge"] and values["managed"]:
        raise Mistake("a project is either --zero-knowledge or --managed")
    return ZERO_KNOWLEDGE if values["zero_knowledge"] else MANAGED if values["managed"] else ""


def _new_passphrase(asking: session.Session, name: str, values: "Values") -> int:
    file = _file(values, "passphrase_file")
    if not file:
        prompts.check(secrets.NAME_A_FILE)
    asking.let_go()
    _warn(name, values)
    return secrets.new_passphrase(file, name)


def _warn(name: str, values: "Values") -> None:
    output.note(f"only its passphrase will open {name}: not the identity, not the recovery sheet, and nobody can help")
    if not values["yes"]:
        _need_yes("if it is lost, everything in the project is lost; go on?")


def _need_yes(question: str) -> None:
    if not prompts.confirm(question):
        raise EnvFSError("not confirmed, so nothing was changed", "say yes, or use --yes")


def _file(values: "Values", key: str) -> "str | None":
    named = values[key] or (os.environ.get("ENVFS_PROJECT_PASSPHRASE_FILE") if key == "passphrase_file" else None)
    return None if named is None else str(named)


# -- key, passwd -------------------------------------------------------------------------------------------------------


def key(values: "Values") -> int:
    """List keys, or rotate one."""
    if values["action"] == "rotate" and not values["project"]:
        raise Mistake("`envfs key rotate` needs a project", "name it, as in `shop`")
    asking = session.start(values)
    if values["action"] == "ls":
        keys, status = damage.intact(asking.rows(control.ListKeys(str(values["project"] or ""))), control.KeyRow)
        if values["json"]:
            output.rows_json(keys)
            return status
        cells = [
            (row.project, str(row.number), row.kid[:_SHORT], "newest" if row.newest else "history", str(row.levels))
            for row in keys
        ]
        output.table(("PROJECT", "KEY", "KID", "USE", "LEVELS"), cells)
        return status
    name, resealed = _name(values), list[object]()
    _known(asking, name)
    asking.with_passphrase(control.RotateKey(name), "sealing everything anew", resealed)
    if values["json"]:
        output.rows_json(resealed)  # type: ignore[arg-type]
        return 0
    for row in resealed:
        if isinstance(row, control.ResealedRow):
            output.line(f"{row.level}: version {row.version}")
    output.done(f"{name} has a new key")
    return 0


def passwd(values: "Values") -> int:
    """Change a passphrase."""
    name, new_file = _name(values) if values["project"] else "", _file(values, "new_passphrase_file")
    new = (
        secrets.new_passphrase(new_file, name) if new_file else -1
    )  # what a file lacks is said before anybody is asked
    asking = session.start(values)
    if name:
        known = _known(asking, name)
        if known is not None and known.custody != ZERO_KNOWLEDGE:
            raise EnvFSError(
                f"project {name} has no passphrase of its own", "`envfs passwd` changes that of the vault's identity"
            )
    else:
        with suppress(WrongPassphrase):  # whether it is under one is known before anybody is asked
            asking.ask(control.ChangePassphrase())
    if new < 0:
        prompts.check("name a file that holds the new passphrase with --new-passphrase-file")
    asking.passphrase(name)
    asking.let_go()
    if new < 0:
        new = secrets.new_passphrase(None, name)
    request = control.ChangeProjectPassphrase(name) if name else control.ChangePassphrase()
    asking.tried(name, lambda old: asking.ask(request, (old, new)), "changing the passphrase")
    output.done("the passphrase is changed")
    return 0


def keyring(values: "Values") -> int:
    """Keep the identity in a keyring, or take it out."""
    if values["action"] == "add" and not values["keyring"]:
        raise Mistake("which keyring?", "`envfs keyring add kernel` or `envfs keyring add secret-service`")
    asking = session.start(values)
    if values["action"] == "remove":
        asking.reply(control.ForgetIdentity())
        output.done("the identity is in no keyring any more")
        return 0
    asking.with_passphrase(control.KeepIdentity(str(values["keyring"])), "copying the identity")
    output.done(f"the identity is in the {values['keyring']} keyring as well")
    return 0


# -- recovery ----------------------------------------------------------------------------------------------------------


def recovery(values: "Values") -> int:
    """Make a recovery key and print its sheet."""
    recipient, path = str(values["recipient"] or ""), str(values["output"] or "")
    if path and not recipient:
        check_new(path)  # a key that cannot be written down would open everything for nobody
    elif not recipient:
        output.need()
    made, identity = add_recovery(session.start(values), recipient)
    if values["json"]:
        output.as_json({**made._asdict(), "identity": identity} if identity else made._asdict())
        return 0
    for text in made.notes:
        output.note(text)
    if not identity:
        output.done(f"{made.sealed} project{'s' * (made.sealed != 1)} sealed to it as well")
    elif path:
        write_new(path, sheet(made.recipient, identity).encode())
    else:
        output.line(sheet(made.recipient, identity).rstrip())
    return 0


def add_recovery(asking: session.Session, recipient: str) -> "tuple[control.RecoveryMade, str]":
    """Ask for a recovery recipient; return the reply, and the identity's line if one was made."""
    handle = -1 if recipient else secrets.from_bytes(b"")
    try:
        made = asking.reply(control.AddRecovery(recipient), () if recipient else (handle,))
        if not isinstance(made, control.RecoveryMade):
            raise EnvFSError("the daemon answered something else")
        text = "" if recipient else os.pread(handle, limits.FRAME_BYTES, 0).decode()
    finally:
        if handle >= 0:
            os.close(handle)
    return made, next((row for row in text.splitlines() if not row.startswith("#")), "")


def sheet(recipient: str, identity: str) -> str:
    """Return the text of a recovery sheet."""
    return f"""\
EnvFS RECOVERY SHEET

Keep this on paper, away from the machine. Whoever reads it can read the vault.

  recovery key   {identity}
  recipient      {recipient}

It opens every managed project of the vault, without EnvFS and without your
identity. It opens no zero-knowledge project: only its passphrase does.

1. Type the recovery key into a file on a machine that you trust: recovery.txt
2. Open a project's newest key file, and with it the newest record of a level,
   such as these:

   age -d -i recovery.txt vault/key/shop/@00000001.age > key.jwk
   jose jwe dec -i vault/level/shop/prod/@00000007.json -k key.jwk

3. docs/recovery.md has the whole way back to a working vault.
"""
