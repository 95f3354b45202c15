"""`exec`: become a command with a view as its environment."""

import os

from envfs.errors import Malformed, NotRunning
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli.daemon import session
from envfs_cli.level_versions import check_newest, dated_level
from envfs_cli.process import replacement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envfs_cli.daemon.new_proxies import StartedProxy

    Ask = Callable[[NamedTuple], tuple[object, bytes]]

_GRACE = 10  # seconds
_LARGE = 100_000  # bytes of a view: from here on the kernel may not take it as an environment
_FILES = ".vars"  # the folder of a level in the mount, with a file for each variable
_MOUNT = "start one for all with `envfs mount`"


class ExecArguments(NamedTuple):
    """The arguments of `exec`."""

    level: str
    command: tuple[str, ...]
    only: tuple[str, ...]
    session: bool
    ttl: int | None
    max_reads: int | None
    can: tuple[str, ...]
    reason: str | None
    proxy: bool
    plain: tuple[str, ...]
    fence: bool
    fence_best_effort: bool
    writable: tuple[str, ...]
    mask_output: bool
    watch: bool
    grace: int | None
    keep_existing: bool
    clean_env: bool
    allow_dangerous: bool
    explain: bool
    passphrase_file: str | None
    json: bool


def run_exec(arguments: ExecArguments) -> int:
    """Fetch the view, then replace this process by the command: its exit status and signals are its own.

    Raises:
        Mistake: there are limits for a token, and no token
    """
    if not arguments.session and (arguments.ttl or arguments.max_reads is not None or arguments.can):
        from envfs_cli.arguments import Mistake

        raise Mistake("--ttl, --max-reads and --can are the limits of a token", "--session makes one")
    if arguments.plain and not arguments.proxy:
        from envfs_cli.arguments import Mistake

        raise Mistake("--plain says what is not hidden from a command behind a proxy", "--proxy starts one")
    is_fenced = arguments.fence or arguments.fence_best_effort
    if arguments.mask_output and (arguments.proxy or is_fenced or arguments.watch):
        from envfs_cli.arguments import Mistake

        raise Mistake("--mask-output goes with neither --proxy, --fence nor --watch", "leave it out, or them")
    view = _View(arguments)
    if arguments.explain or arguments.json:
        return _explain(arguments, view)
    if is_fenced:
        return _fenced(arguments, view)
    if arguments.writable:
        from envfs_cli.arguments import Mistake

        raise Mistake("--writable names what a fenced command may write to", "--fence makes a fence")
    if arguments.proxy:
        return _behind_proxy(arguments, view)
    if arguments.watch:
        check_newest(view.dated, "a version of the past never changes, so there is nothing to watch")
        return _watch(arguments, view)
    link = session.start_session(arguments.passphrase_file)
    variables = view.fetch(link.ask)
    if arguments.session:
        variables = view.with_token(link, variables)
    link.close()
    return view.become_command(variables)


def _explain(arguments: ExecArguments, view: "_View") -> int:
    from envfs_cli.arguments import Mistake
    from envfs_cli.replies import variable_sources

    if not arguments.explain:
        raise Mistake("a command prints what it prints", "--json goes with --explain")
    if arguments.proxy:
        raise Mistake("--explain says nothing of a proxy", "leave out one of the two")
    if arguments.fence or arguments.fence_best_effort:
        raise Mistake("--explain says nothing of a fence", "leave out one of the two")
    choice = variable_sources.EnvironmentChoice(
        arguments.only, arguments.keep_existing, arguments.clean_env, arguments.session, arguments.allow_dangerous
    )
    asking = session.start_session(arguments.passphrase_file)
    sources = variable_sources.variable_sources(asking, view.dated, choice)
    variable_sources.print_sources(sources, as_json=arguments.json)
    return 0


def _entries_of(arguments: ExecArguments) -> "Callable[[Sequence[bytes], bytes], list[bytes]] | None":
    if not (arguments.keep_existing or arguments.clean_env):
        return None
    from envfs_cli.process import chosen_environment

    return chosen_environment.entries_by(keeps_existing=arguments.keep_existing, is_clean=arguments.clean_env)


def _behind_proxy(arguments: ExecArguments, view: "_View") -> int:
    from envfs_cli.daemon import new_proxies

    inherited = new_proxies.named_entries(replacement.inherited_entries())
    variables = new_proxies.proxied_variables(_opened(arguments, view), inherited)
    return replacement.become_command(arguments.command, variables)


def _opened(arguments: ExecArguments, view: "_View") -> "StartedProxy":
    from envfs_cli.arguments import Mistake
    from envfs_cli.daemon import new_proxies

    if arguments.watch or arguments.session:
        raise Mistake("--proxy goes with neither --watch nor --session", "leave it out, or them")
    if arguments.keep_existing or arguments.clean_env:
        raise Mistake("--proxy makes an environment of its own", "leave out --keep-existing and --clean-env")
    check_newest(view.dated, "a proxy sends values as they are now")
    shown = new_proxies.ShownVariables(arguments.only, arguments.plain, arguments.allow_dangerous)
    why = session.given_reason(arguments.reason)
    return new_proxies.start_proxy(view.dated[0], shown, why, arguments.passphrase_file)


