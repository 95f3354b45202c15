/* `envfs`: starts the client in a Python that nothing of the caller's changes.
 *
 * An installer writes the first line of a Python script, and leaves no room for `-I` in it. Without that flag the
 * interpreter imports modules of PYTHONPATH before any line of ours, and PYTHONHOME can keep it from starting. It also
 * ignores SIGPIPE and SIGXFSZ before any line of ours, so only a program before it knows how the caller had them.
 *
 * Two variables tell Python where its modules are, `-I` or not. They reach it under another name, and the command of
 * `exec` under their own (cli/envfs_cli/process/replacement.py).
 *
 * Laws: all else of the environment, arguments, signals and descriptors reach Python as they came; what is told beside
 * them goes in options of the interpreter.
 */

#define _GNU_SOURCE
#include "direct.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAILED 100 /* docs/cli-contract.md */
#define OPTIONS 11
#define STANDARD 3

/* Without `site`, which takes a tenth of the start, where it is known where EnvFS lies. It is asked where that is wrong. */
static const char program[] =
    "import sys\n"
    "sys.path.append('%s/lib/python%d.%d/site-packages' % (sys.executable[:-11], *sys.version_info[:2]))\n"
#ifdef CHECKOUT /* the folder of an installation that is a link to it */
    "sys.path += ['" CHECKOUT "', '" CHECKOUT "/cli']\n"
#endif
    "try:\n"
    " from envfs_cli.main import main\n"
    "except ModuleNotFoundError as error:\n"
    " if error.name != 'envfs_cli': raise\n"
    " import site\n"
    " site.main()\n"
    " from envfs_cli.main import main\n"
    "raise SystemExit(main())";
static const char careful[] = /* where Python may be one that does not look where EnvFS was put */
    "try:\n"
    " from envfs_cli.main import main\n"
    "except ModuleNotFoundError as error:\n"
    " if error.name != 'envfs_cli': raise\n"
    " import sys\n"
    " print('envfs: error: Python does not find EnvFS', file=sys.stderr)\n"
    " print('envfs: hint: install it with pipx or into a virtual environment, not with `pip install --user`',"
    " file=sys.stderr)\n"
    " raise SystemExit(100)\n"
    "raise SystemExit(main())";
static const char *const obeyed[] = {"PYTHONEXECUTABLE=", "__PYVENV_LAUNCHER__="}; /* by Python, with -I too */
static const char hidden[] = "ENVFS_HIDDEN_";

static const char private_python[] =
    "the Python of this installation may not be run by this user\n"
    "envfs: hint: install EnvFS again, on a Python for all users: /usr/bin/python3 -m venv";

static int fail(const char *what)
{
    fprintf(stderr, "envfs: error: %s\n", what);
    return FAILED;
}

/* The folder of this file, with every link on the way to it followed; 0 if it cannot be told. */
static int find_folder(char *folder)
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);

    if (length <= 0) { /* no /proc */
        const char *name = (const char *)getauxval(AT_EXECFN);

        if (!name || !realpath(name, folder))
            return 0;
    } else
        folder[length] = 0;
    *strrchr(folder, '/') = 0;
    return 1;
}

/* The interpreter of the virtual environment that this file lies in. */
static int find_in_environment(const char *folder, char *python)
{
    char marker[PATH_MAX];

    if (snprintf(marker, sizeof marker, "%s/../pyvenv.cfg", folder) >= (int)sizeof marker || access(marker, R_OK))
        return 0;
    return snprintf(python, PATH_MAX, "%s/python", folder) < PATH_MAX && !access(python, X_OK);
}

/* The interpreter that the installer wrote into the first line of the script beside this file. */
static int find_in_script(const char *folder, char *python)
{
    char path[PATH_MAX], line[PATH_MAX + 3];
    FILE *script;
    int read;

    if (snprintf(path, sizeof path, "%s/envfs-python", folder) >= (int)sizeof path || !(script = fopen(path, "re")))
        return 0;
    read = fgets(line, sizeof line, script) != NULL;
    fclose(script);
    if (!read || strncmp(line, "#!/", 3))
        return 0;
    line[strcspn(line, "\r\n")] = 0;
    strcpy(python, line + 2);
    return !access(python, X_OK);
}

