"""The SDK of OpenAI asks for a stream. Where a second word is there, it is the address, else the environment has it."""

import os
import sys

import openai

client = openai.OpenAI(api_key=os.environ["SHOP_KEY"], **({"base_url": sys.argv[1] + "/v1"} if sys.argv[1:] else {}))
words = [{"role": "user", "content": "hello"}]
stream = client.chat.completions.create(model="m", messages=words, stream=True)
print("|".join(chunk.choices[0].delta.content or "" for chunk in stream))
