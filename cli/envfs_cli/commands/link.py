"""`link`: a project's `.env` becomes a link to the view of a level, and the level is remembered in `.envfs.toml`.

Laws: a real `.env` is never lost: it is refused, or replaced in one step when the view has given its variables back;
what was not made by `link` is not removed by it.
"""

import errno
import os

from envfs import locations, safe_open
from envfs.core import names
from envfs.errors import AlreadyExists, EnvFSError, NoSuchLevel
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output, secrets
from envfs_cli.arguments import Mistake
from envfs_cli.daemon import client, session
from envfs_cli.folder_links import gitignore, state, state_writer, worktrees
from envfs_cli.importing import input_files
from envfs_cli.version_message import check_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.importing.adaptation import Readers

_ENV = ".env"
_LARGEST = 1 << 20
_NOTHING = "# an empty file was here\n"  # a level is created by a text


class LinkArguments(NamedTuple):
    """The arguments of `link`. If there is one word alone, it is the level and stands in `folder`."""

    folder: str | None
    level: str | None
    import_: bool
    as_: str | None
    message: str | None
    remove: bool
    hook: bool
    worktree: bool
    passphrase_file: str | None


def run_link(arguments: LinkArguments) -> int:
    """Link a folder to a level, or undo that.

    Raises:
        Mistake: no level is named
    """
    folder, level = arguments.folder or ".", arguments.level
    message = check_message(arguments.message)
    if message and not arguments.import_:
        raise Mistake("a message is for a version, and only --import writes one")
    if arguments.remove:
        return _remove(_real_folder(folder))
    if level is None:
        folder, level = ".", arguments.folder
    if arguments.hook:
        return worktrees.install_worktree_hook(level or state.linked_level())
    if level is None:
        raise Mistake("no level is named", "`envfs link /shop` links this folder to /shop")
    if arguments.worktree:
        return _link_worktree(_real_folder(folder), level, arguments)
    return _link(_real_folder(folder), names.parse_level(level), arguments)


def _link_worktree(folder: str, template: str, arguments: LinkArguments) -> int:
    # for the hook, so what is there stays, and is no error
    if os.path.lexists(f"{folder.rstrip('/')}/{_ENV}") or folder in state.remembered_folders():
        return 0
    level, above = worktrees.worktree_level(folder, template)
    asking = session.start_session(arguments.passphrase_file)
    try:
        asking.reply(control.ListLevels(level))
    except NoSuchLevel:
        if level == above:
            raise
        output.note(f"there is no level {level}, so {above} is taken")
        level = above
    finally:
        asking.close()
    return _link(folder, level, arguments)


def _real_folder(path: str) -> str:
    folder = os.path.realpath(path)
    if not os.path.isdir(folder):
        raise EnvFSError(f"there is no folder {path}", "the folder comes first, as in `envfs link . /shop`")
    return folder


def _link(folder: str, level: str, arguments: LinkArguments) -> int:
    env = f"{folder.rstrip('/')}/{_ENV}"
    _check_toml(folder)
    is_file = _check_env(env, level, importing=arguments.import_)
    if not os.access(folder, os.W_OK | os.X_OK):  # before anything is imported
        raise EnvFSError(f"{folder} cannot be written", "the link and .envfs.toml are made in it")
    asking = session.start_session(arguments.passphrase_file)
    imported = _import(env, level, asking, arguments) if is_file else None
    asking.reply(control.ListLevels(level))
    target = f"{_mount(asking)}{level.rstrip('/')}/{_ENV}"
    _put_link(env, target, imported)
    state_writer.write_toml(folder, level)
    state_writer.remember_folder(folder, state.Linked(state.folder_number(folder), level, target))
    output.done(f"{env} is the view of {level}")
    if is_file:
        _name_others(folder, level)
    if arguments.worktree:
        gitignore.exclude(folder)
    gitignore.see_to(folder)
    return 0


def _check_toml(folder: str) -> None:
    # one that does not parse, or that somebody else can write, is not ours to replace
    if os.path.lexists(state.toml_of(folder)):
        state.read_link_file(folder)


