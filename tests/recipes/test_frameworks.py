"""The recipes for frameworks, in the real frameworks: each has the level's values, and what it builds has none."""

import http.client
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Homes
from tests.recipes.copied import PYTHON, RECIPES, TOOLS, environ_of, free_port, run
from tests.system.home import SECONDS, Home, eventually

pytestmark = pytest.mark.soak
NODE = TOOLS / "npm" / "node_modules"
VALUES = {
    "SECRET_KEY": "django-71-Qk$5vB&zx(w",
    "SECRET_KEY_BASE": "rails-4f1e8d2c9b7a6053",
    "DATABASE_URL": "sqlite:///:memory:",
    "STRIPE_KEY": "sk_live_9aB3cD5eF7gH9iJ1",
    "PORT": "8123",
    "VITE_TITLE": "The shop",
    "NEXT_PUBLIC_SITE": "shop.example",
}
LEVELS = ("/shop/dev", "/shop/prod")


@pytest.fixture(scope="module")
def shop_home(new_home: Homes) -> Iterator[Home]:
    home = new_home()
    with home.served():
        text = "".join(f"{name}='{value}'\n" for name, value in VALUES.items())
        for level in LEVELS:
            home.envfs("import", "-", level, given=text)
        yield home


def _project(tmp_path: Path, name: str) -> Path:
    return Path(shutil.copytree(RECIPES / name, tmp_path / name))


def _linked(home: Home, project: Path) -> None:
    run(["envfs", "link", ".", "/shop/dev"], home, project)


def test_django_reads_the_link_of_a_project(shop_home: Home, tmp_path: Path) -> None:
    project = _project(tmp_path, "django")
    _linked(shop_home, project)
    look = "from django.conf import settings; print(settings.SECRET_KEY, settings.DATABASES['default']['ENGINE'])"
    printed = run([PYTHON / "python", "manage.py", "shell", "-v", "0", "-c", look], shop_home, project)
    assert printed.split() == [VALUES["SECRET_KEY"], "django.db.backends.sqlite3"]
    run([PYTHON / "python", "manage.py", "check"], shop_home, project)


def test_django_takes_its_environment_as_well(shop_home: Home, tmp_path: Path) -> None:
    project = _project(tmp_path, "django")
    look = "from django.conf import settings; print(settings.SECRET_KEY)"
    words = ["envfs", "exec", "/shop/prod", "--", PYTHON / "python", "manage.py", "shell", "-v", "0", "-c", look]
    assert run(words, shop_home, project).splitlines()[-1] == VALUES["SECRET_KEY"]


_FASTAPI = """
from fastapi.testclient import TestClient
import settings
answer = TestClient(settings.app).get("/health")
print(answer.json(), repr(settings.settings()))
"""


def test_fastapi_reads_the_link_and_shows_no_value(shop_home: Home, tmp_path: Path) -> None:
    project = _project(tmp_path, "fastapi")
    _linked(shop_home, project)
    printed = run([PYTHON / "python", "-W", "ignore", "-c", _FASTAPI], shop_home, project)
    assert "{'port': 8123, 'has_key': True}" in printed
    assert VALUES["STRIPE_KEY"] not in printed


def test_fastapi_reads_the_files_of_the_variables(shop_home: Home, tmp_path: Path) -> None:
    project = _project(tmp_path, "fastapi")
    text = (project / "settings.py").read_text(encoding="utf-8")
    here = text.replace('env_file=".env"', f'secrets_dir="{shop_home.mnt}/shop/prod/.vars"')
    (project / "settings.py").write_text(here, encoding="utf-8")
    assert "'has_key': True" in run([PYTHON / "python", "-W", "ignore", "-c", _FASTAPI], shop_home, project)


def _with_modules(tmp_path: Path, name: str) -> Path:
    if not NODE.exists():
        pytest.skip("`make recipes` installs it where npm is")
    project = _project(tmp_path, name)
    (project / "node_modules").symlink_to(NODE)
    return project


def _contents(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file() and "node_modules" not in path.parts]
    return "\n".join(path.read_text(errors="replace") for path in files)


def test_vite_builds_in_the_public_names_and_no_other(shop_home: Home, tmp_path: Path) -> None:
    project = _with_modules(tmp_path, "vite")
    run(["npm", "run", "build"], shop_home, project)
    built = _contents(project / "dist")
    assert VALUES["VITE_TITLE"] in built
    assert VALUES["STRIPE_KEY"] not in built


def test_vite_reads_the_link_of_a_project(shop_home: Home, tmp_path: Path) -> None:
    project = _with_modules(tmp_path, "vite")
    _linked(shop_home, project)
    run(["npx", "vite", "build"], shop_home, project)
    built = _contents(project / "dist")
    assert VALUES["VITE_TITLE"] in built
    assert VALUES["STRIPE_KEY"] not in built


