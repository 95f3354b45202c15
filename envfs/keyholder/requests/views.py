"""Requests that show what records hold: a finished view, and which names each version changed."""

from collections.abc import Iterable, Iterator
from functools import cache

from envfs.core import extensions, limits
from envfs.core.access.face import Face
from envfs.core.secret import Secret
from envfs.core.view_parts import Part
from envfs.dotenv import canaries, dialect_names, dialects, directives, formats, merging, portability, residues, writing
from envfs.dotenv.document import Document, parse_document
from envfs.dotenv.interpolation import Interpolated, ValueSource, interpolate
from envfs.dotenv.placeholders import masking
from envfs.dotenv.references import reference_places
from envfs.dotenv.rereading import VersionReader
from envfs.errors import TooLarge
from envfs.host.memory import Region
from envfs.keyholder.crypto import placeholder_seeds, sealing
from envfs.keyholder.crypto.sealing import OpenedRecord
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol import jsontext, parts
from envfs.protocol.keyholding import (
    Compared,
    CompareVersions,
    Dangling,
    Examined,
    ExamineView,
    Facts,
    Renaming,
    Rendered,
    RenderOwn,
    RenderView,
    Use,
    VersionChange,
    WrongDirective,
)

_RENAME = "rename"  # the operation that a note names


def readable_parts(view: merging.MergedView, dialect: str, first_line: str = "") -> dict[Part, bytes]:
    """Return what readers get of a view. `first_line` is that of its dotenv text."""
    return {
        Part.DOTENV: (first_line + dialects.dialect_text(view.variables, dialect, view.opened)).encode(),
        Part.JSON: formats.json_object("", view.variables).encode(),
        Part.EXAMPLE: formats.example_text("", view.variables).encode(),
        Part.ENVIRON: writing.environ_bytes(view.variables),
        Part.OPENED: jsontext.encode_json(residues.residue_json(view.opened)) if view.opened else b"",
    }


def render_view(request: RenderView, work: Work) -> WorkResult:
    """Merge layers into a view and put it, with all its parts, into a region.

    Raises:
        TooLarge: the view would be over its limit
    """
    records = [work.open_record(layer) for layer in request.layers]
    layers = [
        merging.Layer(layer.level, parse_document(opened.text))
        for layer, opened in zip(request.layers, records, strict=True)
    ]
    lenient = request.dialect.startswith(dialect_names.INHERITING)
    asked = request.dialect.removeprefix(dialect_names.INHERITING).strip()
    dialect = asked or dialects.requested_dialect([layer.document for layer in layers])
    view = merging.merge_layers(layers, lenient=lenient)
    if request.masked:
        view = masking.masked_view(view, placeholder_seeds_of(view, records))
    if request.only:
        view = merging.only_shown(view, Face(only=request.only).shows)
    contents = readable_parts(view, dialect, masking.FIRST_LINE if request.masked else "")
    served = () if request.masked else canaries.canary_names(layers, view)
    contents[Part.CANARIES] = _listed(served)
    contents[Part.TABLE] = parts.table_of(contents[Part.ENVIRON])
    contents[Part.ORIGINS] = "".join(f"{name}\0{view.origin[name]}\0" for name in view.variables).encode()
    sizes = tuple(len(contents[part]) for part in Part)
    if sum(sizes) > limits.VIEW_BYTES:
        raise TooLarge("the view would be too large", f"at most {limits.VIEW_BYTES} bytes a view")
    return WorkResult(
        Rendered(sizes, len(view.variables), dialect), region=_region(contents, ordinary=request.ordinary)
    )


def placeholder_seeds_of(view: merging.MergedView, records: list[OpenedRecord]) -> masking.SeedMaker:
    """Return what gives the seed of each placeholder of a view that was merged from records."""
    added = [extensions.placeholder_text(opened.header.ext) for opened in records]

    @cache
    def key_of(layers: tuple[int, ...]) -> Secret[bytes]:
        return placeholder_seeds.placeholder_key(records[layer].key for layer in layers)

    def seed_of(name: str, value: str) -> bytes:
        layers = tuple(merging.layers_of(view, name))
        texts = [added[layer] for layer in layers]
        return placeholder_seeds.placeholder_seed(key_of(layers), view.origin[name], name, value, texts)

    return seed_of


