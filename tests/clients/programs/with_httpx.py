"""httpx asks a host."""

import os
import sys

import httpx

told = {"Authorization": "Bearer " + os.environ["SHOP_KEY"]}
with httpx.Client(http2="http2" in sys.argv, timeout=60) as client:
    answer = client.get(sys.argv[1], headers=told)
print(answer.text)
if "http2" in sys.argv:
    assert answer.http_version == "HTTP/2"
