"""Requests that show what records hold: a finished view, and which names each version changed."""

from envfs.core import emit, limits, portability, record, views
from envfs.core.interpolation import interpolate
from envfs.errors import TooLarge
from envfs.host.memory import Region
from envfs.keyholder.work import Answer, Work
from envfs.protocol.keyholding import (
    Compared,
    CompareVersions,
    Dangling,
    Examined,
    ExamineView,
    Facts,
    Rendered,
    RenderView,
    Use,
    VersionChange,
)


def shown(view: views.View) -> dict[str, bytes]:
    """Return what readers get of a view, by form: the dotenv text, and the environment behind a NUL."""
    return {"dotenv": emit.portable(view.variables).encode(), "environ": b"\0" + emit.environ(view.variables)}


def render_view(request: RenderView, work: Work) -> Answer:
    """Merge layers into a view and put it, in its three parts, into a region."""
    view = views.merge([views.Layer(layer.level, work.open(layer)) for layer in request.layers])
    dotenv_part, environ_part = shown(view).values()
    index_part = "".join(f"{name}\0{view.origin[name]}\0" for name in view.variables).encode()
    sizes = (len(dotenv_part), len(environ_part), len(index_part))
    if sum(sizes) > limits.VIEW_BYTES:
        raise TooLarge("the view would be too large", f"at most {limits.VIEW_BYTES} bytes a view")
    region = Region.create(sum(sizes), ordinary=request.ordinary)
    region.map[: region.size] = dotenv_part + environ_part + index_part
    return Answer(Rendered(*sizes, len(view.variables)), region=region)


def examine_view(request: ExamineView, work: Work) -> Answer:
    """Say where each variable comes from, what it refers to, and who may misread it; no value."""
    levels = [layer.level for layer in request.layers]
    documents = [work.open(layer) for layer in request.layers]
    found = interpolate(documents)
    names = [document.variables().keys() for document in documents]
    facts = []
    for name, value in found.values.items():
        used = found.uses.get(found.sources[name], ())
        facts.append(
            Facts(
                name,
                tuple(level for level, own in zip(levels, names, strict=True) if name in own),
                tuple(Use(other, levels[source.layer] if source else "") for other, source in used),
                empty=not value,
                doubts=tuple(doubt.text for doubt in portability.doubts(value)),
            )
        )
    return Answer(Examined(tuple(facts), tuple(Dangling(*finding) for finding in found.findings)))


def compare_versions(request: CompareVersions, work: Work) -> Answer:
    """Say which names each version changed against the one before."""
    found, before = [], None
    for layer in request.layers:
        variables = work.open(layer).variables()
        if before is not None or layer.record.seq == 1:
            author = record.parse(work.blobs[layer.record_blob]).header.author
            changes = views.difference(before or {}, variables)
            found.append(VersionChange(layer.record.seq, author, *changes))
        before = variables
    return Answer(Compared(tuple(found)))
