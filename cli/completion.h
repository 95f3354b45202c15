/* What a completion script asks for, without an interpreter. */

/* Answer `__complete level|here|project|name WORD`. Returns its exit status, or -1 if Python has to answer. */
int complete(int count, char **words);
