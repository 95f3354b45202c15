"""The output of another tool's own program: it decrypts, and asks for what it needs, as its user knows it.

Law: the output is held in memory. The program's own words about a fault go to standard error as they are.
"""

import os
import shutil
import subprocess

from envfs import safe_open
from envfs.core import limits
from envfs.errors import EnvFSError, Malformed, TooLarge
from envfs_cli.process import own_variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# what to do without a program: how it is installed, or what works with a file that it wrote elsewhere
_WITHOUT = {
    "chamber": "https://github.com/segmentio/chamber has it; or import what `chamber export SERVICE` prints elsewhere",
    "direnv": "`apt install direnv` installs it; or import the .env file that the .envrc loads",
    "doppler": "https://docs.doppler.com/docs/install-cli has it; or import the file that "
    "`doppler secrets download --no-file --format json` prints elsewhere",
    "dotenvx": "`npm install -g @dotenvx/dotenvx` installs it; or where it is installed, "
    "`dotenvx decrypt --stdout -f FILE` prints a file that is imported without --from",
    "infisical": "https://infisical.com/docs/cli/overview has it; or import the file that "
    "`infisical export --format=json` prints elsewhere",
    "op": "https://developer.1password.com/docs/cli/get-started has it; or import the file that "
    "`op item get ITEM --format json` prints elsewhere",
    "pass": "`apt install pass` installs it",
    "sops": "https://getsops.io has it; or where it is installed, `sops decrypt --output-type json FILE` prints what "
    "`envfs import --from sops - /LEVEL` reads",
}


def tool_output(words: "Sequence[str]", folder: "str | None" = None, environ: "Mapping[str, str] | None" = None) -> str:
    """Return the standard output of a program.

    Args:
        words: the program, looked for in PATH, and its arguments
        folder: where it runs, or None for here
        environ: its environment, or None for that of this process

    Raises:
        EnvFSError: there is no such program, or it failed
        TooLarge: it prints more than a level can hold
        Malformed: it prints no UTF-8
    """
    if shutil.which(words[0]) is None:
        hint = _WITHOUT.get(words[0], f"install {words[0]}, or import what it exports")
        raise EnvFSError(f"there is no command {words[0]}", hint)
    given = own_variables.without_own(os.environ if environ is None else environ)
    try:
        with subprocess.Popen(list(words), stdout=subprocess.PIPE, cwd=folder, env=given) as program:
            data = program.stdout.read(limits.TEXT_BYTES + 1) if program.stdout else b""
            if len(data) > limits.TEXT_BYTES:
                program.kill()
    except OSError as error:
        raise EnvFSError(f"cannot run {words[0]}: {safe_open.error_words(error)}") from None
    if len(data) > limits.TEXT_BYTES:
        raise TooLarge(f"{words[0]} prints more than a level can hold", f"at most {limits.TEXT_BYTES} bytes a level")
    if program.returncode:
        raise EnvFSError(f"{words[0]} failed", "what it says is above")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{words[0]} prints no UTF-8 text", "keep such a value as base64") from None
