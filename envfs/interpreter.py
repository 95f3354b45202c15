"""The command line that starts a part of EnvFS in an interpreter of its own.

Laws: the interpreter is isolated, so nothing in the caller's folder or environment is imported. It looks for modules
where this one does, and is told so: `site`, which would find that out again, takes a third of the interpreter's start.
The collector of circles is off while the part loads itself, for modules stay: to look for garbage among them takes a
fifteenth of that.
"""

import os
import sys

_START = """\
import gc, os, sys
gc.disable()
sys.path[:] = map(os.fsdecode, {folders})
from {module} import main
raise SystemExit(main())"""


def start_command(module: str, *words: str) -> list[str]:
    """Return the command that runs `main` of a module, as `python -m` would, but without the 3.5 ms of `runpy`."""
    folders = [os.fsencode(folder) for folder in sys.path if os.path.isabs(folder)]
    return [sys.executable, "-I", "-S", "-c", _START.format(folders=folders, module=module), *words]


def pip_line(extra: str) -> str:
    """Return the line that installs an extra for this interpreter: the `pip` of PATH may be another's."""
    folder = os.path.dirname(sys.executable)
    pip = os.path.join(folder, "pip")
    is_own = os.path.exists(os.path.join(os.path.dirname(folder), "pyvenv.cfg")) and os.path.exists(pip)
    return f"{pip if is_own else 'pip'} install 'envfs[{extra}]'"
