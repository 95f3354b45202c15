/* What `direct.c` asks the daemon, and what it understands of the answers (docs/protocol.md).
 *
 * Laws: no more is sent than the client in Python would send. An answer is taken as the one that it is if it is that
 * one to the letter. All others are Python's.
 */

#define _GNU_SOURCE
#include "view_request.h"
#include "conversation.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEW_BYTES (8 << 20) /* more than the kernel takes as an environment */

static const char dialect_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789- ";

/* As the client in Python writes it. NULL without memory. */
static char *request_of(const struct line *line)
{
    const char *form = line->command ? "exec" : "value", *channel = line->command ? "exec" : "get";
    char list[3 * LIST_BYTES + 3] = "", *end = list, *request;

    for (const char *at = line->names; at && *at; at++) {
        if (at == line->names)
            *end++ = '"';
        if (*at == ',')
            end = stpcpy(end, "\",\"");
        else
            *end++ = *at;
    }
    strcpy(end, line->names ? "\"" : "");
    if (asprintf(&request,
                 "{\"type\":\"read-view\",\"level\":\"%s\",\"format\":\"%s\",\"channel\":\"%s\",\"only\":[%s],"
                 "\"version\":0,\"dialect\":\"\",\"reason\":\"\",\"moment\":\"\",\"target\":\"\",\"masked\":false}",
                 line->level, form, channel, list) < 0)
        return NULL;
    return request;
}

int ask_for_view(const struct line *line)
{
    char *request = request_of(line);
    int is_asked = request && ask(request);

    free(request);
    return is_asked;
}

/* A number as JSON has it. 0 if there is none, or a larger one than a view is. */
static int skip_number(const char **at, const char *end, size_t *number)
{
    const char *first = *at;

    for (*number = 0; *at < end && isdigit((unsigned char)**at) && *number <= VIEW_BYTES; (*at)++)
        *number = *number * 10 + (size_t)(**at - '0');
    return *at > first && (*first != '0' || *at == first + 1) && *number <= VIEW_BYTES;
}

/* The size of a view with values, of which the frame tells. 0 if it tells of anything else, or of nothing. */
static size_t announced(const char *at, const char *end, const char *level)
{
    size_t size = 0, part = 0, number;

    if (!(skip(&at, end, "{\"type\":\"view-sent\",\"level\":\"") && skip(&at, end, level) &&
          skip(&at, end, "\",\"version\":") && skip_number(&at, end, &number) && skip(&at, end, ",\"variables\":") &&
          skip_number(&at, end, &number) && skip(&at, end, ",\"dialect\":\"") && skip_all(&at, end, dialect_bytes) &&
          skip(&at, end, "\",\"masked\":false,\"dangerous\":[],\"blobs\":[")))
        return 0;
    while (size <= VIEW_BYTES && skip_number(&at, end, &part) && skip(&at, end, ","))
        size += part;
    return size <= VIEW_BYTES && part == 1 && skip(&at, end, "]}") && at == end ? size : 0;
}

char *hear_view(const struct line *line, size_t *size)
{
    size_t first = hear_greeting(), second = first ? hear_frame(first) : 0;

    if (!second || !(*size = announced(heard_at(first + HEAD), heard_at(second), line->level)) ||
        !hear(second + *size + 1) || !is_all(second + *size + 1) || *heard_at(second + *size) != '.')
        return NULL;
    return heard_at(second);
}
