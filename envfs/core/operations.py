"""The changes of a level's text and of a project's keys. The words are those of protocol and access log."""

from enum import StrEnum


class Operation(StrEnum):
    """A change of a level's text."""

    SET = "set"  # a variable, to a value
    TEMPLATE = "template"  # a variable, to a text that may refer to others
    UNSET = "unset"
    RENAME = "rename"
    ROTATE = "rotate"  # a variable to a new value, in one version or by steps
    MERGE = "merge"  # a dotenv text into the level's
    REPLACE = "replace"  # the level's text by another one
    RESTORE = "restore"  # the text of an old version
    COPY = "copy"  # another level's text, or some of its variables, into the level's
    MOVE = "move"  # a version of another level, with the time and the message that it had
    REMOVE = "remove"  # the level: its text is empty, and it is listed no more
    RESEAL = "reseal"  # the same text, under the newest key
    REBASE = "rebase"  # a version that waited for an engine, merged into what others wrote meanwhile


class KeyOperation(StrEnum):
    """A change of a project's keys, or of the vault's identity."""

    CREATE = "create"
    ROTATE = "rotate"  # a new key in front
    CUSTODY = "custody"
    PASSPHRASE = "passphrase"
    RECIPIENTS = "recipients"
    RECOVERY = "recovery"
    MEMBERS = "members"  # the list of members
    ENGINE = "engine"  # the place that machines share the vault by
    SHARED_LOG = "shared-log"  # whether the auditors of the vault get this log
    KEYRING = "keyring"  # of the operating system: it has the identity, or has it no more
