"""`exec` lets no level make its command run other code unasked, and tells the user of a coding agent what it gets."""

import re
from pathlib import Path

import pytest

from envfs.core.dangerous_names import runs_code
from envfs_cli.process import coding_agents
from tests.conftest import Homes
from tests.system.home import Home

_TEXT = "A=1\nPATH=/nowhere\nLD_PRELOAD=/no.so\nUSER=somebody\n"
_SAID = "envfs: error: /shop sets LD_PRELOAD, PATH, by which the command could be made to run other code\n"


@pytest.fixture(scope="module")
def dangerous(new_home: Homes, bare: Home) -> Home:
    home = new_home(bare)
    home.envfs("import", "-", "/shop", given=_TEXT)
    return home


def _try_all(home: Home) -> None:
    said = home.envfs("exec", "/shop", "--", "/bin/true", status=105).complaint
    assert said.startswith(_SAID)
    assert "--allow-dangerous" in said
    home.envfs("exec", "/shop", "--only", "A,PATH", "--", "/bin/true", status=105)
    assert home.envfs("exec", "/shop", "--only", "A,USER", "--", "sh", "-c", 'echo "$A $USER"').text == "1 somebody\n"
    allowed = home.envfs("exec", "/shop", "--allow-dangerous", "--", "/bin/sh", "-c", 'echo "$PATH"', status=None)
    assert allowed.text == "/nowhere\n"


def test_names_that_run_other_code_are_refused_without_a_daemon_and_with_one(dangerous: Home) -> None:
    _try_all(dangerous)
    with dangerous.mounted():
        _try_all(dangerous)
        for more in ("--watch", "--mask-output", "--clean-env", "--session"):
            dangerous.envfs("exec", "/shop", more, "--", "/bin/true", status=105)


def test_what_stays_as_the_caller_has_it_is_not_refused(dangerous: Home) -> None:
    words = ("exec", "/shop", "--keep-existing", "--", "sh", "-c", 'echo "$A"')
    assert dangerous.envfs(*words, environ={"LD_PRELOAD": ""}).text == "1\n"
    said = dangerous.envfs(*words, status=105).complaint
    assert "sets LD_PRELOAD, by" in said


@pytest.mark.parametrize(
    ("command", "agent"),
    [
        (("claude",), "claude"),
        (("/usr/local/bin/codex", "exec"), "codex"),
        (("npx", "-y", "@anthropic-ai/claude-code@2"), "claude"),
        (("npx", "@openai/codex"), "codex"),
        (("uvx", "--from", "aider-chat", "aider"), "aider"),
        (("npx", "vite"), ""),
        (("make", "claude"), ""),
        (("python", "goose.py"), ""),
    ],
)
def test_a_command_that_starts_an_agent_is_known(command: tuple[str, ...], agent: str) -> None:
    assert coding_agents.agent_of(command) == agent


def test_an_agent_that_gets_values_is_told_of(dangerous: Home, own_ground: Path) -> None:
    agent = own_ground / "claude"
    agent.write_text("#!/bin/sh\necho agent\n")
    agent.chmod(0o755)
    words = ("exec", "/shop", "--only", "A", "--", str(agent))
    with dangerous.mounted():
        done = dangerous.envfs(*words)
    assert done.text == "agent\n"
    assert "claude gets the values of /shop" in done.complaint
    assert "`envfs agent run /shop -- claude`" in done.complaint


def test_the_program_before_the_interpreter_leaves_the_same_agents_to_python() -> None:
    text = (Path(__file__).parents[2] / "cli/direct.c").read_text(encoding="utf-8")
    table = re.search(r"programs\[\] = \{(.*?)\};", text, re.DOTALL)
    assert table is not None
    assert set(re.findall(r'"([a-z-]+)"', table[1])) == {*coding_agents._AGENTS, *coding_agents._RUNNERS}


def test_nothing_that_envfs_gives_a_command_itself_is_refused() -> None:
    assert runs_code("ENVFS_HOME")
    assert not runs_code("OPENAI_BASE_URL")
