/* The lines that need no interpreter while a daemon runs. */

#define OPTION_BYTES 64 /* of what run_directly writes */

/* Carry out a line without an interpreter. Returns its exit status, or -1 if Python has to carry it out: then `option`
 * tells it of the conversation that was begun, or is empty. Does not return if this process became the command. */
int run_directly(int count, char **words, char **environment, char *option);
