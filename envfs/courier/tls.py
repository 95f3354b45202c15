"""TLS of an engine's client: the server is verified, and this member shows a certificate."""

import os
import ssl
from typing import NoReturn

from envfs import safe_open
from envfs.courier.address import Address
from envfs.errors import BadRequest, StoreUnavailable


def client_context(address: Address) -> ssl.SSLContext:
    """Return the context for a server, from the files that its address names.

    Raises:
        BadRequest: one half of certificate and key is missing
        StoreUnavailable: a file cannot be read, or is not what it should be
    """
    ca, certificate, key = (address.option(name) for name in ("ca", "cert", "key"))
    if bool(certificate) != bool(key):
        raise BadRequest("a certificate needs its key, and a key its certificate", "the options are cert and key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        if ca:
            context.load_verify_locations(ca)
        else:
            context.load_default_certs()
        if certificate:
            context.load_cert_chain(certificate, key, _no_password)
    except OSError as error:
        words = "no such certificate" if isinstance(error, ssl.SSLError) else safe_open.error_words(error)
        raise StoreUnavailable(f"the files of this member cannot be used: {words}") from None
    return context


def _no_password() -> NoReturn:
    raise PermissionError(os.strerror(0), "a key under a password")  # and nobody is asked for one