def render_own(request: RenderOwn, work: Work) -> WorkResult:
    """Put a level's own text into a region as it was written, comments and references included."""
    documents = [work.open(layer) for layer in request.layers]
    marked = _listed(name for document in documents for name in canaries.own_canaries(document))
    contents = {Part.DOTENV: "".join(document.render() for document in documents).encode(), Part.CANARIES: marked}
    sizes = tuple(len(contents.get(part, b"")) for part in Part)
    return WorkResult(Rendered(sizes, 0, ""), region=_region(contents, ordinary=request.ordinary))


def _listed(names: Iterable[str]) -> bytes:
    text = "".join(f"\0{name}" for name in names)
    return f"{text}\0".encode() if text else b""


def _region(contents: dict[Part, bytes], *, ordinary: bool) -> Region:
    region = Region.create(sum(map(len, contents.values())), ordinary=ordinary)
    at = 0
    for part in Part:
        piece = contents.get(part, b"")
        region.map[at : at + len(piece)] = piece
        at += len(piece)
    return region


def examine_view(request: ExamineView, work: Work) -> WorkResult:
    """Say where each variable comes from, what it refers to, and who may misread it. No value."""
    documents = [work.open(layer) for layer in request.layers]
    interpolation = interpolate(documents, lenient=True)
    facts = tuple(_facts(request, documents, interpolation))
    levels = [layer.level for layer in request.layers]
    dangling = tuple(
        Dangling(found.kind, found.chain, levels[found.layer], found.line, found.column)
        for found in interpolation.findings
    )
    return WorkResult(Examined(facts, dangling, tuple(_wrong_directives(request, documents))))


def _wrong_directives(request: ExamineView, documents: list[Document]) -> Iterator[WrongDirective]:
    for layer, document in zip(request.layers, documents, strict=True):
        faults = () if request.doubtful else directives.directive_faults(document)
        yield from (WrongDirective(layer.level, *fault) for fault in faults[: limits.FINDINGS])


def _facts(request: ExamineView, documents: list[Document], found: Interpolated) -> Iterator[Facts]:
    dialect = request.dialect or dialects.requested_dialect(documents)
    levels = [layer.level for layer in request.layers]
    names = [document.variables().keys() for document in documents]
    for name, value in found.values.items():
        doubts = tuple(doubt.text for doubt in portability.portability_doubts(value, dialect))
        refused = dialects.dialect_refusal(value, dialect)
        if request.doubtful and not (doubts or refused):
            continue
        setters = tuple(level for level, own in zip(levels, names, strict=True) if name in own)
        uses = tuple(_uses(documents, levels, found, found.sources[name]))
        yield Facts(name, setters, uses, not value, doubts, refused)


def _uses(documents: list[Document], levels: list[str], found: Interpolated, source: ValueSource) -> Iterator[Use]:
    used = found.uses.get(source, ())
    places = reference_places(documents[source.layer].entries[source.place]) if used else {}
    for name, there in used:
        # what no level sets may be a part of the value that was never meant as a name
        shown = name if name in found.sources else ""
        yield Use(shown, levels[there.layer] if there else "", places[name].line, places[name].column)


def compare_versions(request: CompareVersions, work: Work) -> WorkResult:
    """Say which names each version changed against the one before."""
    compared: list[VersionChange] = []
    reader, is_first = VersionReader(), True
    for layer in request.layers:
        opened = work.open_record(layer)
        before, now = reader.read(opened.text)
        if layer.record.seq >= request.first and (not is_first or layer.record.seq == request.first):
            compared.append(_version_change(layer.record.seq, opened, before, now))
        is_first = False
    return WorkResult(Compared(tuple(compared)))


def _version_change(
    version: int, opened: sealing.OpenedRecord, before: dict[str, str], now: dict[str, str]
) -> VersionChange:
    note, changes = sealing.open_note(opened), merging.name_changes(before, now)
    renamed = merging.renamed_names(before, now, changes)
    if note.operation == _RENAME and len(changes.added) == len(changes.removed) == 1:  # of an empty value too
        renamed = ((changes.removed[0], changes.added[0]),)
    return VersionChange(version, opened.header.author, *changes)._replace(
        operation=note.operation,
        source_version=note.version,
        source_level=note.level,
        message=note.message,
        renamed=tuple(Renaming(*pair) for pair in renamed),
    )
