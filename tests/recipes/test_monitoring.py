"""`envfs metrics` in the readers of others, by Prometheus itself; the board and the alerts name what there is."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.conftest import Homes
from tests.recipes.copied import PYTHON, RECIPES, TOOLS, environ_of, fill, free_port, run, tool
from tests.system.home import SECONDS, Home, eventually

FILES = RECIPES / "prometheus"
BOARD = json.loads((FILES / "grafana-envfs.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((FILES / "envfs-alerts.yml").read_text(encoding="utf-8"))
TARGETS = [target for panel in BOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [target["expr"] for target in TARGETS] + [rule["expr"] for rule in ALERTS["groups"][0]["rules"]]
_PARSE = {
    "openmetrics": "from prometheus_client.openmetrics.parser import text_string_to_metric_families as read",
    "prometheus": "from prometheus_client.parser import text_string_to_metric_families as read",
}


@pytest.fixture(scope="module")
def shared_home(new_home: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Give a home with an engine, which has all metrics there are."""
    home, engine = new_home(), tmp_path_factory.mktemp("engine")
    fill(home)
    home.envfs("store", "init", f"{engine}/store")
    home.envfs("sync", "start", f"folder:{engine}/store")
    with home.served():
        home.view("/shop/dev").read_bytes()
        home.envfs("get", "/shop/dev", "PORT", uid=54_321, status=102)
        yield home


def _metrics(home: Home, *words: str) -> str:
    return home.envfs("metrics", *words).text


def test_the_board_and_the_alerts_name_metrics_that_there_are_and_all_of_them(shared_home: Home) -> None:
    printed = set(re.findall(r"^(envfs_\w+)", _metrics(shared_home), re.MULTILINE))
    named = set(re.findall(r"envfs_\w+", " ".join(EXPRESSIONS)))
    assert named <= printed
    assert printed - named <= {"envfs_build_info", "envfs_start_time_seconds", "envfs_locked_projects"}


def test_each_panel_of_the_board_has_a_number_a_title_and_a_place_of_its_own() -> None:
    panels = BOARD["panels"]
    for key in ("id", "title", "gridPos"):
        assert len({json.dumps(panel[key]) for panel in panels}) == len(panels)
    variables = {row["name"] for row in BOARD["templating"]["list"]}
    assert {word for expression in EXPRESSIONS for word in re.findall(r"\$([a-z]+)", expression)} - {
        "labels"
    } <= variables
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)


def test_the_labels_of_expressions_are_labels_of_the_metrics(shared_home: Home) -> None:
    labels = set(re.findall(r'(\w+)="', _metrics(shared_home)))
    used = {word for expression in EXPRESSIONS for word in re.findall(r"by \((\w+)\)", expression)}
    assert used - {"instance"} <= labels


@pytest.mark.parametrize("form", _PARSE)
@pytest.mark.soak
def test_the_reader_of_prometheus_takes_each_format(shared_home: Home, tmp_path: Path, form: str) -> None:
    text = _metrics(shared_home, "-f", form, "--levels")
    (tmp_path / "text").write_text(text, encoding="utf-8")
    look = "families = list(read(open('text').read())); print(sum(len(family.samples) for family in families))"
    tool("check-jsonschema")
    printed = run([PYTHON / "python", "-c", f"{_PARSE[form]}\n{look}"], shared_home, tmp_path)
    assert int(printed) == len([line for line in text.splitlines() if line and not line.startswith("#")])


@pytest.mark.soak
def test_promtool_finds_nothing_to_mend(shared_home: Home, tmp_path: Path) -> None:
    (tmp_path / "text").write_text(_metrics(shared_home, "-f", "prometheus", "--levels"), encoding="utf-8")
    promtool = _debian("promtool")
    assert run(["sh", "-c", f"{promtool} check metrics <text 2>&1"], shared_home, tmp_path) == ""
    for name in ("envfs-alerts.yml", "prometheus.yml"):
        shutil.copy(FILES / name, tmp_path)
    assert "8 rules found" in run([promtool, "check", "rules", "envfs-alerts.yml"], shared_home, tmp_path)
    assert "SUCCESS" in run([promtool, "check", "config", "prometheus.yml"], shared_home, tmp_path)


