"""A browser is started: what it needs is asked for at the terminal before the screen is filled."""

import asyncio
import os
import signal
import sys

from envfs.core import names
from envfs.errors import EnvFSError
from envfs.protocol import control
from envfs_cli.browser import terminal_kind
from envfs_cli.browser.application import Browser
from envfs_cli.browser.asker import DaemonAsker
from envfs_cli.browser.bindings import bind_keys
from envfs_cli.browser.runner import CommandRunner
from envfs_cli.browser.signs import choose_signs
from envfs_cli.browser.state import BrowserState
from envfs_cli.daemon import client, session
from envfs_cli.folder_links import state as folder_state
from envfs_cli.shell import private_daemon
from envfs_cli.shell.endings import end_by


def run_browser(level: "str | None", passphrase_file: "str | None") -> int:
    """Run the browser until the person leaves. Return its exit status.

    Raises:
        EnvFSError: there is no terminal that could show it, or no vault, or it does not open
    """
    terminal_kind.check_screen()
    first = names.parse_level(level) if level is not None else _level_of_folder()
    is_kept = os.path.exists(client.user_locations().vault) and private_daemon.hold_daemon()
    try:
        asking = session.start_session(passphrase_file)
        asking.rows(control.ListLevels(first))  # what is locked is unlocked, and a level that is not there refused
        if is_kept:
            _unlock(asking)
        else:
            asking.close()
        return _run(first, passphrase_file, is_kept=is_kept)
    finally:
        private_daemon.release_daemon()


def _unlock(asking: session.Session) -> None:
    # nobody else's keys are in a private daemon, so there is nothing to see before
    report = asking.reply(control.Status())
    if isinstance(report, control.StatusReport) and not report.unlocked:
        asking.unlock()


def _level_of_folder() -> str:
    try:
        return folder_state.linked_level()
    except EnvFSError:
        return names.ROOT


def _run(level: str, passphrase_file: "str | None", *, is_kept: bool) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a key of the browser, until it has the terminal
    browser_state = BrowserState(choose_signs(sys.stdout.encoding), level)

    async def run() -> "tuple[int, int]":
        browser = Browser(
            browser_state, DaemonAsker(keeps_vault=is_kept), CommandRunner(passphrase_file, keeps_vault=is_kept)
        )
        bind_keys(browser)
        return await browser.run_until_left(), browser.ended_by

    status, signalled = asyncio.run(run())
    if signalled:
        private_daemon.release_daemon()
        end_by(signalled)
    return status
