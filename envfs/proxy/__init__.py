"""The proxy of one session: a child holds placeholders, and their values are put in on the way to the hosts of a rule.

May import: host, protocol, core, errors, safe_open.

It is a process of its own (`__main__`). Everything beside `server`, `door`, `exchange`, `upstream`, `leaves` and
`daemon_link` is pure: values in, values out. Laws: the proxy knows neither vault nor gate nor keyholder. A value goes
to a host only where a rule names variable, host and place. It never sets a header that the client did not send.
"""
