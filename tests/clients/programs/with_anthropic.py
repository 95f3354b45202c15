"""The SDK of Anthropic asks for a stream."""

import os
import sys

import anthropic

client = anthropic.Anthropic(api_key=os.environ["SHOP_KEY"], base_url=sys.argv[1])
with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}]) as stream:
    print("|".join(stream.text_stream))
