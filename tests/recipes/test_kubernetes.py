"""The recipes for Kubernetes: manifests of its own schema, what their containers run, and Secrets, sealed or not."""

import base64
import os
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.conftest import Homes
from tests.recipes.copied import LEVEL, RECIPES, VALUES, environ_of, fill, read_yaml, run, tool
from tests.system.home import SECONDS, Home, eventually

FILES = RECIPES / "kubernetes"
VERSIONS = ("1.30", "1.34")


@pytest.fixture(scope="module")
def shared_home(new_home: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Give a home with an engine in a folder, and the join secret of a machine beside it."""
    home, engine = new_home(), tmp_path_factory.mktemp("engine")
    fill(home)
    home.envfs("store", "init", f"{engine}/store")
    home.envfs("sync", "start", f"folder:{engine}/store")
    with home.served():
        said = home.envfs("member", "invite", "pod", "--machine", "--level", LEVEL)
        (home.path.parent / "join").write_bytes(said.out)
        yield home


def _container(name: str) -> dict[str, Any]:
    manifest: Any = read_yaml(FILES / name)
    (found,) = manifest["spec"]["template"]["spec"]["initContainers"]
    return dict(found)


def _environ(container: dict[str, Any], home: Home, folder: Path) -> dict[str, str]:
    given = {row["name"]: row["value"] for row in container["env"]}
    assert given["ENVFS_JOIN_FILE"] == "/run/join/join"
    own = {"LEVEL": LEVEL, "ENVFS_JOIN_FILE": str(home.path.parent / "join"), "ENVFS_HOME": "", "HOME": str(folder)}
    return environ_of(home, folder, {**given, **own})


def _script(container: dict[str, Any], folder: Path) -> list[str]:
    shell, option, script = container["command"]
    return [shell, option, script.replace("/run/envfs", str(folder))]


def _without_home(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name != "ENVFS_HOME"}


def test_an_init_container_fills_the_folder(shared_home: Home, tmp_path: Path) -> None:
    container = _container("init.yaml")
    environ = _without_home(_environ(container, shared_home, tmp_path))
    done = subprocess.run(
        _script(container, tmp_path), env=environ, capture_output=True, check=False, text=True, timeout=3 * SECONDS
    )
    assert done.returncode == 0, done
    text = (tmp_path / ".env").read_text(encoding="utf-8")
    assert f"STRIPE_KEY={VALUES['STRIPE_KEY']}\n" in text
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".env")] == [".env"]


def test_an_init_container_that_gets_nothing_fails_and_leaves_no_file(shared_home: Home, tmp_path: Path) -> None:
    container = _container("init.yaml")
    environ = _without_home(_environ(container, shared_home, tmp_path)) | {"LEVEL": "/shop/nowhere"}
    done = subprocess.run(
        _script(container, tmp_path), env=environ, capture_output=True, check=False, text=True, timeout=3 * SECONDS
    )
    assert done.returncode != 0
    assert not (tmp_path / ".env").exists()


def test_a_sidecar_brings_the_next_version_and_keeps_the_last_one_if_there_is_none(
    shared_home: Home, tmp_path: Path
) -> None:
    container = _container("sidecar.yaml")
    assert container["restartPolicy"] == "Always"
    environ = _without_home(_environ(container, shared_home, tmp_path)) | {"SECONDS_BETWEEN": "0.2"}
    process = subprocess.Popen(
        _script(container, tmp_path), env=environ, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        view = tmp_path / ".env"
        eventually(view.exists, "the view is there", 3 * SECONDS)
        first = view.stat().st_ino
        shared_home.envfs("set", LEVEL, "PORT", given="9000")
        eventually(lambda: "PORT=9000" in view.read_text(encoding="utf-8"), "the next version", 3 * SECONDS)
        assert view.stat().st_ino != first
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(SECONDS) in (0, -signal.SIGTERM)
        shared_home.envfs("set", LEVEL, "PORT", given=VALUES["PORT"])


@pytest.mark.soak
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["init.yaml", "sidecar.yaml"])
def test_a_manifest_is_of_the_schema(name: str, version: str, bare: Home, tmp_path: Path) -> None:
    words = [tool("kubernetes-validate"), "--strict", "-k", version, FILES / name]
    assert "passed" in run(words, bare, tmp_path)


@pytest.mark.soak
def test_a_manifest_with_a_mistake_is_not(bare: Home, tmp_path: Path) -> None:
    text = (FILES / "init.yaml").read_text(encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(text.replace("emptyDir: { medium: Memory, sizeLimit: 4Mi }", "emptydir: {}"))
    run([tool("kubernetes-validate"), "--strict", "-k", VERSIONS[0], "wrong.yaml"], bare, tmp_path, status=1)


# ---- Secrets


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the certificate and the key of a cluster's controller, as it makes them."""
    folder = tmp_path_factory.mktemp("cluster")
    words = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=sealed-secret/O=sealed-secret -days 3650"
    subprocess.run([*words.split(), "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, timeout=SECONDS)
    return folder


def _opened(cluster: Path, sealed: str, label: str) -> str:
    key = serialization.load_pem_private_key((cluster / "key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    data = base64.b64decode(sealed)
    size = int.from_bytes(data[:2], "big")
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label.encode())
    return AESGCM(key.decrypt(data[2 : 2 + size], oaep)).decrypt(bytes(12), data[2 + size :], None).decode()


SCOPES = {
    "strict": ("--namespace", "web", "web/shop-dev"),
    "namespace-wide": ("--namespace", "web", "web"),
    "cluster-wide": ("", "", ""),
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_sealed_secret_has_each_value_for_the_cluster_alone(shared_home: Home, cluster: Path, scope: str) -> None:
    *words, label = SCOPES[scope]
    certificate = str(cluster / "cert.pem")
    said = shared_home.envfs(
        "export", LEVEL, "-f", "k8s", "--seal", certificate, "--scope", scope, *(word for word in words if word)
    )
    manifest = yaml.safe_load(said.text)
    sealed = manifest["spec"]["encryptedData"]
    assert {name: _opened(cluster, text, label) for name, text in sealed.items()} == VALUES
    assert manifest["metadata"]["name"] == "shop-dev"
    assert not [value for value in VALUES.values() if value in said.text]


_UNSEAL = """
import sys, yaml
from kubesealpy import SealedSecret, Unsealer
sealed = SealedSecret.model_validate(yaml.safe_load(sys.stdin))
print(yaml.safe_dump(Unsealer.from_private_key_file(sys.argv[1]).unseal(sealed).data))
"""


@pytest.mark.soak
@pytest.mark.parametrize("scope", SCOPES)
def test_another_program_than_ours_opens_a_sealed_secret(shared_home: Home, cluster: Path, scope: str) -> None:
    *words, _ = SCOPES[scope]
    given = ("--seal", str(cluster / "cert.pem"), "--scope", scope, *filter(None, words))
    manifest = shared_home.envfs("export", LEVEL, "-f", "k8s", *given).text
    opened = subprocess.run(
        [tool("python"), "-c", _UNSEAL, cluster / "key.pem"],
        input=manifest,
        text=True,
        capture_output=True,
        check=True,
        timeout=SECONDS,
    )
    data = yaml.safe_load(opened.stdout)
    assert {name: base64.b64decode(text).decode() for name, text in data.items()} == VALUES


def test_a_secret_has_the_name_and_the_namespace_that_are_asked_for(shared_home: Home, tmp_path: Path) -> None:
    words = ("export", LEVEL, "-f", "k8s", "--name", "settings", "--namespace", "web", "--only", "PORT")
    manifest = yaml.safe_load(shared_home.envfs(*words).text)
    assert manifest["metadata"] == {"name": "settings", "namespace": "web"}
    assert {name: base64.b64decode(text).decode() for name, text in manifest["data"].items()} == {
        "PORT": VALUES["PORT"]
    }


def _refused(home: Home, *words: str, status: int = 101) -> str:
    return home.envfs("export", LEVEL, *words, status=status).complaint


def test_what_cannot_be_sealed_is_refused_with_what_to_do(shared_home: Home, cluster: Path, tmp_path: Path) -> None:
    certificate = str(cluster / "cert.pem")
    assert "--namespace" in _refused(shared_home, "-f", "k8s", "--seal", certificate)
    assert "add --format k8s" in _refused(shared_home, "--seal", certificate)
    assert "--seal names the certificate" in _refused(shared_home, "-f", "k8s", "--scope", "strict")
    assert "kubeseal --fetch-cert" in _refused(
        shared_home, "-f", "k8s", "--seal", "/etc/hostname", "--namespace", "web"
    )
    past = ("-f", "k8s", "--seal", certificate, "--namespace", "web", "--version", "1")
    assert "as they are now" in _refused(shared_home, *past, status=2)
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 1 -keyout k -out c"
    subprocess.run(words.split(), cwd=tmp_path, check=True, timeout=SECONDS, capture_output=True)
    elliptic = _refused(shared_home, "-f", "k8s", "--seal", f"{tmp_path}/c", "--namespace", "web")
    assert "no key of RSA" in elliptic
    old = textwrap.dedent(
        """\
        openssl req -new -newkey rsa:2048 -nodes -subj /CN=x -keyout k -out r
        printf 'basicConstraints=CA:TRUE\\n' >e; : >index; mkdir -p new
        printf '[ca]\\ndefault_ca=o\\n[o]\\ndatabase=index\\nrand_serial=yes\\nnew_certs_dir=new\\npolicy=p\\n' >s
        printf 'default_md=sha256\\n[p]\\ncommonName=optional\\n' >>s
        openssl ca -batch -notext -selfsign -keyfile k -config s -extfile e -in r -out old \\
            -startdate 20200101000000Z -enddate 20200201000000Z
        """
    )
    subprocess.run(["sh", "-ec", old], cwd=tmp_path, check=True, timeout=SECONDS, capture_output=True)
    assert "has ended" in _refused(shared_home, "-f", "k8s", "--seal", f"{tmp_path}/old", "--namespace", "web")
