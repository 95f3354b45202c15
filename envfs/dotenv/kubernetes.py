"""Manifests of Kubernetes: a Secret, and a SealedSecret, which only the cluster's controller opens.

Source: https://github.com/bitnami-labs/sealed-secrets, docs/developer/crypto.md and pkg/apis/sealedsecrets/v1alpha1.
Law: nothing of a manifest but what is encoded comes from a value. Names are checked before they stand in it.
"""

import base64
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from envfs.errors import BadRequest

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)  # RFC 1123, as Kubernetes has it
_NAMESPACE: Final = re.compile(_LABEL, re.ASCII)
_LONGEST_NAME: Final = 253
_ANNOTATION: Final = "sealedsecrets.bitnami.com/"
_quoted = json.JSONEncoder(ensure_ascii=True).encode


class SealScope(StrEnum):
    """The Secrets that a sealed value may be opened for: one, any of a namespace, any of the cluster."""

    STRICT = "strict"
    NAMESPACE_WIDE = "namespace-wide"
    CLUSTER_WIDE = "cluster-wide"


class SecretName(NamedTuple):
    """The name of a Secret, and its namespace (empty: that of the one who applies it)."""

    name: str
    namespace: str = ""


def secret_name(level: str, name: str = "", namespace: str = "") -> SecretName:
    """Return what a level's Secret is called: as asked for, or after the level.

    Raises:
        BadRequest: it is no name that Kubernetes takes
    """
    chosen = name or _NOT_IN_A_NAME.sub("-", level.lower()).strip("-") or "env"
    if name and not (_NAME.fullmatch(name) and len(name) <= _LONGEST_NAME):
        raise BadRequest("that is no name of a Secret", "small letters, digits, - and . between them")
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise BadRequest("that is no name of a namespace", "small letters, digits and - between them")
    return SecretName(chosen, namespace)


def secret_manifest(secret: SecretName, variables: Mapping[str, str]) -> str:
    """Return a Secret's manifest."""
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in variables.items()}
    head = ["apiVersion: v1", "kind: Secret", "metadata:", *_metadata(secret, "  "), "type: Opaque"]
    return "\n".join([*head, *_mapping("data", encoded, ""), ""])


def sealing_label(secret: SecretName, scope: SealScope) -> str:
    """Return what a sealed value is bound to.

    Raises:
        BadRequest: the scope needs a namespace
    """
    if scope is SealScope.CLUSTER_WIDE:
        return ""
    if not secret.namespace:
        raise BadRequest(
            f"the scope {scope} seals for one namespace, and none is named",
            "name it with --namespace, or choose --scope cluster-wide",
        )
    return secret.namespace if scope is SealScope.NAMESPACE_WIDE else f"{secret.namespace}/{secret.name}"


def sealed_manifest(secret: SecretName, scope: SealScope, sealed: Mapping[str, str]) -> str:
    """Return a SealedSecret's manifest. `sealed` has each value sealed, in base64."""
    annotations = [] if scope is SealScope.STRICT else ["annotations:", f'  {_ANNOTATION}{scope}: "true"']
    lines = ["apiVersion: bitnami.com/v1alpha1", "kind: SealedSecret", "metadata:"]
    lines += [*_metadata(secret, "  "), *(f"  {line}" for line in annotations), "spec:"]
    lines += _mapping("encryptedData", sealed, "  ")
    lines += ["  template:", "    metadata:", *_metadata(secret, "      ")]
    lines += [*(f"      {line}" for line in annotations), "    type: Opaque", ""]
    return "\n".join(lines)


def _metadata(secret: SecretName, indent: str) -> list[str]:
    # quoted, as YAML takes a name such as 1e3 or null for something else
    lines = [f'{indent}name: "{secret.name}"']
    return [*lines, f'{indent}namespace: "{secret.namespace}"'] if secret.namespace else lines


def _mapping(key: str, encoded: Mapping[str, str], indent: str) -> list[str]:
    rows = [f'{indent}  {_quoted(name)}: "{text}"' for name, text in encoded.items()]
    return [f"{indent}{key}:", *rows] if rows else [f"{indent}{key}: {{}}"]