def _page(port: int) -> str:
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
    except OSError:
        return ""


def test_next_has_the_values_at_its_server_and_none_in_what_it_builds(shop_home: Home, tmp_path: Path) -> None:
    if not NODE.exists():
        pytest.skip("`make recipes` installs it where npm is")
    project = _next_project(tmp_path)
    environ = {"NEXT_TELEMETRY_DISABLED": "1"}
    run(["npm", "run", "build"], shop_home, project, environ)
    built = _contents(project / ".next")
    assert VALUES["NEXT_PUBLIC_SITE"] in built
    assert VALUES["STRIPE_KEY"] not in built
    port = free_port()
    words = ["envfs", "exec", "/shop/prod", "--", "npx", "next", "start", "-p", str(port), "-H", "127.0.0.1"]
    server = subprocess.Popen(
        words,
        env=environ_of(shop_home, project, environ),
        cwd=project,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: "shop.example" in _page(port), "the server answers")
        page = _page(port)
        assert "the key is there" in page
        assert VALUES["STRIPE_KEY"] not in page
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(SECONDS)


def _next_project(tmp_path: Path) -> Path:
    project = _project(tmp_path, "nextjs")
    shutil.copytree(NODE, project / "node_modules", symlinks=True, copy_function=_hard_link)
    return project


def _hard_link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_rails_has_the_values_and_does_not_start_without_them(shop_home: Home, tmp_path: Path) -> None:
    if shutil.which("rails") is None:
        pytest.skip("rails is not here")
    project = _project(tmp_path, "rails")
    look = (
        'require "./config/application"; Rails.application.initialize!; '
        "puts Rails.application.config.x.stripe_key, Rails.application.secret_key_base"
    )
    environ = {"RAILS_ENV": "production", "RAILS_LOG_TO_STDOUT": "1"}
    printed = run(["envfs", "exec", "/shop/prod", "--", "ruby", "-W0", "-e", look], shop_home, project, environ)
    assert printed.splitlines()[-2:] == [VALUES["STRIPE_KEY"], VALUES["SECRET_KEY_BASE"]]
    assert "key not found" in run(["ruby", "-W0", "-e", look], shop_home, project, environ, status=1)


_LARAVEL = """<?php
require 'Illuminate/autoload.php';
$app = new Illuminate\\Foundation\\Application(__DIR__);
require 'environment.php';
(new Illuminate\\Foundation\\Bootstrap\\LoadEnvironmentVariables)->bootstrap($app);
echo json_encode(['key' => env('STRIPE_KEY'), 'secret' => env('SECRET_KEY')]);
"""


def test_laravel_reads_the_view(shop_home: Home, tmp_path: Path) -> None:
    if not Path("/usr/share/php/Illuminate/Foundation").exists():
        pytest.skip("laravel is not here")
    project = _project(tmp_path, "laravel")
    (project / "look.php").write_text(_LARAVEL, encoding="utf-8")
    view = {"SHOP_VIEW": f"{shop_home.mnt}/shop/prod"}
    printed = run(["php", "-d", "error_reporting=E_ERROR", "look.php"], shop_home, project, view)
    assert json.loads(printed) == {"key": VALUES["STRIPE_KEY"], "secret": VALUES["SECRET_KEY"]}


_SPRING = """
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.support.PropertySourcesPlaceholderConfigurer;

public class Look {
    public static void main(String[] words) {
        AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
        context.register(PropertySourcesPlaceholderConfigurer.class, Shop.class);
        context.refresh();
        System.out.println("has a key: " + context.getBean(Shop.class).hasKey());
    }
}
"""


def test_a_bean_of_spring_has_the_values(shop_home: Home, tmp_path: Path) -> None:
    jars = ":".join(map(str, Path("/usr/share/java").glob("spring3-[a-z]*[a-z].jar")))
    if not jars or shutil.which("javac") is None:
        pytest.skip("spring is not here")
    project = _project(tmp_path, "spring")
    (project / "Look.java").write_text(_SPRING, encoding="utf-8")
    jars += ":/usr/share/java/commons-logging.jar"
    run(["javac", "--release", "8", "-Xlint:-options", "-cp", jars, "Shop.java", "Look.java"], shop_home, project)
    look = ["java", "-cp", f"{jars}:.", "Look"]
    assert "has a key: true" in run(["envfs", "exec", "/shop/prod", "--", *look], shop_home, project)
    assert "STRIPE_KEY" in run(look, shop_home, project, status=1)
