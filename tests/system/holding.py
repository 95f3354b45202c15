"""Holds a file open, and reads it by every system call there is when told to.

Run with `python3 -I -S -c`; the argument is the path. It opens the file twice, maps it privately twice, and touches one
of the mappings. For each line of its input it answers one line of JSON: by way and handle, `ok` or the errno's name,
and the text that came. `again` opens two more handles first.
"""

import ctypes
import errno
import json
import mmap
import os
import struct
import sys

_MOST = 1 << 16
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, *(ctypes.c_long,) * 5)


def _read(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    data = b""
    while piece := os.read(handle, _MOST):
        data += piece
    return data


def _readv(handle: int) -> bytes:
    room = bytearray(_MOST)
    return bytes(room[: os.preadv(handle, [room], 0)])


def _sendfile(handle: int) -> bytes:
    target = os.memfd_create("held")
    try:
        os.sendfile(target, handle, 0, _MOST)
        return os.pread(target, _MOST, 0)
    finally:
        os.close(target)


def _copy(handle: int) -> bytes:
    target = os.memfd_create("held")
    try:
        os.copy_file_range(handle, target, _MOST, 0, 0)
        return os.pread(target, _MOST, 0)
    finally:
        os.close(target)


def _splice(handle: int) -> bytes:
    out, into = os.pipe()
    try:
        os.splice(handle, into, _MOST, offset_src=0)
        os.close(into)
        into = -1
        return os.read(out, _MOST)
    finally:
        os.close(out)
        if into >= 0:
            os.close(into)


def _tee(handle: int) -> bytes:
    (first, into), (out, second) = os.pipe(), os.pipe()
    try:
        os.splice(handle, into, _MOST, offset_src=0)
        count = _libc.tee(first, second, _MOST, 2)
        return os.read(out, _MOST) if count > 0 else b""
    finally:
        for each in (first, into, out, second):
            os.close(each)


def _mapped(mapping: mmap.mmap) -> bytes:
    # in a child, which SIGBUS may end
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        os.write(into, mapping[:])
        os._exit(0)
    os.close(into)
    data = b""
    while piece := os.read(out, _MOST):
        data += piece
    os.close(out)
    os.waitpid(child, 0)
    return data


def _map(handle: int) -> mmap.mmap:
    size = max(1, os.fstat(handle).st_size)
    return mmap.mmap(handle, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)


def _mapped_now(handle: int) -> bytes:
    with _map(handle) as mapping:
        return _mapped(mapping)


def _reopened(handle: int) -> bytes:
    again = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY)
    try:
        return _read(again)
    finally:
        os.close(again)


def _uring(handle: int) -> bytes:
    """Read by io_uring(7): one IORING_OP_READ, set up and thrown away."""
    parameters = (ctypes.c_uint32 * 30)()
    ring = _libc.syscall(425, 1, ctypes.byref(parameters))
    if ring < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
    try:
        room = ctypes.create_string_buffer(_MOST)
        submissions, entries = (_libc.mmap(None, 4096, 3, 1, ring, offset) for offset in (0, 0x10000000))
        _, tail, mask, _, _, _, array = parameters[10:17]
        entry = struct.pack("<BBHiQQIIQ", 22, 0, 0, handle, 0, ctypes.addressof(room), _MOST, 0, 7)
        ctypes.memmove(entries, entry.ljust(64, b"\0"), 64)
        word = ctypes.c_uint32.from_address
        at = word(submissions + tail).value
        word(submissions + array + 4 * (at & word(submissions + mask).value)).value = 0
        word(submissions + tail).value = at + 1
        if _libc.syscall(426, ring, 1, 1, 1, None, 0) < 0:
            raise OSError(ctypes.get_errno(), "io_uring_enter")
        completion = parameters[20:26]  # head, tail, mask, entries, overflow, cqes
        result = ctypes.c_int32.from_address(submissions + completion[5] + 8).value
        for address in (submissions, entries):
            _libc.munmap(ctypes.c_void_p(address), 4096)
        if result < 0:
            raise OSError(-result, "io_uring read")
        return room.raw[:result]
    finally:
        os.close(ring)


WAYS = {
    "read": _read,
    "pread": lambda handle: os.pread(handle, _MOST, 0),
    "readv": _readv,
    "mmap": _mapped_now,
    "sendfile": _sendfile,
    "splice": _splice,
    "tee": _tee,
    "copy_file_range": _copy,
    "io_uring": _uring,
    "reopen": _reopened,
}


def _tried(way, what) -> list[str]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - typing would cost its start
    try:
        return ["ok", way(what).decode(errors="replace")]
    except OSError as error:
        return [errno.errorcode[error.errno or errno.EIO], ""]


def main() -> None:
    path = sys.argv[1]
    handles = [os.open(path, os.O_RDONLY) for _ in range(2)]
    mappings = [_map(handles[0]) for _ in range(2)]
    _mapped(mappings[0])
    len(mappings[0][:])
    print("open", flush=True)
    for line in sys.stdin:
        if line == "again\n":
            handles += [os.open(path, os.O_RDONLY) for _ in range(2)]
        answers = {f"{name} {at}": _tried(way, one) for at, one in enumerate(handles) for name, way in WAYS.items()}
        answers |= {f"mapped {at}": _tried(_mapped, one) for at, one in enumerate(mappings)}
        answers |= {
            f"size {at}": _tried(lambda h: str(os.fstat(h).st_size).encode(), h) for at, h in enumerate(handles)
        }
        print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
