"""The one way out for plaintext: identify the caller, decide, record, serve. Whichever door was asked at."""
