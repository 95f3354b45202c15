"""A program that knows nothing of EnvFS: it loads a .env file with python-dotenv, as thousands do."""

import json
import os
import sys

from dotenv import load_dotenv

load_dotenv(sys.argv[1])
key = os.environ["SIGNING_KEY"].splitlines()
print("database ", os.environ["DATABASE_HOST"], "with", os.environ["DATABASE_POOL"], "connections")
print("log level", os.environ["LOG_LEVEL"])
print("synonyms ", ", ".join(json.loads(os.environ["SEARCH_OPTIONS"])["synonyms"]))
print("key      ", len(key), "lines,", key[0])
