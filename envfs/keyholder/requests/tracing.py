"""The requests about one variable in many views: which text sets it there, where its value is the same, or stands too.

Laws: each record is opened once, however many views it is part of. Nothing of a value is answered. A mark stands for
it, which is the same for the same value as long as this keyholder runs, by a key that no other process has.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from functools import cache

from envfs.core.access.face import Face
from envfs.dotenv import merging, residues
from envfs.errors import Malformed, TooLarge
from envfs.keyholder.requests.search import findings
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import FindCarriers, Found, Hit, Trace, Traced, TracedView, TraceVariables

_KEY = os.urandom(32)  # of the process that the children are forked from
_MARK_LETTERS = 32
_NOTHING = Trace(-1)


def trace_variables(request: TraceVariables, work: Work) -> WorkResult:
    """Say of each view which layer sets the variable, and with which value, as a mark."""

    @cache
    def layer(number: int) -> merging.Layer:
        sealed_layer = request.layers[number]
        return merging.Layer(sealed_layer.level, work.open(sealed_layer))

    return WorkResult(Traced(tuple(_trace(view, layer) for view in request.views)))


def find_carriers(request: FindCarriers, work: Work) -> WorkResult:
    """Say which variables of some texts have the value that a variable has in a view."""
    layers = [request.layers[number] for number in request.view.layers]
    view = merging.merge_layers([merging.Layer(layer.level, work.open(layer)) for layer in layers], lenient=True)
    value = view.variables.get(request.view.name, "")
    if not value:
        return WorkResult(Found(()))
    hits = (
        Hit(place, name, kind)
        for place, number in enumerate(request.searched)
        for name, kind in findings(work.open(request.layers[number]), "*", value)
    )
    return WorkResult(Found(tuple(hits)))


def _trace(view: TracedView, layer: Callable[[int], merging.Layer]) -> Trace:
    try:
        merged = merging.merge_layers([layer(number) for number in view.layers], lenient=True)
    except (Malformed, TooLarge):
        return _NOTHING  # nobody could read it
    name = view.name
    if name not in merged.variables:
        return _NOTHING
    shown = sorted(filter(Face(only=view.only).shows, merged.variables))
    source = merged.sources[name]
    places = tuple(place for place, other in enumerate(shown) if source in merging.sources_of(merged, other))
    return Trace(source.layer, _mark(merged, name), places)


def _mark(view: merging.MergedView, name: str) -> str:
    text = view.variables[name]
    if name in view.opened:  # what is left to the environment of a reader is a part of the value
        text += f"\0{residues.residue_json({name: view.opened[name]})!r}"
    return hmac.new(_KEY, text.encode(), hashlib.sha256).hexdigest()[:_MARK_LETTERS]
