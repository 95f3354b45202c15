"""The daemon's requests to the keyholder for a proxy's session (docs/protocol.md §3)."""

from envfs.core.addresses import SealedLayer
from envfs.protocol import answers
from envfs.tuples import NamedTuple


class BindValues(NamedTuple):
    """The variables of a view for a proxy: placeholders, and the values of `names`. Reply: Bound and the region.

    `only` and `ordinary` as in RenderView.
    """

    layers: tuple[SealedLayer, ...]
    names: tuple[str, ...]
    only: tuple[str, ...] = ()
    ordinary: bool = False


class IssueAuthority(NamedTuple):
    """The certificate of a proxy session's authority. `moment` is in seconds since 1970. Reply: AuthorityMade, a blob.

    The blob is in PEM.
    """

    session: str
    moment: int


class IssueCertificate(NamedTuple):
    """A host's certificate by that authority. Reply: LeafMade and the memory with certificate and key, in PEM."""

    session: str
    host: str
    moment: int


PROXY_ANSWERS: dict[type, tuple[type, ...]] = {
    BindValues: (answers.Bound,),
    IssueAuthority: (answers.AuthorityMade,),
    IssueCertificate: (answers.LeafMade,),
}
