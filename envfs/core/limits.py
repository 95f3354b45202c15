"""The bounds of everything that comes from outside. docs/format.md §2 promises them."""

NAME_BYTES = 256  # a variable's name
VALUE_BYTES = 128_000  # a variable's value, in UTF-8. Linux allows 131,072 for NAME=value in an environment
LINE_END_BYTES = 2  # what may stand behind a value on standard input, and is dropped
PASSPHRASE_BYTES = 4096  # a passphrase, with what a file has around it
TEXT_BYTES = 1 << 20  # one level's dotenv text
COMPONENT_BYTES = 64  # one component of a level path
DEPTH = 16  # components in a level path
FRAME_BYTES = 64 * 1024  # one request on the control socket
REPLY_BYTES = 16 << 20  # one reply, and one message between daemon and keyholder: the weaker side never sends these
BLOB_BYTES = 256 << 20  # all blobs of one message between daemon and keyholder
KEY_FILE_BYTES = 64 * 1024  # what a project's key file holds: its keys and the names of its recipients
PROJECT_KEYS = 48  # keys that a project can have had
RECIPIENTS = 32  # whom a project's key can be sealed to
RECIPIENT_BYTES = 4096  # one of them: hybrid ones are long
RECORD_BYTES = 2 << 20  # one stored record: a full text in base64, with room for the header
EXTENSION_BYTES = 4096  # the extension in a record's header
MESSAGE_BYTES = 2000  # a message for a version
NOTE_BYTES = 8192  # a record's note before it is sealed: a message whose every byte is escaped, and what comes later
TOMBSTONE_RECORDS = 1000  # records that one tombstone can name
VIEW_BYTES = 60 << 20  # a finished view: DEPTH + 1 full levels, rendered three times
VALUES_BYTES = VIEW_BYTES // 3  # all values that a view is made of: they stand in it three times
PROGRAM_BYTES = 512 << 20  # a program or script that a rule can pin by its content
FINDINGS = 1000  # references that came to nothing and are named
