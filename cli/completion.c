/* `envfs __complete level|here|project|name WORD` without an interpreter, for somebody types meanwhile.
 *
 * Of the protocol (docs/protocol.md) this knows two questions, for levels and for the names of a view, and their rows.
 * The client in Python is the reference (envfs_cli/commands/complete.py, level_paths.py). Whatever is not those
 * questions or those rows is left to it: versions, a folder that is linked, a refusal, a level that is damaged.
 *
 * Laws: nothing is printed before the whole answer is here. Without one in a second there is nothing to offer.
 */

#define _GNU_SOURCE
#include "completion.h"
#include "conversation.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define PYTHON (-1)
#define FAILED 100 /* docs/cli-contract.md */
#define PIPE_CLOSED 141
#define SECONDS 1
#define COMPONENT_BYTES 64 /* docs/format.md */
#define DEPTH 16
#define WORD_BYTES (1 + DEPTH * (COMPONENT_BYTES + 1))

static const char word_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/";
static const char time_bytes[] = "0123456789-:.TZ";
static const char digits[] = "0123456789";
static const char list_levels[] = "{\"type\":\"list-levels\",\"level\":\"/\",\"removed\":false}";
static const char no_more[] = "{\"type\":\"done\",\"notes\":[]}";

/* A word that may be completed: what stands before it on the line, and how it begins. */
struct typed {
    const char *before, *below, *begin;
    size_t before_bytes, below_bytes; /* `below`: what the level above it begins with, without a slash at its ends */
};

struct offer {
    const char *text;
    size_t length;
    int goes_on; /* there are levels below it */
};

struct offers {
    struct offer *each;
    size_t count;
};

/* -- what is taken on -- */

/* The beginning of a level, or a whole one, each component of which may be one. Others take more care. */
static int is_plain(const char *word)
{
    size_t depth = 0, length;

    for (const char *at = word + (*word == '/'); *at; at += length + (at[length] == '/')) {
        length = strcspn(at, "/");
        if (!length || length > COMPONENT_BYTES || ++depth > DEPTH || *at == '.' || *at == '-')
            return 0;
    }
    return !word[strspn(word, word_bytes)];
}

static struct typed split(const char *word)
{
    const char *slash = strrchr(word, '/');
    struct typed typed = {word, word + (*word == '/'), slash ? slash + 1 : word, 0, 0};

    typed.before_bytes = (size_t)(typed.begin - word);
    if (slash && slash > typed.below)
        typed.below_bytes = (size_t)(slash - typed.below);
    return typed;
}

/* The question for the names of a view: of LEVEL@VERSION those of now. NULL if Python has to look. */
static char *request_for_names(const char *word)
{
    char level[WORD_BYTES + 2] = "/", *request;
    size_t length = strcspn(word, "@"), slash = *word != '/';

    if (!length || length > WORD_BYTES)
        return NULL;
    memcpy(level + slash, word, length);
    length += slash;
    level[length] = 0;
    if (!is_plain(level))
        return NULL;
    if (length > 1 && level[length - 1] == '/')
        level[length - 1] = 0;
    if (asprintf(&request, "{\"type\":\"list-variables\",\"level\":\"%s\",\"version\":0,\"moment\":\"\"}", level) < 0)
        return NULL;
    return request;
}

/* -- the answer -- */

static int is_no_more(size_t start, size_t end)
{
    return end - start == HEAD + strlen(no_more) && !memcmp(heard_at(start + HEAD), no_more, strlen(no_more));
}

/* Hear all rows. Returns where the first one begins, with their number and their end. 0 if there is no whole answer. */
static size_t hear_rows(size_t *count, size_t *end)
{
    size_t first = hear_greeting(), next;

    for (*count = 0, *end = first; *end && (next = hear_frame(*end)); *end = next, ++*count)
        if (is_no_more(*end, next))
            return is_all(next) ? first : 0;
    return 0;
}

/* The text of a row's first field, or a length of 0 if it is no row of that kind. */
static struct offer read_row(const char *at, const char *end, int is_name)
{
    struct offer offer = {NULL, 0, 0};
    const char *text;

    if (!skip(&at, end, is_name ? "{\"type\":\"variable-row\",\"name\":\"" : "{\"type\":\"level-row\",\"level\":\""))
        return offer;
    text = at;
    skip_all(&at, end, word_bytes);
    offer.length = (size_t)(at - text);
    if (is_name ? skip(&at, end, "\",\"level\":\"") && skip_all(&at, end, word_bytes) && skip(&at, end, "\"}")
                : skip(&at, end, "\",\"version\":") && skip_all(&at, end, digits) && skip(&at, end, ",\"time\":\"") &&
                      skip_all(&at, end, time_bytes) && skip(&at, end, "\",\"allowed\":") &&
                      (skip(&at, end, "true}") || skip(&at, end, "false}")))
        offer.text = at == end ? text : NULL;
    if (!offer.text)
        offer.length = 0;
    return offer;
}