def _check_env(env: str, level: str, *, importing: bool) -> bool:
    """Tell whether there is a real file to import. Refuse whatever cannot be replaced."""
    if os.path.islink(env):
        if not state.leads_to_a_view(env, _mounts()):
            raise AlreadyExists(
                f"{env} is a link to something else", f"look at it, and remove it: `rm {shell_quoted(env)}`"
            )
        return False
    if not os.path.lexists(env):
        return False
    if not os.path.isfile(env):
        raise AlreadyExists(f"{env} is there, and is no file", "look at it, and move it aside")
    if not importing:
        raise AlreadyExists(
            f"there is a file {env}",
            f"import and replace it with `{state.link_command(os.path.dirname(env), level)}`, or import it with "
            f"`envfs import {shell_quoted(env)} {level}` and remove it",
        )
    return True


def _mounts() -> tuple[str, ...]:
    # wherever this user's views may be: a link of an earlier day leads to where they were then
    mine = client.user_locations()
    return _configured(mine.settings), mine.mount, locations.system_locations().mount


def shell_quoted(path: str) -> str:
    """Return a path as a shell takes it."""
    import shlex

    return shlex.quote(path)


def _mount(asking: session.Session) -> str:
    report = asking.reply(control.Status())
    if isinstance(report, control.StatusReport) and report.mount:
        return _by_its_link(report.mount)
    mine = client.user_locations()
    if not asking.is_private:
        return locations.system_locations().mount  # strangers are not told, and the system's is where they look
    output.note("nothing is mounted now: `envfs mount` makes the link lead somewhere")
    return _configured(mine.settings) or mine.link or mine.mount


def _by_its_link(mount: str) -> str:
    # a link in the home folder stays, wherever the mount of another session is
    link = client.user_locations().link
    return link if link and os.path.islink(link) and os.readlink(link) == mount else mount


def _configured(settings: str) -> str:
    # the daemon reads the settings as they should be read. Here a mistake costs a link that leads nowhere
    import tomllib

    try:
        text = safe_open.read_file(settings, _LARGEST, follow=True).decode()
        path = tomllib.loads(text).get("mount", {}).get("path", "")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""
    return path if isinstance(path, str) else ""


# -- a real .env -------------------------------------------------------------------------------------------------------


def _import(env: str, level: str, asking: session.Session, arguments: LinkArguments) -> tuple[int, ...]:
    """Import a file, and see that the view gives its variables back. Return what tells the file from another."""
    from envfs_cli.importing import adaptation

    stamp = _stamp(env)
    original = input_files.text_of(env)
    readers = adaptation.folder_readers(os.path.dirname(env), arguments.as_)
    text = adaptation.adapted_text(original, readers)
    if text.left:
        raise EnvFSError(
            f"{env} stays, and nothing is imported: no environment can have the name {text.left[0]}",
            f"rename it, or import the file without it: `envfs import {shell_quoted(env)} {level}`",
        )
    if text.unread:
        raise EnvFSError(
            f"{env} stays, and nothing is imported: {text.unread}",
            f"quote what has several lines, or import it without these: `envfs import {shell_quoted(env)} {level}`",
        )
    descriptor = secrets.from_bytes((text.text or _NOTHING).encode())
    try:
        written = asking.reply(control.ImportText(level, message=check_message(arguments.message)), (descriptor,))
    finally:
        os.close(descriptor)
    for note in (*text.notes, *(written.notes if isinstance(written, control.Written) else ())):
        output.note(note)
    _check_values(env, level, text.text, asking)
    _check_readers(env, level, original, readers, asking)
    return stamp


def _check_values(env: str, level: str, text: str, asking: session.Session) -> None:
    from envfs.dotenv import interpolation
    from envfs.dotenv.document import parse_document

    expected = interpolation.interpolate([parse_document(text)]).values
    reply, blob = asking.ask(control.ReadView(level, "environ", "show", (), 0))
    if isinstance(reply, control.ViewSent) and reply.masked:
        raise EnvFSError(
            f"{env} is imported, and stays: this program gets placeholders from {level}, and cannot compare the values",
        )
    given = dict(entry.decode().split("=", 1) for entry in blob.split(b"\0")[:-1])
    other = [name for name, value in expected.items() if given.get(name) != value]
    if other:
        raise EnvFSError(
            f"{env} is imported, and stays: the view of {level} gives other values for {', '.join(other)}",
            f"`envfs explain {level} {other[0]}` says why",
        )


