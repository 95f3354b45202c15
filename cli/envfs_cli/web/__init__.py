"""The page in the browser (`envfs web`): levels, names, reads, rotations, rules, questions. No value.

asking       what the page may ask the daemon, and nothing else
peers        the other end of a connection on this machine
sessions     the URL that works once, and the cookie that it is exchanged for
guards       what is refused before a request is looked at
activity     reads over time, from the entries of the access log
parts        what a page shows: rows, or why there are none
pages        each page: its parts, and the template that shows them
rendering    the templates, and their words
answers      the answer of a person to a question
live         news, told to an open page
application  the answer to each request
server       the server, from its start to its end

Law: what the libraries of the web need is imported here alone, and in no other command.
"""