def _fenced(arguments: ExecArguments, view: "_View") -> int:
    from envfs_cli.arguments import Mistake
    from envfs_cli.fencing import starting

    if arguments.watch or arguments.session:
        raise Mistake("--fence goes with neither --watch nor --session", "leave it out, or them")
    fence = starting.prepare_fence(arguments.command, arguments.writable, is_best_effort=arguments.fence_best_effort)
    if arguments.proxy:
        return fence.run(_opened(arguments, view), view.dated[0])
    link = session.start_session(arguments.passphrase_file)
    variables = view.fetch(link.ask)
    link.close()
    return fence.run_with(variables, _entries_of(arguments))


def _watch(arguments: ExecArguments, view: "_View") -> int:
    from envfs_cli.watch import watcher

    grace = arguments.grace or _GRACE
    become = view.become_session if arguments.session else view.become_command
    return watcher.watch_command(watcher.Watched(arguments.level, view.fetch, become, grace, arguments.passphrase_file))


class _View:
    """The view that the command gets, whether its values are placeholders, and which folder has a file for each."""

    def __init__(self, arguments: ExecArguments) -> None:
        self._arguments = arguments
        self.dated = dated_level(arguments.level)
        self._is_masked = False
        self._placeholders: bytes | None = None
        self._folder = ""  # of the mount, with a file for each value

    def fetch(self, ask: "Ask") -> bytes:
        """Return the variables that the command is to have: NAME=value, each ended by a NUL.

        A reference to a name that no level sets is completed from the environment that the command is going to have.
        """
        why = session.given_reason(self._arguments.reason)
        level, version, moment = self.dated
        request = control.ReadView(level, "exec", "exec", self._arguments.only, version, reason=why, moment=moment)
        try:
            reply, view = ask(request)
        except Malformed:  # such as a name that is required: the environment may have it
            reply, view = ask(request._replace(dialect="inheriting"))
        self._is_masked = isinstance(reply, control.ViewSent) and reply.masked
        if isinstance(reply, control.ViewSent) and reply.dangerous and not self._arguments.allow_dangerous:
            self._refuse_dangerous(level, reply.dangerous)
        if self._arguments.mask_output and not self._is_masked:
            self._placeholders = ask(request._replace(format="environ", masked=True))[1]
        variables, _, opened = view.partition(b"\0\0")
        if opened:
            from envfs_cli.process import environment_references

            view = environment_references.complete_entries(variables + b"\0", opened, self._environ())
        if len(view) > _LARGE and not (version or moment or self._is_masked):
            report, _ = ask(control.Status())
            if isinstance(report, control.StatusReport) and report.mount:
                self._folder = f"{report.mount}{level.rstrip('/')}/{_FILES}"
        return view

    def _refuse_dangerous(self, level: str, dangerous: "tuple[str, ...]") -> None:
        from envfs_cli.process import dangerous_variables

        present = self._environ() if self._arguments.keep_existing else ()  # these stay as they are
        dangerous_variables.refuse_dangerous(level, [name for name in dangerous if name.encode() not in present])

    def _environ(self) -> "Mapping[bytes, bytes]":
        if not self._arguments.clean_env:
            return os.environb
        from envfs_cli.process import chosen_environment

        return {name: value for name, value in os.environb.items() if chosen_environment.is_of_basis(name)}

    def with_token(self, asking: session.Session, variables: bytes) -> bytes:
        """Return the variables with a token for the command, which ends with it.

        Raises:
            NotRunning: this process shares a daemon that nobody else can ask
        """
        from envfs_cli.daemon import new_tokens
        from envfs_cli.replies import written

        if session.shared_link() is not None:
            raise NotRunning("this shell's daemon is its own, so no command could ask by a token", _MOUNT)
        given = self._arguments
        limits = new_tokens.TokenLimits(given.level, given.ttl or 0, given.only, given.max_reads, given.can)
        token, reply = new_tokens.make_token(asking, limits, session=True)
        written.print_notes(reply)
        return new_tokens.hand_over(token, variables)

    def become_session(self, variables: bytes) -> int:
        """As `become_command`, with a token that this process makes for itself."""
        link = session.start_session(self._arguments.passphrase_file)
        variables = self.with_token(link, variables)
        link.close()
        return self.become_command(variables)

    def become_command(self, variables: bytes) -> int:
        """Become the command, and say before if its variables are placeholders: once for each start."""
        if self._is_masked:
            from envfs_cli.replies import masked

            masked.note_masked()
        else:
            from envfs_cli.process import coding_agents

            coding_agents.note_values(self._arguments.command, self.dated[0])
        command, shown, entries_of = self._arguments.command, variables, _entries_of(self._arguments)
        if len(variables) > _LARGE:
            from envfs_cli.process import large_environment

            given = large_environment.Given(self._arguments.keep_existing, self._arguments.clean_env, self._folder)
            shown, entries_of = large_environment.with_files(
                command, variables, given, allow_dangerous=self._arguments.allow_dangerous
            )

        def become() -> int:
            return replacement.become_command(command, shown, entries_of)

        if self._placeholders is None:
            return become()
        from envfs_cli.masked_output import replacements, running

        return running.run_masked(become, replacements.replacements(variables, self._placeholders))
