/* One conversation with the daemon of this home, and what Python is told of it (docs/protocol.md). */

#include <stddef.h>

#define HEAD 4 /* bytes of a frame's length */

/* Connect to the daemon, greet it, and send a request in JSON. 0 if that does not work: then nothing is left of it. */
int ask(const char *request);

/* Wait for the daemon's greeting. Returns where the frame behind it begins, or 0 if it is another one, or none. */
size_t hear_greeting(void);

/* Wait for the frame that begins there. Returns where it ends, without its blobs. 0 if it is not whole, or too long. */
size_t hear_frame(size_t start);

/* Wait until so many bytes were heard. 0 if that takes long, or the daemon has left. */
int hear(size_t bytes);

/* Tell whether no more than so many bytes were heard. */
int is_all(size_t bytes);

/* What was heard. It may move when more is. */
char *heard_at(size_t place);

/* Pass over a text, or over all bytes of an alphabet. `skip` returns 0 if the text does not stand there. */
int skip(const char **at, const char *end, const char *text);
int skip_all(const char **at, const char *end, const char *allowed);

/* Let Python go on where this has stopped: it inherits the connection, and a file in memory with what was said on it by
 * both sides. `option` names them to it, or is left empty if that does not work, or nothing was asked. */
void hand_over(char *option);
