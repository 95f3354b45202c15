"""`export`: print a view in one of many formats."""

import os

from envfs.errors import BadRequest
from envfs.protocol import control
from envfs.tuples import NamedTuple
from envfs_cli import output
from envfs_cli.daemon import session
from envfs_cli.files import check_new, write_new
from envfs_cli.level_versions import dated_level
from envfs_cli.replies import masked
from envfs_cli.replies.variables import variables_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.dotenv.kubernetes import SecretName
    from envfs_cli.grammar.words import ExportTool, Format, SealScopeName


class _Form(NamedTuple):
    """The form that another tool takes: a format, a dialect of dotenv text, and the command that takes it."""

    format: "Format"
    dialect: str
    command: str


_TOOLS: "dict[ExportTool, _Form]" = {
    "dotenvx": _Form("dotenv", "node", "dotenvx encrypt -f FILE"),
    "sops": _Form("json", "", "sops encrypt --input-type json --output-type json FILE"),
    "op": _Form("op", "", "op item create --template FILE"),
    "doppler": _Form("json", "", "doppler secrets upload FILE --silent"),
    "infisical": _Form("dotenv", "node", "infisical secrets set --file=FILE"),
    "direnv": _Form("direnv", "", "direnv allow"),
    "chamber": _Form("json", "", "chamber import SERVICE FILE"),
    "bitwarden-export": _Form("bitwarden", "", "bw import bitwardenjson FILE"),
}


class ExportArguments(NamedTuple):
    """The arguments of `export`."""

    level: str
    format: "Format | None"
    to: "ExportTool | None"
    only: tuple[str, ...]
    seal: str | None
    scope: "SealScopeName | None"
    namespace: str | None
    name: str | None
    own: bool
    dialect: str | None
    output: str | None
    version: int | None
    passphrase_file: str | None


def run_export(arguments: ExportArguments) -> int:
    """Print a view in one of many formats, or write it to a new file.

    Raises:
        BadRequest: two options say how it is written
    """
    if arguments.to is not None:
        if arguments.format or arguments.dialect or arguments.own:
            raise BadRequest("--to says how a view is written", "leave out --format, --dialect and --own")
        form = _TOOLS[arguments.to]
        arguments = arguments._replace(format=form.format, dialect=form.dialect)
        output.note(f"`{form.command}` takes this, as a file that has the values until it is removed")
    format_name = arguments.format or "dotenv"
    _check_format(arguments, format_name)
    if arguments.output:
        check_new(arguments.output)
    asking = session.start_session(arguments.passphrase_file)
    data = _sealed(asking, arguments) if arguments.seal else _exported(asking, arguments, format_name)
    if arguments.to == "chamber":
        _note_capitals(data)
    if arguments.output:
        write_new(arguments.output, data)
    else:
        output.raw(data)
    return 0


def _note_capitals(data: bytes) -> None:
    import json

    changed = [f"{name} is {name.upper()}" for name in json.loads(data) if name != name.upper()]
    if changed:
        output.note(f"chamber gives programs names in capitals alone: {', '.join(changed)}")


def _check_format(arguments: ExportArguments, format_name: "Format") -> None:
    if arguments.own and (format_name != "dotenv" or arguments.only or arguments.dialect):
        raise BadRequest("a level's own text is given as it was written", "leave out --format, --only and --dialect")
    if format_name != "k8s" and (arguments.seal or arguments.scope or arguments.namespace or arguments.name):
        raise BadRequest("--seal, --scope, --namespace and --name are about a Secret of Kubernetes", "add --format k8s")
    if arguments.scope and not arguments.seal:
        raise BadRequest("--scope says for what values are sealed", "--seal names the certificate")
    if arguments.dialect and format_name != "dotenv":
        raise BadRequest("a dialect is one of dotenv text", f"leave out --format {format_name}, or --dialect")


def _sealed(asking: session.Session, arguments: ExportArguments) -> bytes:
    from envfs.dotenv import kubernetes
    from envfs_cli.level_versions import check_newest
    from envfs_cli.pushing import sealing

    dated = dated_level(arguments.level, arguments.version)
    check_newest(dated, "values are sealed as they are now")
    scope = kubernetes.SealScope(arguments.scope or "strict")
    target = sealing.SealTarget(arguments.seal or "", _secret_name(arguments), scope)
    return sealing.sealed_secret(asking, dated.level, target, arguments.only)


def _secret_name(arguments: ExportArguments) -> "SecretName":
    from envfs.dotenv import kubernetes

    level, _, _ = dated_level(arguments.level, arguments.version)
    return kubernetes.secret_name(level, arguments.name or "", arguments.namespace or "")


def _exported(link: session.Session, arguments: ExportArguments, format_name: "Format") -> bytes:
    level, version, moment = dated_level(arguments.level, arguments.version)
    only, dialect, why = arguments.only, arguments.dialect or "", session.given_reason(None)
    if arguments.own:
        return link.ask(control.ReadView(level, "own", "export", (), version, moment=moment))[1]
    if format_name == "environ" or (
        format_name in ("dotenv", "json", "example") and not only and arguments.to != "dotenvx"
    ):  # the daemon writes these itself
        reply, blob = link.ask(control.ReadView(level, format_name, "export", only, version, dialect, why, moment))
        masked.note_if_masked(reply)
        return blob
    reply, blob = link.ask(control.ReadView(level, "environ", "export", only, version, dialect, why, moment))
    masked.note_if_masked(reply)
    variables = variables_of(blob)
    from envfs.dotenv import dialects, formats

    if format_name == "dotenv" and isinstance(reply, control.ViewSent):
        is_for_dotenvx = arguments.to == "dotenvx"
        text = (
            dialects.text_for_dotenvx(variables) if is_for_dotenvx else dialects.dialect_text(variables, reply.dialect)
        )
        return masked.with_first_line(reply, text, format_name).encode()
    if format_name == "github":
        _mask(formats.github_masks(variables))
        if short := formats.unmasked_names(variables):
            output.note(f"no mask for {', '.join(short)}: shorter than {formats.SHORTEST_MASK} bytes, as is `true`")
    if format_name == "k8s":
        from envfs.dotenv import kubernetes

        text = kubernetes.secret_manifest(_secret_name(arguments), variables)
    else:
        text = formats.FORMATS[format_name](level, variables)
    return masked.with_first_line(reply, text, format_name).encode()


def _mask(masks: str) -> None:
    # a runner hides these lines and what they name. Everybody else would be shown the values
    if os.environ.get("GITHUB_ACTIONS") == "true":
        output.plain_error(masks)
    else:
        output.note("no masks were printed: they name the values, so they are for a runner of GitHub Actions alone")
