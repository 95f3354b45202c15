"""What measures EnvFS knows it by its names of today: nobody runs it with each change."""

import subprocess
import sys

from tests.architecture.sources import ROOT

FOLDER, SCALE = ROOT / "contrib" / "bench", ROOT / "contrib" / "scale"
_LOAD = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
daemon = sys.modules["layered_daemon"]
for _, owner, names in daemon.PLACES:
    for name in names:
        getattr(owner, name)
"""


def test_all_that_measures_can_be_loaded_and_its_places_are_there() -> None:
    modules = sorted(path.stem for path in FOLDER.glob("*.py"))
    done = subprocess.run(
        [sys.executable, "-I", "-c", _LOAD, str(FOLDER), *modules], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_model_of_scale_can_be_loaded_and_works_out_a_fleet() -> None:
    load = "import sys; sys.path[:0] = sys.argv[1:]; import model, measure"
    done = subprocess.run(
        [sys.executable, "-c", load, str(SCALE), str(ROOT)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
