"""Names by which a program is made to run other code."""

import pytest

from envfs.core.dangerous_names import is_dangerous, runs_code

_RUN = (
    *("LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "GCONV_PATH", "GLIBC_TUNABLES"),
    *("PATH", "IFS", "BASH_ENV", "BASH_FUNC_ls%%", "SHELLOPTS", "PS4", "PROMPT_COMMAND", "HOME", "SHELL", "ZDOTDIR"),
    *(
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONHOME",
        "PYTHONWARNINGS",
        "PYTHONBREAKPOINT",
        "PERL5OPT",
        "PERL5LIB",
        "RUBYOPT",
    ),
    *(
        "NODE_OPTIONS",
        "NODE_PATH",
        "npm_config_script_shell",
        "NPM_CONFIG_SCRIPT_SHELL",
        "JAVA_TOOL_OPTIONS",
        "CLASSPATH",
    ),
    *("DOTNET_STARTUP_HOOKS", "CORECLR_PROFILER_PATH", "PHPRC", "LUA_INIT_5_4", "R_PROFILE", "ERL_AFLAGS", "VIMINIT"),
    *("MAKEFLAGS", "GOFLAGS", "RUSTC_WRAPPER", "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", "PKG_CONFIG_PATH"),
    *(
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_KEY_0",
        "GIT_DIR",
        "GIT_ASKPASS",
        "GIT_EXTERNAL_DIFF",
    ),
    *("EDITOR", "PAGER", "MANPAGER", "LESSOPEN", "BROWSER", "SSH_ASKPASS", "OPENSSL_CONF", "WGETRC", "ENVFS_HOME"),
    *("XDG_CONFIG_HOME", "PS2", "PYTEST_ADDOPTS", "_JAVA_OPTIONS", "TAR_OPTIONS", "RSYNC_CONNECT_PROG", "KUBE_EDITOR"),
    *("PSQL_PAGER", "SUDO_ASKPASS", "FZF_DEFAULT_COMMAND", "KUBECTL_EXTERNAL_DIFF", "CCACHE_PREFIX", "ANSIBLE_CONFIG"),
)
_HARMLESS = (
    *("DATABASE_URL", "MY_PATH", "LD", "PATH_TO_X", "USERNAME", "NODE_ENV", "PORT", "DEBUG", "JAVA_HOME", "TZ", "LANG"),
    *(
        "GIT_TOKEN",
        "GIT_SHA",
        "GIT_AUTHOR_NAME",
        "NPM_TOKEN",
        "NPM_CONFIG_REGISTRY",
        "PIP_INDEX_URL",
        "GOPROXY",
        "GITHUB_TOKEN",
    ),
    *(
        "PAGER_DUTY_KEY",
        "EDITOR_URL",
        "SHELL_COLOR",
        "HOMEPAGE",
        "PYTHON_ENV",
        "PYTHONUNBUFFERED",
        "LESS",
        "HTTPS_PROXY",
    ),
    *("JAVA_OPTIONS_URL", "ANSIBLE_VAULT_PASSWORD", "CMAKE_VERSION", "KUBE_TOKEN", "BROWSER_KEY", "XDG_RUNTIME_DIR"),
)


@pytest.mark.parametrize("name", _RUN)
def test_names_that_change_programs_run_code(name: str) -> None:
    assert runs_code(name)
    assert is_dangerous(name)


@pytest.mark.parametrize("name", _HARMLESS)
def test_others_do_not(name: str) -> None:
    assert not is_dangerous(name)


@pytest.mark.parametrize("name", ["ENV", "USER", "LOGNAME"])
def test_names_that_confuse_are_said_to_be_dangerous_and_refused_to_nobody(name: str) -> None:
    assert is_dangerous(name)
    assert not runs_code(name)
