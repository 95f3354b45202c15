"""aiohttp asks a host. It looks at the environment where it is told to."""

import asyncio
import os
import sys

import aiohttp


async def main() -> None:
    """Ask."""
    told = {"Authorization": "Bearer " + os.environ["SHOP_KEY"]}
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(sys.argv[1], headers=told) as answer:
        print(await answer.text())


asyncio.run(main())
