"""In what views read otherwise than before: many pairs at once, for a change high up is a change of all that is below.

Law: each record is opened once, however many views it is part of; what is answered are forms and names, and no value.
"""

from functools import cache

from envfs.core import views
from envfs.errors import Malformed, TooLarge
from envfs.keyholder.viewing import shown
from envfs.keyholder.work import Answer, Work
from envfs.protocol.keyholding import CompareViews, Difference, Differing


def compare_views(request: CompareViews, work: Work) -> Answer:
    """Say of each pair of views in what a reader gets something else now."""

    @cache
    def layer(number: int) -> views.Layer:
        found = request.layers[number]
        return views.Layer(found.level, work.open(found))

    def view(numbers: tuple[int, ...]) -> views.View | None:
        try:
            return views.merge([layer(number) for number in numbers])
        except (Malformed, TooLarge):
            return None  # nobody can read it, whatever is wrong with it

    return Answer(Differing(tuple(_difference(view(pair.before), view(pair.now)) for pair in request.pairs)))


def _difference(before: views.View | None, now: views.View | None) -> Difference:
    old, new = (shown(view) if view is not None else {} for view in (before, now))
    values = [view.variables if view is not None else {} for view in (before, now)]
    forms = tuple(form for form in old | new if old.get(form) != new.get(form))
    return Difference(forms, tuple(name for names in views.difference(*values) for name in names))
