"""The editors: which one a person wants, and how each is kept from writing copies of a text elsewhere.

Law: an editor that hands the file to another process is refused. That one would not see the folder in memory, and keeps
copies on the disk that no option of its command line turns off.
"""

import os
import shlex
import shutil

from envfs.errors import EnvFSError
from envfs_cli import output

_USUAL = ("editor", "nano", "vim", "vi")
_VIM = ("-n", "-i", "NONE", "--cmd", "set nomodeline", "-c", "silent! set nobackup nowritebackup noundofile noswapfile")
_NO_FILES = "make-backup-files auto-save-default auto-save-list-file-prefix create-lockfiles enable-local-variables"
_EMACS = ("--eval", f"(setq backup-inhibited t {_NO_FILES.replace(' ', ' nil ')} nil)")
_ELSEWHERE = ("code", "code-insiders", "codium", "cursor", "subl", "atom", "zed", "emacsclient", "gedit", "kate")
_NAME_ONE = "name one in VISUAL or EDITOR, such as nano"
_WITHOUT_COPIES = ("ed", "ex", "vi", "nvi", "busybox")


def wanted_editor() -> "list[str]":
    """Return the words of the editor's command: of VISUAL, of EDITOR, or a usual one that is there.

    Raises:
        EnvFSError: there is none, or it edits in another process
    """
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    try:
        words = shlex.split(named) if named else [name for name in _USUAL if shutil.which(name)][:1]
    except ValueError:
        raise EnvFSError("the command in VISUAL or EDITOR has a quote that is not closed", _NAME_ONE) from None
    if not words or not words[0]:
        raise EnvFSError("there is no editor", _NAME_ONE)
    if os.path.basename(words[0]) in _ELSEWHERE:
        raise EnvFSError(
            f"{os.path.basename(words[0])} opens files in another process, which keeps copies of them on the disk",
            "name an editor of the terminal in VISUAL, such as vim or nano",
        )
    return words


def editor_command(words: "list[str]", path: str, line: int = 1, column: int = 1) -> "list[str]":
    """Return the command that opens a file at a place, and keeps no copy of it elsewhere."""
    name = _name(words[0])
    if "vim" in name:
        front = ("-f",) if name.startswith("g") else ()
        return [*words, *front, *_VIM, f"+call cursor({line},{column})", path]
    if name == "nano":
        return [*words, "--ignorercfiles", f"+{line},{column}", path]
    if name.startswith("emacs"):
        return [*words, *_EMACS, f"+{line}:{column}", path]
    if name not in _WITHOUT_COPIES:
        output.note(f"the file is in memory; whether {os.path.basename(words[0])} keeps copies elsewhere is not known")
    return [*words, path]


def _name(word: str) -> str:
    # `vi` and `editor` are links to what there is
    return os.path.basename(os.path.realpath(shutil.which(word) or word))
