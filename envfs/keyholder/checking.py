"""Requests that check records and keys."""

from collections.abc import Callable

from envfs.core import keyfile
from envfs.errors import EnvFSError, Locked
from envfs.keyholder.work import Answer, Work
from envfs.protocol.keyholding import CheckKeys, CheckRecords, DescribeKeys, Faults, KeysDescribed


def check_records(request: CheckRecords, work: Work) -> Answer:
    """Open each record; say what is wrong with each."""
    _ = work.identity  # without one nothing can be said of any record
    return Answer(Faults(tuple(fault(work.open, layer) for layer in request.layers)))


def check_keys(request: CheckKeys, work: Work) -> Answer:
    """Open each key file; say what is wrong with each. One that is under a passphrase not given yet raises Locked."""
    return Answer(Faults(tuple(fault(work.keys, key.place, number) for number, key in enumerate(request.keys))))


def describe_keys(request: DescribeKeys, work: Work) -> Answer:
    """Name the keys of a project, and whom they are sealed to."""
    keys = work.keys(request.place, 0)
    return Answer(KeysDescribed(tuple(map(keyfile.kid, keys.keys)), keys.recipients))


def fault(check: Callable[..., object], *arguments: object) -> str:
    """Say why a check fails, or return the empty string.

    Raises:
        Locked: nothing can be said of it
    """
    try:
        check(*arguments)
    except Locked:
        raise
    except EnvFSError as error:
        return error.text
    return ""
