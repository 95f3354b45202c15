"""The environment by which programs find a proxy and trust its certificates, each by the variables that it looks at.

Laws: the certificates that the caller trusts today are trusted behind the proxy as well. Each variable takes the place
of one that is there. They lie in memory that ends with the command, whose path is in the environment.
"""

import os

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs_cli.process import java_options, shared_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envfs.protocol.control import BaseUrl

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_BUNDLES = (  # each names a file in the place of the system's
    *("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO"),
    *("NIX_SSL_CERT_FILE", "CARGO_HTTP_CAINFO", "DENO_CERT", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE"),
    *("HTTPLIB2_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "npm_config_cafile"),
    *("PERL_LWP_SSL_CA_FILE", "YARN_HTTPS_CA_FILE_PATH", "BUNDLE_SSL_CA_CERT", "HEX_CACERTS_PATH"),
)
_ADDED = "NODE_EXTRA_CA_CERTS"  # beside those that node has
_SYSTEM = (
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"),
    *("/etc/ssl/cert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
)
_HERE = ("localhost", "127.0.0.1", "::1")
_LARGEST = 16 << 20  # bytes of certificates


def proxy_variables(
    port: int, token: str, certificate: bytes, base_urls: "Iterable[BaseUrl]", present: "Mapping[str, str]"
) -> "dict[str, str]":
    """Return the variables for a command behind a proxy. `present` is the environment that it would have.

    Raises:
        OSError: there is no memory for the certificates
    """
    address = f"http://envfs:{token}@127.0.0.1:{port}"
    variables = {name: address for each in _PROXIES for name in (each, each.lower())}
    hosts = list(dict.fromkeys((*_hosts_without(present), *_HERE)))
    variables |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(hosts)) | {"NODE_USE_ENV_PROXY": "1"}
    trusted = b"".join((*_present_bundles(present), certificate))
    bundle = shared_memory.share_bytes("envfs-certificates", trusted)
    variables |= dict.fromkeys(_BUNDLES, bundle)
    store = shared_memory.share_bytes("envfs-java-certificates", java_options.trust_store(trusted))
    variables[java_options.NAME] = java_options.java_options(port, store, hosts, present)
    added = b"".join(_contents([present.get(_ADDED, "")]))
    variables[_ADDED] = shared_memory.share_bytes("envfs-certificate", added + certificate)
    variables["WGETRC"] = shared_memory.share_bytes("envfs-wgetrc", _wget_settings(present, bundle))
    variables |= _git_variables(present)
    variables |= _gcloud_variables(port, token)
    for url in base_urls:
        if url.variable not in present:
            variables[url.variable] = f"http://127.0.0.1:{port}/{token}/r/{url.rule}{url.path}"
    return variables


def _hosts_without(present: "Mapping[str, str]") -> "Iterator[str]":
    # `*` would leave the proxy out, and with it every value
    for name in ("no_proxy", "NO_PROXY"):
        yield from (host for part in present.get(name, "").split(",") if (host := part.strip()) not in ("", "*"))


def _wget_settings(present: "Mapping[str, str]", bundle: str) -> bytes:
    # wget has no variable for certificates, and one for its settings
    own = present.get("WGETRC") or os.path.join(present.get("HOME", "/"), ".wgetrc")
    return b"".join((*_contents([own]), f"ca_certificate = {bundle}\n".encode()))


def _git_variables(present: "Mapping[str, str]") -> "dict[str, str]":
    # git asks without the token first, and again with it, unless it is told that there is one
    count = present.get("GIT_CONFIG_COUNT", "0")
    number = int(count) if count.isascii() and count.isdigit() else 0
    return {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": "http.proxyAuthMethod",
        f"GIT_CONFIG_VALUE_{number}": "basic",
    }


def _gcloud_variables(port: int, token: str) -> "dict[str, str]":
    names = ("TYPE", "ADDRESS", "PORT", "USERNAME", "PASSWORD")
    values = ("http", "127.0.0.1", str(port), "envfs", token)
    return {f"CLOUDSDK_PROXY_{name}": value for name, value in zip(names, values, strict=True)}


def _present_bundles(present: "Mapping[str, str]") -> "Iterator[bytes]":
    named = list(dict.fromkeys(present[name] for name in _BUNDLES if present.get(name)))
    if not present.get("SSL_CERT_FILE"):
        named += [path for path in _SYSTEM if os.path.exists(path)][:1]
    yield from _contents(named)


def _contents(paths: "Iterable[str]") -> "Iterator[bytes]":
    for path in filter(None, paths):
        try:
            yield safe_open.read_file(path, _LARGEST, follow=True).rstrip(b"\n") + b"\n"
        except (OSError, EnvFSError):  # as the program itself would find
            continue
