"""requests asks a host."""

import os
import sys

import requests

told = {"Authorization": "Bearer " + os.environ["SHOP_KEY"]}
print(requests.get(sys.argv[1], headers=told, timeout=60).text)