/* Read the rows, of which `offers` takes what they are about. 0 if Python has to read them. */
static int read_rows(struct offers *offers, int is_name)
{
    size_t count, end, at = hear_rows(&count, &end);

    if (!at || !(offers->each = calloc(count + 1, sizeof *offers->each)))
        return 0;
    for (offers->count = 0; at < end; offers->count++) {
        size_t next = hear_frame(at);

        offers->each[offers->count] = read_row(heard_at(at + HEAD), heard_at(next), is_name);
        if (!offers->each[offers->count].length)
            return 0;
        at = next;
    }
    return 1;
}

/* -- what is offered -- */

static int compare(const void *left, const void *right)
{
    const struct offer *one = left, *other = right;
    size_t shorter = one->length < other->length ? one->length : other->length;
    int order = memcmp(one->text, other->text, shorter);

    return order ? order : (one->length > other->length) - (one->length < other->length);
}

/* Make of a level its component right below the one that was typed. 0 if it is not below that, or begins otherwise. */
static int narrow(struct offer *level, const struct typed *typed)
{
    const char *at = level->text, *end = at + level->length;
    size_t begin = strlen(typed->begin);

    if (at == end || *at++ != '/')
        return 0;
    if (typed->below_bytes) {
        if ((size_t)(end - at) <= typed->below_bytes || memcmp(at, typed->below, typed->below_bytes) ||
            at[typed->below_bytes] != '/')
            return 0;
        at += typed->below_bytes + 1;
    }
    level->text = at;
    while (at < end && *at != '/')
        at++;
    level->length = (size_t)(at - level->text);
    level->goes_on = at < end;
    return level->length && level->length >= begin && !memcmp(level->text, typed->begin, begin);
}

/* Leave of levels what the word may go on to: each once, in order. */
static void narrow_all(struct offers *offers, const struct typed *typed)
{
    struct offer *each = offers->each;
    size_t count = 0, last = 0;

    for (size_t index = 0; index < offers->count; index++)
        if (narrow(&each[index], typed))
            each[count++] = each[index];
    qsort(each, count, sizeof *each, compare);
    for (size_t index = 1; index < count; index++)
        if (compare(&each[last], &each[index]))
            each[++last] = each[index];
        else
            each[last].goes_on |= each[index].goes_on;
    offers->count = count ? last + 1 : 0;
}

/* What cannot be written at all is left to Python, which says why. */
static int print(const char *text, size_t size)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN}, before;
    size_t written = 0;
    ssize_t more = 0;

    sigaction(SIGPIPE, &ignored, &before);
    while (written < size && ((more = write(1, text + written, size - written)) >= 0 || errno == EINTR))
        written += more > 0 ? (size_t)more : 0;
    sigaction(SIGPIPE, &before, NULL);
    if (written == size)
        return 0;
    return !written ? PYTHON : errno == EPIPE ? PIPE_CLOSED : FAILED;
}

/* Print a line for each, with what was typed before it, and a slash behind a level that goes on. */
static int print_all(const struct offers *offers, const struct typed *typed, int has_slashes)
{
    size_t size = 1;
    char *text, *at;

    for (size_t index = 0; index < offers->count; index++)
        size += typed->before_bytes + offers->each[index].length + 2;
    if (!(text = malloc(size)))
        return PYTHON;
    at = text;
    for (size_t index = 0; index < offers->count; index++) {
        at = mempcpy(at, typed->before, typed->before_bytes);
        at = mempcpy(at, offers->each[index].text, offers->each[index].length);
        if (has_slashes && offers->each[index].goes_on)
            *at++ = '/';
        *at++ = '\n';
    }
    return print(text, (size_t)(at - text));
}

/* -- the whole -- */

static void leave(int number)
{
    (void)number;
    _exit(0);
}

static int offer_names(const char *word)
{
    const struct typed nothing = {"", "", "", 0, 0};
    struct offers offers;
    char *request = request_for_names(word);

    return request && ask(request) && read_rows(&offers, 1) ? print_all(&offers, &nothing, 0) : PYTHON;
}

static int offer_levels(const char *what, const char *word)
{
    struct typed typed = split(word);
    struct offers offers;
    int is_project = !strcmp(what, "project");

    if (!is_plain(word) || (is_project && strchr(word, '/')) || !ask(list_levels) || !read_rows(&offers, 0))
        return PYTHON;
    narrow_all(&offers, &typed);
    return offers.count || strcmp(what, "here") ? print_all(&offers, &typed, !is_project) : PYTHON;
}

int complete(int count, char **words)
{
    struct itimerval second = {{0, 0}, {SECONDS, 0}}, never = {{0, 0}, {0, 0}};
    struct sigaction leaving = {.sa_handler = leave}, before;
    const char *word = count > 3 ? words[3] : "";
    int status = PYTHON;

    if (count < 3 || count > 4)
        return PYTHON;
    sigaction(SIGALRM, &leaving, &before);
    setitimer(ITIMER_REAL, &second, NULL);
    if (!strcmp(words[2], "name"))
        status = offer_names(word);
    else if (!strcmp(words[2], "level") || !strcmp(words[2], "here") || !strcmp(words[2], "project"))
        status = offer_levels(words[2], word);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    return status;
}
