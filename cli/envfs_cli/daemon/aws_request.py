"""A GET to AWS, signed with placeholders: the proxy signs it again with the values (Signature Version 4)."""

import hashlib
import hmac
import time

_ID, _SECRET, _TOKEN = "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"
_SCOPE = "us-east-1/sts/aws4_request"  # of the host that answers for all regions
_ALGORITHM = "AWS4-HMAC-SHA256"


def is_key_id(name: str) -> bool:
    """Tell whether a variable's name says that it has the public part of a key."""
    return name.endswith(_ID)


def beside(name: str) -> tuple[str, str]:
    """Return the names of the secret that belongs to a key, and of the token, if it has one."""
    return name.removesuffix(_ID) + _SECRET, name.removesuffix(_ID) + _TOKEN


def signed_headers(host: str, target: str, key: str, secret: str, token: str = "") -> dict[str, str]:
    """Return the headers of a GET, and its signature among them."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"host": host, "x-amz-date": moment, **({"x-amz-security-token": token} if token else {})}
    path, _, query = target.partition("?")
    names, empty = ";".join(headers), hashlib.sha256().hexdigest()
    lines = [f"{name}:{value}" for name, value in headers.items()]
    canonical = "\n".join(("GET", path, "&".join(sorted(query.split("&"))), *lines, "", names, empty))
    scope = f"{moment[:8]}/{_SCOPE}"
    text = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    signature = hmac.digest(signing, text.encode(), "sha256").hex()
    authorization = f"{_ALGORITHM} Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": authorization}
