"""The request to seal a view's values for a cluster of Kubernetes. None of them leaves this process unsealed."""

import base64

from envfs.core import limits
from envfs.dotenv import merging
from envfs.dotenv.document import parse_document
from envfs.errors import BadRequest, TooLarge
from envfs.keyholder.crypto.sealed_secrets import read_public_key, seal_value
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import SealValues, ValuesSealed


def seal_values(request: SealValues, work: Work) -> WorkResult:
    """Seal those values of a view that are named.

    Raises:
        BadRequest: the public key is none
        TooLarge: the sealed values are over the limit of a view
    """
    layers = [merging.Layer(layer.level, parse_document(work.open_record(layer).text)) for layer in request.layers]
    try:
        key = read_public_key(base64.b64decode(request.key, validate=True))
    except ValueError:
        raise BadRequest("the public key is not in base64") from None
    variables, label = merging.merge_layers(layers).variables, request.label.encode()
    sealed = {name: seal_value(key, variables[name].encode(), label) for name in request.names if name in variables}
    rows = "".join(f"{name}={base64.b64encode(data).decode()}\0" for name, data in sealed.items())
    if len(rows) > limits.VIEW_BYTES:
        raise TooLarge("the sealed values are too large", "choose variables with --only")
    return WorkResult(ValuesSealed(len(sealed)), (rows.encode(),))
