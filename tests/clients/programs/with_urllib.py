"""urllib asks a host."""

import os
import sys
import urllib.request

told = {"Authorization": "Bearer " + os.environ["SHOP_KEY"]}
print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers=told)).read().decode())  # noqa: S310
