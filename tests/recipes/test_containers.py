"""compose, quadlet and devcontainers: read by the real tools, and run in real containers where they can be."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Homes
from tests.recipes.containers import IMAGE, Containers
from tests.recipes.copied import LEVEL, RECIPES, TOOLS, VALUES, fill, run
from tests.system.home import ENVFS, SECONDS, Home

pytestmark = pytest.mark.soak
COMPOSE = RECIPES / "compose"
DOCKER_COMPOSE = TOOLS / "newer/usr/libexec/docker/cli-plugins/docker-compose"
QUADLET = TOOLS / "newer/usr/libexec/podman/quadlet"
UID = 1001
PROD = "/shop/prod"


@pytest.fixture(scope="module")
def served_shop(new_home: Homes) -> Iterator[Home]:
    home = new_home()
    fill(home)
    with home.served():
        home.envfs("cp", LEVEL, PROD)
        home.envfs("grant", PROD, "--uid", str(UID))
        yield home


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Containers:
    return Containers(tmp_path_factory.mktemp("containers"))


def _environ(home: Home, uid: int = UID) -> dict[str, str]:
    return {"ENVFS_MOUNT": str(home.mnt), "IMAGE": IMAGE, "SHOP_UID": str(uid)}


def _config(home: Home, name: str, *before: str) -> dict[str, Any]:
    words = [*before, DOCKER_COMPOSE, "-f", COMPOSE / name, "config", "--format", "json"]
    path = {"PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        words, env=home.environ({**path, **_environ(home)}), capture_output=True, check=True, timeout=SECONDS
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_docker_compose_takes_the_bind_of_a_view(served_shop: Home) -> None:
    (volume,) = _config(served_shop, "compose.yaml")["services"]["web"]["volumes"]
    assert volume["source"] == f"{served_shop.mnt}{PROD}"
    assert volume["read_only"]
    assert volume["bind"] == {"propagation": "rslave"}


def test_docker_compose_reads_each_value_of_the_env_file(served_shop: Home) -> None:
    environment = _config(served_shop, "compose.env-file.yaml")["services"]["web"]["environment"]
    assert environment == {name: value.replace("$", "$$") for name, value in VALUES.items()}  # as `config` writes it


def test_docker_compose_takes_secrets_of_the_environment(served_shop: Home) -> None:
    given = ("envfs", "exec", PROD, "--only", "DATABASE_URL,STRIPE_KEY", "--")
    found = _config(served_shop, "compose.secrets.yaml", *given)
    assert {row["environment"] for row in found["secrets"].values()} == {"DATABASE_URL", "STRIPE_KEY"}
    assert VALUES["STRIPE_KEY"] not in json.dumps(found)


def _compose(
    home: Home, containers: Containers, folder: Path, name: str, command: str, *before: str, uid: int = UID
) -> str:
    """Run a service by docker compose: the file of the recipe, and one that says what this machine lacks."""
    apart = folder / "apart.yaml"
    service = {"network_mode": "none", "command": ["/bin/sh", "-c", command.replace("$", "$$")]}
    apart.write_text(json.dumps({"services": {"web": service}}), encoding="utf-8")
    words = [DOCKER_COMPOSE, "-p", "shop", "-f", COMPOSE / name, "-f", apart]
    printed = run(
        containers.served(*before, *words, "up", "--no-log-prefix", "--no-color"), home, folder, _environ(home, uid)
    )
    run(containers.served(*words, "down"), home, folder, _environ(home))
    return printed.replace("\x1b[2K", "")  # what compose writes before each line of a container


def test_a_container_reads_the_view_with_the_uid_of_its_rule(
    served_shop: Home, containers: Containers, tmp_path: Path
) -> None:
    command = "id; env; cat $DATABASE_URL_FILE /run/envfs/.vars/STRIPE_KEY"
    printed = _compose(served_shop, containers, tmp_path, "compose.yaml", command)
    assert f"uid={UID}" in printed
    assert VALUES["DATABASE_URL"] + VALUES["STRIPE_KEY"] in printed
    assert printed.count(VALUES["DATABASE_URL"]) == 1  # in no environment


def test_a_container_of_another_uid_gets_nothing(served_shop: Home, containers: Containers, tmp_path: Path) -> None:
    command = "id; cat /run/envfs/.env || echo refused"
    printed = _compose(served_shop, containers, tmp_path, "compose.yaml", command, uid=1002)
    assert "uid=1002" in printed
    assert "refused" in printed


def test_a_container_has_the_secrets_as_files(served_shop: Home, containers: Containers, tmp_path: Path) -> None:
    given = ("envfs", "exec", PROD, "--only", "DATABASE_URL,STRIPE_KEY", "--")
    printed = _compose(served_shop, containers, tmp_path, "compose.secrets.yaml", "env; cat $STRIPE_KEY_FILE", *given)
    assert "STRIPE_KEY_FILE=/run/secrets/stripe_key" in printed
    assert printed.count(VALUES["STRIPE_KEY"]) == 1


def test_a_container_has_the_variables_of_the_env_file(
    served_shop: Home, containers: Containers, tmp_path: Path
) -> None:
    printed = _compose(served_shop, containers, tmp_path, "compose.env-file.yaml", "env")
    assert f"STRIPE_KEY={VALUES['STRIPE_KEY']}" in printed
    assert f"MOTTO={VALUES['MOTTO']}" in printed


@pytest.mark.parametrize(("name", "words"), [("shop", ()), ("shop-dev", ("-user",))])
def test_the_generator_of_podman_makes_a_unit_of_the_quadlet(name: str, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / f"{name}.container").write_bytes((RECIPES / "quadlet" / f"{name}.container").read_bytes())
    environ = {**os.environ, "QUADLET_UNIT_DIRS": str(tmp_path)}
    done = subprocess.run(
        [QUADLET, "-dryrun", *words], env=environ, capture_output=True, check=False, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    assert f"---{name}.service---" in done.stdout
    assert "Requires=envfs.service" in done.stdout
    (start,) = [line for line in done.stdout.splitlines() if line.startswith("ExecStart=")]
    assert "/run/envfs:ro,rslave" in start


def test_a_container_with_the_words_of_the_quadlet_reads_the_view(
    served_shop: Home, containers: Containers, tmp_path: Path
) -> None:
    (tmp_path / "shop.container").write_bytes((RECIPES / "quadlet" / "shop.container").read_bytes())
    environ = {**os.environ, "QUADLET_UNIT_DIRS": str(tmp_path)}
    unit = subprocess.run(
        [QUADLET, "-dryrun"], env=environ, capture_output=True, check=False, text=True, timeout=SECONDS
    ).stdout
    start = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).partition("=")[2].split()
    kept = [word.replace("/mnt/envfs", str(served_shop.mnt)) for word in start[2:] if word not in _OF_SYSTEMD]
    kept = [word.replace("=split", "=disabled") if word.startswith("--cgroups") else word for word in kept]
    assert str(served_shop.mnt) in " ".join(kept)
    words = [containers.podman, "run", "--network=none", *kept, "/bin/cat", "/run/envfs/.vars/PORT"]
    assert run(containers.words(*words), served_shop, tmp_path).endswith(VALUES["PORT"])


_OF_SYSTEMD = ("--name", "systemd-%N", "--cidfile=%t/%N.cid", "--sdnotify=conmon", "-d", "--replace")


def test_the_commands_of_the_devcontainer_work(served_shop: Home, tmp_path: Path) -> None:
    settings = json.loads((RECIPES / "devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    run(["sh", "-ec", settings["initializeCommand"]], served_shop, tmp_path)
    served_shop.envfs("set", "/shop", "OTHER", given="1")
    missing = settings["initializeCommand"].replace("PORT", "NOT_SET")
    run(["sh", "-ec", missing], served_shop, tmp_path, status=104)
    (mount,) = settings["mounts"]
    parts = dict(part.split("=", 1) for part in mount.split(",") if "=" in part)
    assert parts == {
        "type": "bind",
        "source": "/mnt/envfs/shop/dev",
        "target": "/run/envfs",
        "bind-propagation": "rslave",
    }
    run(["sh", "-ec", settings["postCreateCommand"]], served_shop, tmp_path)
    assert os.readlink(tmp_path / ".env") == "/run/envfs/.env"


def test_a_devcontainers_mount_is_one_that_podman_takes(
    served_shop: Home, containers: Containers, tmp_path: Path
) -> None:
    settings = json.loads((RECIPES / "devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    (mount,) = settings["mounts"]
    words = [
        "run",
        "--rm",
        "--network=none",
        "--cgroups=disabled",
        "--mount",
        mount.replace("/mnt/envfs", str(served_shop.mnt)),
    ]
    printed = run(
        containers.words(containers.podman, *words, IMAGE, "/bin/cat", "/run/envfs/.vars/PORT"), served_shop, tmp_path
    )
    assert printed.endswith(VALUES["PORT"])
