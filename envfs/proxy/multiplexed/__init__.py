"""HTTP/2 on both sides of the proxy (RFC 9113): connections and their streams, each used as a request like others."""