def _debian(name: str) -> str:
    path = TOOLS / "debian/usr/bin" / name
    if not path.exists():
        pytest.skip("`make recipes` installs it")
    return str(path)


@contextmanager
def _running(words: list[str], home: Home, folder: Path) -> Iterator[None]:
    with (folder / f"{Path(words[0]).name}.log").open("w") as log:
        process = subprocess.Popen(
            words, env=environ_of(home, folder), cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(SECONDS)


def _fetched(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - of this machine
            return str(answer.read().decode())
    except OSError as error:
        return str(error)


@pytest.fixture
def port(shared_home: Home, tmp_path: Path) -> Iterator[int]:
    """Give the port where the figures are served by HTTP, as the socket of systemd has it served."""
    number = free_port()
    listen = ["systemd-socket-activate", "--accept", "--inetd", "-l", f"127.0.0.1:{number}"]
    kept = [f"--setenv={name}" for name in ("PATH", "ENVFS_HOME", "HOME")]
    with _running([*listen, *kept, str(FILES / "envfs-metrics-http")], shared_home, tmp_path):
        eventually(lambda: "envfs_up 1" in _fetched(f"http://127.0.0.1:{number}/metrics"), "the figures are served")
        yield number


def test_the_figures_are_served_by_http(shared_home: Home, port: int) -> None:
    if shutil.which("systemd-socket-activate") is None:
        pytest.skip("systemd is not here")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
        text = answer.read().decode()
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert "404" in _fetched(f"http://127.0.0.1:{port}/other")


@pytest.mark.soak
def test_prometheus_scrapes_them_and_answers_each_question_of_board_and_alerts(
    shared_home: Home, port: int, tmp_path: Path
) -> None:
    settings = yaml.safe_load((FILES / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = settings["scrape_configs"]
    job["scrape_interval"] = "1s"
    job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    shutil.copy(FILES / "envfs-alerts.yml", tmp_path)
    own = free_port()
    words = [_debian("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]

    def asked(expression: str) -> dict[str, object]:
        words = expression.replace("$instance", ".*").replace("$__rate_interval", "5m")
        query = urllib.parse.urlencode({"query": words})
        try:
            found: dict[str, object] = json.loads(_fetched(f"http://127.0.0.1:{own}/api/v1/query?{query}"))
        except ValueError:
            return {}
        return found

    with _running([*words, f"--web.listen-address=127.0.0.1:{own}"], shared_home, tmp_path):
        eventually(lambda: '"1"' in json.dumps(asked("envfs_up")), "Prometheus has scraped", 2 * SECONDS)
        for expression in EXPRESSIONS:
            assert asked(expression).get("status") == "success", expression
        up = asked("envfs_keyholder_up")
    assert '"1"' in json.dumps(up)


def test_the_file_for_node_exporter_is_written_in_one_step(shared_home: Home, tmp_path: Path) -> None:
    unit = (FILES / "envfs-metrics.service").read_text(encoding="utf-8")
    (start,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    script = start.partition("-eCc '")[2].removesuffix("'")
    (tmp_path / "envfs.prom.new").symlink_to(tmp_path / "elsewhere")  # of another user who may write there
    run(["sh", "-eCc", script], shared_home, tmp_path, {"FOLDER": str(tmp_path)})
    assert not (tmp_path / "elsewhere").exists()
    assert "envfs_up 1\n" in (tmp_path / "envfs.prom").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.glob("*.prom*")] == ["envfs.prom"]


@pytest.mark.parametrize(
    "name", ["envfs-metrics.service", "envfs-metrics.timer", "envfs-metrics-http.socket", "envfs-metrics-http@.service"]
)
def test_systemd_understands_the_units(name: str, tmp_path: Path, shared_home: Home) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    for path in FILES.glob("envfs-metrics*.*"):
        text = path.read_text(encoding="utf-8").replace("/usr/local/libexec/envfs-metrics-http", "/usr/bin/env")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", name]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False, text=True, timeout=SECONDS)
    assert name not in done.stderr, done.stderr
