"""Who is at the other end of a connection to this machine's own address."""

import os
import socket

import pytest

from envfs_cli.web import peers

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   1: {} {} 01 00000000:00000000 00:00000000 00000000  {}        0 {} 1 0000000000000000 20 4 30 10 -1\n"
THEIRS, OURS = ("127.0.0.1", 50_000), ("127.0.0.1", 8200)


def _table(*rows: tuple[str, str, int, int]) -> list[str]:
    return [HEAD, *(ROW.format(*row) for row in rows)]


def test_the_row_of_the_other_end_says_who_it_is() -> None:
    ours, theirs = "0100007F:2008", "0100007F:C350"
    table = _table((ours, theirs, 0, 5), (theirs, ours, 1001, 77))
    assert peers.peer_in(table, THEIRS, OURS) == peers.LocalPeer(1001, 77)


def test_a_socket_that_is_closed_is_nobody_and_not_root() -> None:
    table = _table(("0100007F:C350", "0100007F:2008", 0, 0))
    assert peers.peer_in(table, THEIRS, OURS) is None
    assert peers.peer_in([HEAD, "rubbish\n"], THEIRS, OURS) is None


def test_this_process_finds_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as mine:
        theirs, ours = mine.getsockname(), mine.getpeername()
        peer = peers.find_peer(theirs, ours)
        assert peer is not None
        assert peer.uid == os.geteuid()
        assert peers.process_of(peer).startswith(f"{os.getpid()}-")
        assert peers.process_of(peer) == peers.process_of(peer)
        assert peers.find_peer(ours, theirs) is None  # not accepted by anybody yet


def test_a_socket_that_nobody_has_is_of_no_process() -> None:
    assert not peers.process_of(peers.LocalPeer(os.geteuid(), 1))


def test_a_process_that_opens_and_closes_all_the_time_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.listdir

    def with_some_that_are_closed(path: str) -> list[str]:
        return ["1000000", *listed(path), "1000001"] if path.endswith("/fd") else listed(path)

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as mine:
        peer = peers.find_peer(mine.getsockname(), mine.getpeername())
        monkeypatch.setattr(os, "listdir", with_some_that_are_closed)
        assert peer is not None
        assert peers.process_of(peer).startswith(f"{os.getpid()}-")