static int is_ignored(int number)
{
    struct sigaction action;

    return !sigaction(number, NULL, &action) && action.sa_handler == SIG_IGN;
}

/* Python does not start with a folder as a standard stream. Put it aside, and say where: "-Xenvfs-aside=0:5,2:6". */
static int put_folders_aside(char *option)
{
    struct stat status;
    int length = 0;

    for (int number = 0; number < STANDARD; number++) {
        int copy, nothing;

        if (fstat(number, &status) || !S_ISDIR(status.st_mode))
            continue;
        copy = fcntl(number, F_DUPFD, STANDARD);
        nothing = open("/dev/null", O_PATH | O_CLOEXEC);
        if (copy < 0 || nothing < 0 || dup2(nothing, number) < 0)
            continue;
        close(nothing);
        length += sprintf(option + length, length ? ",%d:%d" : "-Xenvfs-aside=%d:%d", number, copy);
    }
    return length > 0;
}

/* The client may hold values in its memory, so it leaves no core. The command of `exec` gets the caller's limit back. */
static int forbid_core(char *option)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) || !limit.rlim_cur)
        return 0;
    sprintf(option, "-Xenvfs-core=%lld", limit.rlim_cur == RLIM_INFINITY ? -1LL : (long long)limit.rlim_cur);
    limit.rlim_cur = 0;
    return !setrlimit(RLIMIT_CORE, &limit);
}

/* The environment, in which Python finds nothing that it would obey; NULL without memory. */
static char **hide(char **environment)
{
    size_t count = 0;
    char **entries;

    while (environment[count])
        count++;
    entries = calloc(count + 1, sizeof *entries);
    for (size_t index = 0; entries && index < count; index++) {
        entries[index] = environment[index];
        for (size_t each = 0; each < sizeof obeyed / sizeof *obeyed; each++)
            if (!strncmp(environment[index], obeyed[each], strlen(obeyed[each])) &&
                asprintf(&entries[index], "%s%s", hidden, environment[index]) < 0)
                return NULL;
    }
    return entries;
}

int main(int argc, char **argv, char **environment)
{
    char folder[PATH_MAX], python[PATH_MAX], aside[80], core[40], conversation[OPTION_BYTES];
    char **words = calloc((size_t)argc + OPTIONS + 1, sizeof *words);
    const char *start = program;
    int count = 0, status = run_directly(argc, argv, environment, conversation);

    if (status >= 0)
        return status;
    if (!words || !(environment = hide(environment)))
        return fail("there is no memory to start with");
    if (!find_folder(folder))
        return fail("cannot tell where this program lies");
    if (!find_in_environment(folder, python)) {
        if (!find_in_script(folder, python))
            return fail(errno == EACCES ? private_python : "there is no Python beside this program: install EnvFS again");
        start = careful;
    }
    words[count++] = python;
    words[count++] = "-I";
    if (start == program)
        words[count++] = "-S";
    words[count++] = "-Xutf8";
    if (is_ignored(SIGPIPE))
        words[count++] = "-Xenvfs-sigpipe=ignored";
    if (is_ignored(SIGXFSZ))
        words[count++] = "-Xenvfs-sigxfsz=ignored";
    if (put_folders_aside(aside))
        words[count++] = aside;
    if (forbid_core(core))
        words[count++] = core;
    if (*conversation)
        words[count++] = conversation;
    words[count++] = "-c";
    words[count++] = (char *)start;
    for (int index = 1; index < argc; index++)
        words[count++] = argv[index];
    execve(python, words, environment);
    return fail(errno == E2BIG ? "the arguments and the environment are too large" : "Python does not start");
}
