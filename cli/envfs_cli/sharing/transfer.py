"""Records go from one engine to another: what is missing is put there, what is there is compared.

Laws: nothing is overwritten and nothing removed. A transfer that was interrupted goes on where it was when it is
started again. Streams grow in order, and the description of the vault comes last, so half a vault is none. Each record
that was put is read back and compared.
"""

from envfs.core import shared_keys
from envfs.errors import Conflict
from envfs.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envfs_cli.sharing.courier import EngineCourier

_BATCH = 64


class Transferred(NamedTuple):
    """How many records were `copied`, and how many were there already. `beyond` counts those that only the target has.

    `conflicts` are keys whose bytes differ, `forgotten` those without bytes on one side. `withheld` are keys that one
    side names without giving the record.
    """

    copied: int
    there: int
    beyond: int
    conflicts: tuple[str, ...]
    forgotten: tuple[str, ...]
    withheld: tuple[str, ...] = ()


def transfer_records(
    source: "EngineCourier",
    target: "EngineCourier",
    tell: "Callable[[int, int], object]",
    prefixes: "Sequence[str]" = ("",),
) -> Transferred:
    """Put each record of a source into a target. `tell` hears how many were looked at, of how many.

    With `prefixes` those of such keys alone.

    Raises:
        Conflict: they hold two vaults
        EnvFSError: one of them cannot be used
    """
    keys = [key for prefix in prefixes for key in source.list_keys(prefix)]
    there = {key for prefix in prefixes for key in target.list_keys(prefix)}
    _check_same_vault(source, target)
    copied, conflicts, forgotten, withheld = 0, list[str](), list[str](), list[str]()
    for start, batch in _batches(sorted(keys, key=_order)):
        tell(start, len(keys))
        records = source.get(batch)
        for key in batch:
            if key in records and key not in there:
                copied += target.put_new(key, records[key])
        present = target.get(batch)
        if halves := [key for key in records if key in there and key not in present]:
            copied += _put_again(target, halves, records)
            present |= target.get(halves)
        withheld += [key for key in batch if key not in records or key not in present]
        for key, data in records.items():
            if key in present and present[key] != data:
                is_forgotten = not (data and present[key])
                (forgotten if is_forgotten else conflicts).append(key)
    beyond = len(there - set(keys))
    same = len(keys) - copied - len(conflicts) - len(forgotten) - len(withheld)
    return Transferred(copied, same, beyond, tuple(conflicts), tuple(forgotten), tuple(withheld))


def _put_again(target: "EngineCourier", keys: "Sequence[str]", records: "dict[str, bytes]") -> int:
    # a record whose pieces are not all there has its name already, and gets the pieces by this. Returns how many do
    for key in keys:
        target.put_new(key, records[key])
    return len(target.get(keys))


def _check_same_vault(source: "EngineCourier", target: "EngineCourier") -> None:
    key = [shared_keys.DESCRIPTION]
    ours, theirs = source.get(key), target.get(key)
    if ours and theirs and ours != theirs:
        raise Conflict("the two hold different vaults", "choose a folder or a place with nothing in it")


def _order(key: str) -> tuple[int, str]:
    kind = key.partition("/")[0]
    place = shared_keys.STREAMS.index(kind) if kind in shared_keys.STREAMS else len(shared_keys.STREAMS)
    return place, key


def _batches(keys: "Sequence[str]") -> "Iterator[tuple[int, Sequence[str]]]":
    for start in range(0, len(keys), _BATCH):
        yield start, keys[start : start + _BATCH]
