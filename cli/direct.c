/* `envfs exec LEVEL [--only NAMES] -- COMMAND` and `envfs get LEVEL NAME` without an interpreter, whose start takes
 * longer than all else. What a completion script asks for is in `completion.c`.
 *
 * Of the protocol (docs/protocol.md) this knows one question and one answer: a view with its values, as it is now.
 * The client in Python is the reference. Whatever is not that question or that answer is left to it: another line,
 * an option, a token, a reason, a refusal, a person who decides, a command that does not start. Nothing is asked twice
 * for that: Python gets the connection, and a file in memory with what was said on it by both sides.
 *
 * Laws: nothing is printed or changed before the whole answer is here. A value is in the memory of this process, and of
 * the Python that takes over.
 */

#define _GNU_SOURCE
#include "direct.h"
#include "completion.h"
#include "conversation.h"
#include "view_request.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PYTHON (-1)
#define FAILED 100 /* docs/cli-contract.md */
#define MOST_COMPARED 100000000
#define ENTRY_BYTES (1 << 17) /* with its NUL, of an environment: what is longer comes by a file */
#define LEVEL_BYTES 1024 /* a longer one may be right, but not here */

static const char level_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/";
static const char list_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_,";
static const char own_prefix[] = "ENVFS_";
static const char *const harmless[] = {"ENVFS_HOME=", "ENVFS_PASSPHRASE_FILE=", "ENVFS_PROJECT_PASSPHRASE_FILE="};

/* -- what is taken on -- */

static int is_of(const char *text, const char *allowed)
{
    return *text && !text[strspn(text, allowed)];
}

/* Of a coding agent, or of what may start one (envfs_cli/process/coding_agents.py): its user is told of the values. */
static int is_of_agent(const char *word)
{
    static const char *const programs[] = {
        "aider", "amp",  "auggie",    "claude",    "cline",    "codex", "copilot", "crush", "cursor-agent", "droid",
        "gemini", "goose", "grok",    "kilocode",  "kimi",     "opencode", "openhands", "plandex", "qwen", "vibe",
        "bunx",  "npx",  "pipx",      "pnpm",      "pnpx",     "uvx",   "yarn"};
    const char *slash = strrchr(word, '/'), *name = slash ? slash + 1 : word;

    for (size_t index = 0; index < sizeof programs / sizeof *programs; index++)
        if (!strcmp(name, programs[index]))
            return 1;
    return 0;
}

/* Names with a comma between each two, as they stand in a request. One that stands there twice is Python's. */
static int are_names(const char *text)
{
    if (!is_of(text, list_bytes) || strlen(text) > LIST_BYTES || text[0] == ',' || text[strlen(text) - 1] == ',')
        return 0;
    for (const char *name = text; name; name = strchr(name, ',')) {
        size_t length = strcspn(name += *name == ',', ",");

        for (const char *other = name + length; *other; other += 1 + strcspn(other + 1, ","))
            if (!length || (strcspn(other + 1, ",") == length && !strncmp(other + 1, name, length)))
                return 0;
    }
    return 1;
}

static int read_line(int count, char **words, struct line *line)
{
    int at = 3;

    if (count < 4 || words[2][0] != '/' || !is_of(words[2], level_bytes) || strlen(words[2]) > LEVEL_BYTES)
        return 0;
    *line = (struct line){words[2], NULL, NULL};
    if (!strcmp(words[1], "get") && count == 4 && !strchr(words[3], ','))
        line->names = words[3];
    else if (!strcmp(words[1], "exec")) {
        if (count > 5 && !strcmp(words[3], "--only")) {
            line->names = words[4];
            at = 5;
        }
        if (count > at + 1 && !strcmp(words[at], "--") && words[at + 1][0] && !is_of_agent(words[at + 1]))
            line->command = words + at + 1;
    }
    return (line->command || (line->names && at == 3)) && (!line->names || are_names(line->names));
}

/* A variable of ours that is not known here may change what is asked, or how. */
static int is_plain_environment(char **environment)
{
    for (; *environment; environment++) {
        int known = strncmp(*environment, own_prefix, strlen(own_prefix)) != 0;

        for (size_t index = 0; !known && index < sizeof harmless / sizeof *harmless; index++)
            known = !strncmp(*environment, harmless[index], strlen(harmless[index]));
        if (!known)
            return 0;
    }
    return 1;
}

/* Closed streams, folders and streams that do not wait take more care than there is here. */
static int are_plain_streams(void)
{
    struct stat status;

    for (int number = 0; number < 3; number++)
        if (fstat(number, &status) || S_ISDIR(status.st_mode))
            return 0;
    return !(fcntl(1, F_GETFL) & (O_NONBLOCK | O_PATH));
}