def _check_readers(env: str, level: str, before: str, who: "Readers", asking: session.Session) -> None:
    from envfs_cli.importing import adaptation
    from envfs_cli.importing.readers import readings, table

    _, view = asking.ask(control.ReadView(level, "dotenv", "show", (), 0))
    apart = adaptation.kept_apart(before, view.decode(), who)
    if apart:
        reader = apart[0][1]
        listed = ", ".join(readings.printable_names(name for name, whose in apart if whose == reader))
        label = table.READERS[reader].label
        command = f"{state.link_command(os.path.dirname(env), level)} --as"
        other = f"`{command} {reader}`, or " if reader not in who.names else ""
        raise EnvFSError(
            f"{env} is imported, and stays: {label} would read something else from the view for {listed}",
            f"say who reads it: {other}`{command} portable` if nobody reads it so",
        )


def _name_others(folder: str, level: str) -> None:
    """Say which other files of the family stay unencrypted in the folder."""
    from envfs_cli.importing import families

    listed = [file for file in os.listdir(folder) if file.startswith(".env.") and os.path.isfile(f"{folder}/{file}")]
    stay = sorted(file for file in listed if file != families.DEFAULTS and not families.is_no_secret(file))
    left_out = {file for file, _ in families.sort_family(stay, "next").skipped}
    if left_out:
        output.note(f"unencrypted beside the link, and nothing that EnvFS imports: {', '.join(sorted(left_out))}")
    stay = [file for file in stay if file not in left_out]
    if stay:
        command = f"envfs import {shell_quoted(folder)} {level}"
        output.note(f"unencrypted beside the link: {', '.join(stay)}. `{command}` imports them to levels below {level}")


def _stamp(path: str) -> tuple[int, ...]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _put_link(env: str, target: str, before: "tuple[int, ...] | None") -> None:
    try:
        if not os.path.lexists(env):
            os.symlink(target, env)  # which replaces nothing, whoever was quicker
        else:
            _replace(env, target, before)
    except FileExistsError as error:
        raise AlreadyExists(f"another process created {error.filename2}", "nothing is replaced") from None
    except OSError as error:
        raise EnvFSError(f"cannot make {env}: {safe_open.error_words(error)}") from None


def _replace(env: str, target: str, before: "tuple[int, ...] | None") -> None:
    new = f"{os.path.dirname(env)}/.envfs-link-{os.getpid()}"
    os.symlink(target, new)
    try:
        if before is not None and _stamp(env) != before:
            raise EnvFSError(f"{env} changed while it was imported, so it stays", "try again")
        if before is None and not os.path.islink(env):
            raise FileExistsError(errno.EEXIST, "", target, None, env)
        os.rename(new, env)  # in one step: there is no moment without a .env
    except BaseException:
        os.unlink(new)
        raise


# -- undoing it --------------------------------------------------------------------------------------------------------


def _remove(folder: str) -> int:
    record = state.remembered_folders().get(folder)
    env = f"{folder.rstrip('/')}/{_ENV}"
    if record is None and not state.leads_to_a_view(env, _mounts()):
        raise EnvFSError(f"{folder} is not linked", "name the folder that is; `ls -A` shows its .envfs.toml")
    if record is None:  # moved here, or copied
        _clear(folder, os.readlink(env))
    elif record.number == state.folder_number(folder):
        _clear(folder, record.target)
    else:
        output.note(f"{folder} is not the folder that was linked: its content stays")
    state_writer.forget_folder(folder)
    output.done(f"{folder} is not linked any more")
    return 0


def _clear(folder: str, target: str) -> None:
    env, toml = f"{folder.rstrip('/')}/{_ENV}", state.toml_of(folder)
    if os.path.islink(env) and os.readlink(env) == target:
        _unlink(env)
    elif os.path.lexists(env):
        output.note(f"{env} stays: it is not the link that was made")
    if os.path.lexists(toml):
        state.read_link_file(folder)
        _unlink(toml)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        raise EnvFSError(f"cannot remove {path}: {safe_open.error_words(error)}") from None
