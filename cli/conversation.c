/* The conversation that `view_request.c` and `completion.c` have with the daemon: it is reached, asked, and heard.
 *
 * Laws: nothing is sent to a server that is neither this user nor root. What was said by both sides is kept, so that
 * Python can take over.
 */

#define _GNU_SOURCE
#include "conversation.h"
#include "direct.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 3            /* seconds: then Python waits, which can say what it waits for */
#define FRAME_BYTES (1 << 16) /* of the JSON of an answer */

static const char hello[] = "{\"type\":\"hello\",\"protocol\":1,\"release\":\"\"}";

static struct {
    int socket;
    char *said, *heard;
    size_t said_bytes, heard_bytes, room;
    time_t until; /* seconds of the clock that nobody sets */
} talk = {.socket = -1};

static time_t seconds_now(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_MONOTONIC, &now) ? 0 : now.tv_sec;
}

/* -- asking -- */

/* A path in the folder that a variable names, or else in the home folder. 0 if it is not absolute, or too long. */
static int find_path(char *path, const char *variable, const char *otherwise, const char *below)
{
    const char *folder = getenv(variable), *home = getenv("HOME");
    int written = -1;

    if (folder && *folder)
        written = snprintf(path, PATH_MAX, "%s/%s", folder, below);
    else if (home)
        written = snprintf(path, PATH_MAX, "%s/%s/%s", home, otherwise, below);
    return written > 0 && written < PATH_MAX && *path == '/';
}

static int is_there(const char *path)
{
    struct stat status;

    return !lstat(path, &status);
}

#define SYSTEM "/run/envfs"
static const char of_system[] = SYSTEM "/control.sock";

/* The socket of this home's daemon, or the system's where there is no home (envfs/locations.py, daemon/client.py). */
static int find_socket(struct sockaddr_un *address)
{
    static const char name[] = "envfs/control.sock";
    const char *home = getenv("ENVFS_HOME"), *session = getenv("XDG_RUNTIME_DIR");
    char path[PATH_MAX], vault[PATH_MAX], link[PATH_MAX];

    if (home && *home) {
        if (!find_path(path, "ENVFS_HOME", "", "run/control.sock"))
            return 0;
    } else if (!geteuid())
        strcpy(path, of_system);
    else if (!find_path(path, session && *session ? "XDG_RUNTIME_DIR" : "XDG_STATE_HOME", ".local/state", name))
        return 0;
    else if (!is_there(path)) {
        if (home || !find_path(vault, "XDG_DATA_HOME", ".local/share", "envfs/vault") || is_there(vault) ||
            !getenv("HOME") || snprintf(link, PATH_MAX, "%s/envfs", getenv("HOME")) >= PATH_MAX || is_there(link))
            return 0;
        strcpy(path, of_system);
    }
    if (strlen(path) >= sizeof address->sun_path)
        return 0;
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, path);
    return 1;
}

/* Whether this user's secrets may be sent there: to this user, to root, or to the service whose folder root made. */
static int is_trusted(uid_t server, const char *path)
{
    struct stat folder;

    return server == geteuid() || !server ||
           (!strcmp(path, of_system) && !lstat(SYSTEM, &folder) && folder.st_uid == server && !(folder.st_mode & 022));
}

static int connect_to(const struct sockaddr_un *address)
{
    struct timeval patience = {PATIENCE, 0};
    struct ucred server;
    socklen_t size = sizeof server;
    int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (handle < 0)
        return -1;
    if (setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
        setsockopt(handle, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) ||
        connect(handle, (const struct sockaddr *)address, sizeof *address) ||
        getsockopt(handle, SOL_SOCKET, SO_PEERCRED, &server, &size) ||
        !is_trusted(server.uid, address->sun_path)) { /* Python says what is wrong */
        close(handle);
        return -1;
    }
    return handle;
}

static void put_length(char *head, size_t length)
{
    for (int index = 0; index < HEAD; index++)
        head[index] = (char)(length >> (8 * (HEAD - 1 - index)));
}

static size_t get_length(const char *head)
{
    size_t length = 0;

    for (int index = 0; index < HEAD; index++)
        length = length << 8 | (unsigned char)head[index];
    return length;
}

static int say(const char *request)
{
    char *second;

    talk.said_bytes = HEAD + strlen(hello) + HEAD + strlen(request);
    if (!(talk.said = malloc(talk.said_bytes + 1)))
        return 0;
    second = talk.said + HEAD + strlen(hello);
    put_length(talk.said, strlen(hello));
    strcpy(talk.said + HEAD, hello);
    put_length(second, strlen(request));
    strcpy(second + HEAD, request);
    return send(talk.socket, talk.said, talk.said_bytes, MSG_NOSIGNAL) == (ssize_t)talk.said_bytes;
}

int ask(const char *request)
{
    struct sockaddr_un address;

    if (!find_socket(&address) || (talk.socket = connect_to(&address)) < 0)
        return 0;
    talk.until = seconds_now() + PATIENCE;
    if (say(request))
        return 1;
    close(talk.socket);
    talk.socket = -1;
    return 0;
}

/* -- hearing -- */

int hear(size_t bytes)
{
    while (talk.heard_bytes < bytes) {
        ssize_t more;

        if (seconds_now() > talk.until)
            return 0; /* however it comes */
        if (talk.room < bytes) {
            size_t room = bytes + FRAME_BYTES;
            char *larger = realloc(talk.heard, room);

            if (!larger)
                return 0;
            talk.heard = larger;
            talk.room = room;
        }
        more = recv(talk.socket, talk.heard + talk.heard_bytes, talk.room - talk.heard_bytes, 0);
        if (more > 0)
            talk.heard_bytes += (size_t)more;
        else if (!more || errno != EINTR)
            return 0;
    }
    return 1;
}

size_t hear_frame(size_t start)
{
    size_t length;

    if (!hear(start + HEAD) || (length = get_length(talk.heard + start)) > FRAME_BYTES)
        return 0;
    return hear(start + HEAD + length) ? start + HEAD + length : 0;
}

size_t hear_greeting(void)
{
    static const char greeting[] = "{\"type\":\"hello\",\"protocol\":1,";
    size_t end = hear_frame(0);

    return end < HEAD + strlen(greeting) || memcmp(talk.heard + HEAD, greeting, strlen(greeting)) ? 0 : end;
}

int is_all(size_t bytes)
{
    return talk.heard_bytes <= bytes;
}

char *heard_at(size_t place)
{
    return talk.heard + place;
}

int skip(const char **at, const char *end, const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(end - *at) < length || memcmp(*at, text, length))
        return 0;
    *at += length;
    return 1;
}

int skip_all(const char **at, const char *end, const char *allowed)
{
    while (*at < end && **at && strchr(allowed, **at))
        (*at)++;
    return 1;
}

void hand_over(char *option)
{
    char head[HEAD];
    int memory;

    if (talk.socket < 0)
        return;
    memory = memfd_create("envfs-conversation", 0);
    put_length(head, talk.said_bytes);
    if (memory >= 0 && write(memory, head, HEAD) == HEAD &&
        write(memory, talk.said, talk.said_bytes) == (ssize_t)talk.said_bytes &&
        write(memory, talk.heard, talk.heard_bytes) == (ssize_t)talk.heard_bytes &&
        fcntl(talk.socket, F_SETFD, 0) == 0)
        snprintf(option, OPTION_BYTES, "-Xenvfs-conversation=%d:%d", talk.socket, memory);
    else {
        close(memory);
        close(talk.socket);
    }
}