/* -- what is done with the view -- */

static size_t name_length(const char *entry)
{
    const char *equals = strchr(entry, '=');

    return equals ? (size_t)(equals - entry) + 1 : 0;
}

/* The environment with the view over it, as envfs_cli/process/replacement.py makes it. NULL if Python has to look. */
static char **lay_over(char **environment, char *view, size_t size)
{
    size_t count = 0, fresh = 0, entries = 0;
    char **result, **over, *taken;

    while (environment[count])
        count++;
    for (char *at = view; at < view + size; at += strlen(at) + 1, fresh++)
        if (name_length(at) < 2 || strlen(at) >= ENTRY_BYTES)
            return NULL; /* no variable: what the environment is to complete begins behind it. Or one for a file */
    result = calloc(count + fresh + 1, sizeof *result);
    over = calloc(fresh + 1, sizeof *over);
    taken = calloc(fresh + 1, 1);
    if (!result || !over || !taken)
        return NULL;
    if (count > MOST_COMPARED / (fresh + 1))
        return NULL; /* each is compared with each */
    fresh = 0;
    for (char *at = view; at < view + size; at += strlen(at) + 1)
        over[fresh++] = at;
    for (size_t index = 0; index < count; index++) {
        size_t length = name_length(environment[index]), match = 0;

        while (match < fresh && (!length || strncmp(over[match], environment[index], length)))
            match++;
        if (match == fresh)
            result[entries++] = environment[index];
        else if (!taken[match]) {
            taken[match] = 1;
            result[entries++] = over[match];
        }
    }
    for (size_t index = 0; index < fresh; index++)
        if (!taken[index])
            result[entries++] = over[index];
    return result;
}

/* Returns if the command does not start: Python finds out why, or has it run by a shell. */
static void become_command(char **command, char **entries)
{
    const char *folders = "/bin:/usr/bin"; /* as execvp(3) */
    char path[PATH_MAX];

    if (strchr(command[0], '/')) {
        execve(command[0], command, entries);
        return;
    }
    for (char **entry = entries; *entry; entry++)
        if (!strncmp(*entry, "PATH=", 5)) {
            folders = *entry + 5;
            break;
        }
    for (;;) {
        int length = (int)strcspn(folders, ":");

        if (snprintf(path, sizeof path, "%.*s/%s", length ? length : 1, length ? folders : ".", command[0]) >= PATH_MAX)
            return;
        execve(path, command, entries);
        if ((errno != ENOENT && errno != ENOTDIR) || !folders[length])
            return;
        folders += length + 1;
    }
}

/* Print a value, with a line end if it has none or a terminal shows it. */
static int print_value(char *value, size_t size)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN}, before;
    struct iovec parts[] = {{value, size}, {(char *)"\n", value[size - 1] != '\n' || isatty(1)}};
    size_t whole = size + parts[1].iov_len;
    ssize_t written;

    if (whole > PIPE_BUF) /* a shorter one is written whole or not at all, and Python says why not */
        return PYTHON;
    sigaction(SIGPIPE, &ignored, &before);
    written = writev(1, parts, 2);
    sigaction(SIGPIPE, &before, NULL);
    if (written < 0 || (size_t)written == whole)
        return written < 0 ? PYTHON : 0;
    fprintf(stderr, "envfs: error: cannot write to standard output: it took a part\n"); /* a file system that is full */
    return FAILED;
}

/* Returns a status, or that Python has to do it. Does not return if this process became the command. */
static int use_view(const struct line *line, char *view, size_t size, char **environment)
{
    char **entries;

    if (!line->command)
        return print_value(view, size);
    if (!view[size - 1] && (entries = lay_over(environment, view, size)))
        become_command(line->command, entries);
    return PYTHON;
}

static int read_view(int count, char **words, char **environment)
{
    struct line line;
    size_t size;
    char *view;

    if (!read_line(count, words, &line) || !ask_for_view(&line) || !(view = hear_view(&line, &size)))
        return PYTHON;
    return use_view(&line, view, size, environment);
}

int run_directly(int count, char **words, char **environment, char *option)
{
    int status = PYTHON;

    *option = 0;
    if (count < 3 || !is_plain_environment(environment) || !are_plain_streams())
        return PYTHON;
    if (!strcmp(words[1], "__complete"))
        status = complete(count, words);
    else if (!strcmp(words[1], "exec") || !strcmp(words[1], "get"))
        status = read_view(count, words, environment);
    if (status == PYTHON)
        hand_over(option);
    return status;
}
