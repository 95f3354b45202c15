"""Says what was found: a table for people, JSON for machines. No value is in either."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence

from tests.dialects.promises import percent
from tests.dialects.trial import Count, Result

_HEADS = (
    "",
    "everyday",
    "in files",
    "alone",
    "values",
    "files refused",
    "harm",
    "strange",
    "hostile harm",
    "run",
    "promise",
)
Key = tuple[str, str]


def table(results: Mapping[Key, Result], verdicts: Mapping[Key, Sequence[str]], *, seed: int, values: int) -> str:
    """Return a table for each dialect, and below it what was promised and is not so."""
    some = f"{values // 5:,} everyday and {values // 10:,} hostile ones"
    parts = [f"{values:,} values of all classes, {some}, seed {seed}; percent exact"]
    for dialect, rows in itertools.groupby(results.items(), key=lambda item: item[0][0]):
        parts.append("\n".join(_dialect(dialect, dict(rows), verdicts)))
    return "\n\n".join(parts)


def _dialect(dialect: str, results: Mapping[Key, Result], verdicts: Mapping[Key, Sequence[str]]) -> Iterator[str]:
    rows = [_HEADS, *(_row(key[1], result, bool(verdicts[key])) for key, result in results.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    yield dialect
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  " + "   ".join([row[0].ljust(widths[0]), *cells]).rstrip()
    for (_, parser), said in ((key, verdicts[key]) for key in results):
        yield from (f"  {parser}: {line}" for line in said)


def _row(parser: str, result: Result, is_broken: bool) -> Sequence[str]:
    mixed = result.mixed
    return (
        parser,
        _share(result.everyday.in_files.total(), result.everyday),
        _share(mixed.in_files.total(), mixed),
        _share(mixed.alone.total(), mixed),
        f"{mixed.values.total():,}",
        f"{mixed.refused} of {mixed.files}",
        str(len(mixed.harmed)),
        str(len(mixed.strange)),
        str(len(result.hostile.harmed)),
        str(len(result.ran)),
        "BROKEN" if is_broken else "kept",
    )


def _share(part: int, count: Count) -> str:
    # rounded down, so that 100.0 is all of them
    return f"{int(percent(part, count.values.total()) * 10) / 10:.1f}"


def as_json(results: Mapping[Key, Result]) -> str:
    """Return every figure, by dialect and parser."""
    rows = [{"dialect": dialect, "parser": parser, **_figures(result)} for (dialect, parser), result in results.items()]
    return json.dumps(rows, indent=1) + "\n"


def _figures(result: Result) -> dict[str, object]:
    mixed = result.mixed
    total = mixed.values.total()
    return {
        "values": total,
        "files": mixed.files,
        "refused": mixed.refused,
        "everyday": percent(result.everyday.in_files.total(), result.everyday.values.total()),
        "in_files": percent(mixed.in_files.total(), total),
        "alone": percent(mixed.alone.total(), total),
        "harmed": 100 * len(mixed.harmed) / max(1, total),
        "strange": len(mixed.strange),
        "hostile": 100 * len(result.hostile.harmed) / max(1, result.hostile.values.total()),
        "ran": len(result.ran),
        "classes": {kind: percent(mixed.alone[kind], count) for kind, count in sorted(mixed.values.items())},
        "harm": dict(sorted(_kinds(mixed.harmed).items())),
    }


def _kinds(samples: Sequence[object]) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for sample in samples:
        kind = getattr(sample, "kind", "")
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds
