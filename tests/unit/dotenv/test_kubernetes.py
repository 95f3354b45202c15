"""Manifests of Kubernetes: what a Secret is called, what a sealed value is bound to, and that YAML reads them."""

import pytest
import yaml

from envfs.dotenv.kubernetes import SealScope, SecretName, sealed_manifest, sealing_label, secret_manifest, secret_name
from envfs.errors import BadRequest

SECRET = SecretName("web", "shop")


@pytest.mark.parametrize("scope", SealScope)
def test_a_sealed_secret_says_its_scope_where_the_controller_looks(scope: SealScope) -> None:
    manifest = yaml.safe_load(sealed_manifest(SECRET, scope, {"A": "xyz=", "NO": "q"}))
    assert (manifest["apiVersion"], manifest["kind"]) == ("bitnami.com/v1alpha1", "SealedSecret")
    assert manifest["spec"]["encryptedData"] == {"A": "xyz=", "NO": "q"}
    template = manifest["spec"]["template"]
    assert template["type"] == "Opaque"
    expected = {} if scope is SealScope.STRICT else {f"sealedsecrets.bitnami.com/{scope}": "true"}
    for metadata in (manifest["metadata"], template["metadata"]):
        assert (metadata["name"], metadata["namespace"]) == ("web", "shop")
        assert metadata.get("annotations", {}) == expected


def test_a_value_is_bound_to_what_its_scope_says() -> None:
    labels = [sealing_label(SECRET, scope) for scope in SealScope]
    assert labels == ["shop/web", "shop", ""]
    assert sealing_label(SecretName("web"), SealScope.CLUSTER_WIDE) == ""
    with pytest.raises(BadRequest, match="namespace"):
        sealing_label(SecretName("web"), SealScope.STRICT)


@pytest.mark.parametrize("name", ["Web", "a_b", "-a", "a-", "a..b", "a\nb", "a: b", "x" * 254])
def test_what_is_no_name_of_a_secret_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        secret_name("/shop", name)


@pytest.mark.parametrize("namespace", ["Shop", "a.b", "a/b", "x" * 64, "a\n"])
def test_what_is_no_namespace_is_refused(namespace: str) -> None:
    with pytest.raises(BadRequest):
        secret_name("/shop", "", namespace)


@pytest.mark.parametrize("name", ["1e3", "null", "true", "0x1f", "a.b"])
def test_a_name_stays_a_text(name: str) -> None:
    manifest = yaml.safe_load(secret_manifest(secret_name("/shop", name, "1e3"), {}))
    assert manifest["metadata"] == {"name": name, "namespace": "1e3"}
    assert manifest["data"] == {}
