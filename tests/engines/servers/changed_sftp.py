"""OpenSSH's sftp-server with a change on the way, for tests: requests and answers are passed on, but for one kind.

It runs by itself, as the command of a key of ssh: `changed_sftp.py CHANGE`.
"""

import os
import subprocess
import sys
import threading
from typing import BinaryIO

_EXTENDED, _SETSTAT, _RENAME, _READDIR, _NAME, _STATUS, _ATTRS = 200, 9, 18, 12, 104, 101, 105
_LINK, _REPLACE = b"hardlink@openssh.com", b"posix-rename@openssh.com"


def packets(stream: BinaryIO):  # noqa: ANN201 - an iterator
    while len(head := stream.read(4)) == 4:
        yield stream.read(int.from_bytes(head, "big"))


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def text(data: bytes) -> bytes:
    return framed(data)


def changed_request(data: bytes, change: str) -> bytes:
    kind, number, body = data[0], data[1:5], data[5:]
    if change == "a link replaces" and body.startswith(text(_LINK)):
        return bytes((_EXTENDED,)) + number + text(_REPLACE) + body.removeprefix(text(_LINK))
    if change == "a link is none" and body.startswith(text(_LINK)):
        return bytes((_SETSTAT,)) + number + text(b"/") + bytes(4)
    if change == "a rename replaces" and kind == _RENAME:
        return bytes((_EXTENDED,)) + number + text(_REPLACE) + body
    return data


def changed_answer(data: bytes, change: str) -> bytes:
    kind, number = data[0], data[1:5]
    if kind == 2 and change == "a rename replaces":
        return data.replace(text(_LINK) + text(b"1"), b"")
    if kind == _ATTRS and change == "answers are cut":
        return data[:-3]
    if kind == _ATTRS and change == "answers are of another kind":
        return bytes((_NAME,)) + data[1:]
    if kind == _NAME and change == "answers are long":
        return data + bytes(1 << 18)
    if change == "a folder has no end" and kind == _STATUS and data[5:9] == (1).to_bytes(4, "big"):
        names = text(b"level") + text(b"") + (4).to_bytes(4, "big") + (0o40755).to_bytes(4, "big")
        return bytes((_NAME,)) + number + (1).to_bytes(4, "big") + names
    return data


def main(change: str) -> int:
    options = ["-P", "hardlink"] if change == "a rename replaces" else []
    server = subprocess.Popen(["/usr/lib/openssh/sftp-server", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None

    def answer(stream: BinaryIO) -> None:
        for data in packets(stream):
            os.write(1, framed(changed_answer(data, change)))

    threading.Thread(target=answer, args=(server.stdout,), daemon=True).start()
    for data in packets(sys.stdin.buffer):
        server.stdin.write(framed(changed_request(data, change)))
        server.stdin.flush()
    server.kill()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
