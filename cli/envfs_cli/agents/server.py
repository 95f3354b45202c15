"""The server of `envfs mcp`: the tools of the table, by the Model Context Protocol on standard input and output.

Laws: a refusal is an answer of its tool. Of a bug, its kind alone is told. Arguments are checked by the tool's schema
before it is called, and never repeated: they are the agent's words.
"""

import json
import logging
import sys

import anyio
import anyio.to_thread
import jsonschema
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from envfs.errors import EnvFSError
from envfs_cli.agents.asking import error_text
from envfs_cli.agents.message_lines import MessageLines, MessageWriter, own_streams
from envfs_cli.agents.tool_table import TOOLS, AgentTool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mcp.server.context import ServerRequestContext

    Context = ServerRequestContext[Any, Any]

_INSTRUCTIONS = (
    "EnvFS keeps the variables of .env files. These tools tell names and whether they are set, and no tool reads or "
    "takes a value: never ask the person to type one into the conversation. To run a program with the values use the "
    "command `envfs exec LEVEL -- COMMAND`, which puts them into its environment."
)
_AT_ONCE = 4  # requests to the daemon


def run_server() -> None:
    """Serve the agent at the other end of the standard streams, until it leaves."""
    anyio.run(_serve)


async def _serve() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, force=True)
    logging.disable(logging.ERROR)  # the library would write what an agent sent
    server: Server[Any] = Server("envfs", instructions=_INSTRUCTIONS, on_list_tools=_list, on_call_tool=_call)
    given, taken = own_streams()
    writer = MessageWriter(taken)
    lines = MessageLines(given, writer)
    # it iterates over the one, and calls `write` and `flush` of the other
    async with stdio_server(lines, writer) as (read_stream, write_stream):  # type: ignore[arg-type]
        await server.run(read_stream, write_stream, server.create_initialization_options())


async def _list(_context: "Context", _params: "types.PaginatedRequestParams | None") -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])


def _described(tool: AgentTool) -> types.Tool:
    hints = types.ToolAnnotations(read_only_hint=tool.only_looks, destructive_hint=False, open_world_hint=False)
    return types.Tool(name=tool.name, description=tool.description, input_schema=tool.schema, annotations=hints)


async def _call(_context: "Context", params: types.CallToolRequestParams) -> types.CallToolResult:
    tool = next((tool for tool in TOOLS if tool.name == params.name), None)
    if tool is None:
        return _refused("there is no tool of that name")
    given = params.arguments or {}
    if not jsonschema.Draft202012Validator(tool.schema).is_valid(given):
        return _refused(f"{tool.name} takes {', '.join(tool.takes)}, and needs {', '.join(tool.needs) or 'nothing'}")
    try:
        # one that waits for a person keeps no other from its turn: the daemon bounds how many do
        answer = await anyio.to_thread.run_sync(tool.act, given, limiter=_limiter() if tool.only_looks else None)
    except EnvFSError as error:
        return _refused(error_text(error))
    except Exception as error:  # noqa: BLE001 - the next call is to be answered
        return _refused(f"EnvFS met a fault of its own: {type(error).__name__}")
    written = _plain(json.dumps(answer, ensure_ascii=False))
    text = types.TextContent(type="text", text=written)
    return types.CallToolResult(content=[text], structured_content={"result": json.loads(written)})


def _refused(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=_plain(text))], is_error=True)


def _plain(text: str) -> str:
    # a path may have bytes that are no UTF-8
    return text.encode("utf-8", "replace").decode()


_limiters: "list[anyio.CapacityLimiter]" = []  # one, made within the loop


def _limiter() -> anyio.CapacityLimiter:
    if not _limiters:
        _limiters.append(anyio.CapacityLimiter(_AT_ONCE))
    return _limiters[0]
