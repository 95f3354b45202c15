"""A WebSocket client says two things, and prints what it hears. The echo of its key is the placeholder that it sent."""

import os
import sys

from websockets.sync.client import connect

told = {"Authorization": "Bearer " + os.environ["SHOP_KEY"]}
with connect(sys.argv[1].replace("https://", "wss://"), additional_headers=told) as socket:
    for text in ("one", "x" * 70_000):
        socket.send(text)
        print(len(socket.recv()))
    socket.send('{"key": "' + os.environ["SHOP_KEY"] + '"}')
    print(socket.recv() == '{"key": "' + os.environ["SHOP_KEY"] + '"}')
