/* One question to the daemon: a view with its values, as it is now. */

#include <stddef.h>

#define LIST_BYTES 8192 /* of names: a longer list may be right, but not here */

struct line {
    const char *level, *names; /* with commas. Without any: the whole view */
    char **command;            /* without one: a value is printed */
};

/* Connect to the daemon of this home, and send the question. 0 if that does not work: then nothing is left of it. */
int ask_for_view(const struct line *line);

/* Return the view, of `size` bytes. NULL if the answer is another one, or none. */
char *hear_view(const struct line *line, size_t *size);
