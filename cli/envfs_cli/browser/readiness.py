"""Wait for a descriptor within the loop."""

import asyncio


async def wait_until_readable(descriptor: int, seconds: "float | None" = None) -> None:
    """Wait until something can be read, or for a pidfd until the process has ended.

    Raises:
        TimeoutError: it took longer than `seconds`
    """
    loop = asyncio.get_running_loop()
    is_ready: asyncio.Future[None] = loop.create_future()

    def note() -> None:
        if not is_ready.done():
            is_ready.set_result(None)

    loop.add_reader(descriptor, note)
    try:
        async with asyncio.timeout(seconds):
            await is_ready
    finally:
        loop.remove_reader(descriptor)
