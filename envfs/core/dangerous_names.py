"""Names of variables by which a program is made to run other code, or to take other files, than its caller chose.

A writer of a level may set them, and a user of that level would run the writer's code. The names
are those that the manuals of loaders, shells, interpreters, build tools and version control give for that purpose.
"""

import re

_LOADER = r"LD_\w+|DYLD_\w+|GCONV_PATH|GETCONF_DIR|GLIBC_TUNABLES|LOCPATH|NLSPATH|MALLOC_TRACE|HOSTALIASES|LOCALDOMAIN"
_SHELL = (
    r"PATH|IFS|BASH_ENV|BASH_LOADABLES_PATH|BASH_FUNC_.*|SHELLOPTS|BASHOPTS|PROMPT_COMMAND|PS[014]|FPATH|CDPATH|ZDOTDIR"
    r"|SHELL|HOME|FCEDIT"
)
_PYTHON = r"PYTHON(PATH|STARTUP|HOME|INSPECT|BREAKPOINT|USERBASE|PLATLIBDIR|WARNINGS|EXECUTABLE)|PIP_CONFIG_FILE"
_INTERPRETERS = (
    r"PERL5?(OPT|LIB|DB)|PERL_(MB|MM)_OPT|RUBY(OPT|LIB|GEMS_GEMDEPS)|GEM_(HOME|PATH)|BUNDLE_(GEMFILE|PATH)"
    r"|NODE_(OPTIONS|PATH|REPL_EXTERNAL_MODULE)|BUN_OPTIONS"
    r"|(?i:npm_config_(script_shell|shell|node_options|git|(global|user)config|prefix|init_module|editor|viewer|browser))"
    r"|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|MAVEN_(OPTS|ARGS)|GRADLE_OPTS|ANT_OPTS|SBT_OPTS"
    r"|DOTNET_(STARTUP_HOOKS|ADDITIONAL_DEPS)|(COR|CORECLR)_(ENABLE_PROFILING|PROFILER\w*)"
    r"|PHPRC|PHP_INI_SCAN_DIR|LUA_(INIT|PATH|CPATH)\w*|R_(PROFILE|ENVIRON|LIBS)(_USER)?|JULIA_(LOAD|DEPOT)_PATH"
    r"|ERL_[AZ]?FLAGS|ERL_LIBS|ELIXIR_ERL_OPTIONS|TCLLIBPATH|GUILE_LOAD(_COMPILED)?_PATH|EMACSLOADPATH|VIMINIT|EXINIT"
)
_BUILDS = (
    r"(GNU)?MAKEFLAGS|MAKEFILES|GOFLAGS|GOROOT|GOTOOLCHAIN|RUSTC(_WRAPPER|_WORKSPACE_WRAPPER)?|RUST(DOC|FLAGS)"
    r"|CARGO_HOME|CARGO_BUILD_\w+|CARGO_TARGET_\w+_(RUNNER|LINKER)|COMPILER_PATH|GCC_EXEC_PREFIX|PKG_CONFIG(_PATH|_LIBDIR)?"
    r"|CMAKE_TOOLCHAIN_FILE"
)
_GIT = (
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|EXEC_PATH|ASKPASS|EDITOR|SEQUENCE_EDITOR|PAGER|EXTERNAL_DIFF|PROXY_COMMAND"
    r"|TEMPLATE_DIR|CONFIG|CONFIG_\w+|DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|ALLOW_PROTOCOL"
    r"|PROTOCOL_FROM_USER|ATTR_\w+|SSL_\w+|TRACE\w*|REDIRECT_\w+)"
)
_PROGRAMS = (
    r"HG(RCPATH|EDITOR|MERGE)|SVN_(EDITOR|SSH)|CVS_RSH|RSYNC_RSH|EDITOR|VISUAL|((MAN|SYSTEMD_|GH_|AWS_)?PAGER)|BROWSER"
    r"|LESS(OPEN|CLOSE|KEY\w*)|(SSH|SUDO)_ASKPASS|SUDO_EDITOR|OPENSSL_(CONF|MODULES|ENGINES)|SSLKEYLOGFILE|KRB5_CONFIG"
    r"|GNUPGHOME|CURL_HOME|WGETRC|GTK_(PATH|MODULES)|QT_PLUGIN_PATH|GIO_(EXTRA|MODULE)_\w+|ENVFS_\w+"
)
_RUNS_CODE = re.compile(f"{_LOADER}|{_SHELL}|{_PYTHON}|{_INTERPRETERS}|{_BUILDS}|{_GIT}|{_PROGRAMS}")
_CONFUSES = re.compile(r"ENV|USER|LOGNAME|TZDIR|RES_OPTIONS")  # often set on purpose, and seldom for what they do


def runs_code(name: str) -> bool:
    """Tell whether a variable of that name changes which code a program runs, or where it takes it from."""
    return _RUNS_CODE.fullmatch(name) is not None


def is_dangerous(name: str) -> bool:
    """Tell whether a variable of that name does that, or changes how every program behaves."""
    return runs_code(name) or _CONFUSES.fullmatch(name) is not None
