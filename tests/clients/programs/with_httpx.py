"""httpx asks a host."""

import os
import sys

import httpx

told = {"Authorization": "Bearer " + os.environ["SHOP_KEY"]}
print(httpx.get(sys.argv[1], headers=told, timeout=60).text)
