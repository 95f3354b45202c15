"""A stranger who sends messages that are bent by chance: `python frames_probe.py SOCKET FRAMES SEED`.

Standard input is JSON: messages that are right, and values to put into them. It prints JSON: how many were sent, how
many answers of each kind and code came, and all text that was not an error.
"""

import json
import random
import socket
import sys
from collections import Counter

_AT_ONCE = 20
_HELLO = {"type": "hello", "protocol": 1, "release": ""}


def _frame(body: object) -> bytes:
    text = json.dumps(body).encode("utf-8", "surrogatepass")
    return len(text).to_bytes(4, "big") + text


def _bent(chance: random.Random, bodies: list[dict[str, object]], values: list[object]) -> bytes:
    body = dict(chance.choice(bodies))
    for _ in range(chance.randrange(3)):
        key = chance.choice([*body, "type", "blobs", "x", "level"])
        if chance.random() < 0.2:
            body.pop(key, None)
        else:
            body[key] = chance.choice(values)
    data = _frame(body)
    if chance.random() < 0.1:
        at = chance.randrange(4, len(data))
        data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    return data


def _conversation(path: str, frames: list[bytes]) -> bytes:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(60)
        peer.connect(path)
        try:
            peer.sendall(_frame(_HELLO) + b"".join(frames))
            peer.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has ended the conversation: what it said is there all the same
        told = b""
        try:
            while piece := peer.recv(1 << 16):
                told += piece
        except ConnectionResetError:
            pass
        return told


def _answers(told: bytes) -> list[dict[str, object]]:
    answers = []
    while len(told) >= 4:
        size = int.from_bytes(told[:4], "big")
        body = json.loads(told[4 : 4 + size])
        blobs = sum(body.get("blobs", ()))
        answers.append({**body, "text": told[4 + size : 4 + size + blobs].decode(errors="replace")} if blobs else body)
        told = told[4 + size + blobs :]
    return answers


def main() -> None:
    """Send them all, some on each connection."""
    path, number, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    given = json.load(sys.stdin)
    chance, counts, others = random.Random(seed), Counter[str](), set[str]()
    for _ in range(number // _AT_ONCE):
        frames = [_bent(chance, given["bodies"], given["values"]) for _ in range(_AT_ONCE)]
        for answer in _answers(_conversation(path, frames)):
            counts[str(answer.get("code") or answer["type"])] += 1
            if answer["type"] != "failed":
                others.add(json.dumps(answer))
    print(json.dumps({"counts": counts, "others": sorted(others)}))


main()
