"""What docs/comparison.md and docs/coming-from say of other tools, tried with them."""

import json
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.other_tools.services import DopplerService, openbao
from tests.other_tools.tools import TOOLS, VALUES, OtherTool, needs
from tests.system.home import Home, eventually

pytestmark = pytest.mark.soak
SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"


@pytest.fixture
def other(bare: Home, tmp_path: Path) -> OtherTool:
    """Give a folder in which the other tools are at home."""
    return OtherTool(tmp_path, bare)


@needs("dotenvx")
def test_dotenvx_starts_a_program_with_the_ciphertext_that_it_cannot_decrypt(other: OtherTool) -> None:
    file = other.write(".env", f"STRIPE_KEY={SECRET}\nWORKERS=8\n")
    other.run("dotenvx", "encrypt")
    sound = file.read_text()
    stripe, workers = (line.partition("=")[2] for line in sound.splitlines() if "=encrypted:" in line)
    file.write_text(sound.replace(stripe, f"{stripe[:30]}AAAA{stripe[34:]}"))
    assert other.shell('dotenvx run -- sh -c "echo \\$STRIPE_KEY"').count("encrypted:") == 1
    other.run("dotenvx", "run", "--strict", "--", "true", status=1)
    file.write_text(sound.replace(workers, stripe))
    assert other.shell('dotenvx run --strict -- sh -c "echo \\$WORKERS"').endswith(f"{SECRET}\n")


@needs("dotenvx")
def test_dotenvx_passes_on_an_exit_status_and_no_signal(other: OtherTool) -> None:
    other.write(".env", "A=1\n")
    other.run("dotenvx", "run", "--", "sh", "-c", "exit 7", status=7)
    other.run("dotenvx", "run", "--", "sh", "-c", "kill -TERM $$", status=1)


@needs("sops")
def test_sops_decrypts_for_a_program_and_its_second_reader_waits(other: OtherTool) -> None:
    other.run("age-keygen", "-o", "key.txt")
    key = {"SOPS_AGE_KEY_FILE": "key.txt"}
    recipient = other.run("age-keygen", "-y", "key.txt").text.strip()
    for name, value in (("deep.yaml", f"DB:\n  PASSWORD: {SECRET}\nB: x\n"), ("flat.yaml", f"A: {SECRET}\nB: x\n")):
        other.write(name, value)
        other.run("sops", "encrypt", "--age", recipient, "-i", name)
    assert "complex value" in other.run("sops", "exec-env", "deep.yaml", "true", status=1, **key).complaint
    assert other.run("sops", "exec-env", "flat.yaml", "echo $A", **key).text == f"{SECRET}\n"
    kinds = "stat -c %F {}; cat {} > /dev/null; timeout 1 cat {} | wc -c"
    assert other.run("sops", "exec-file", "flat.yaml", kinds, **key).text == "fifo\n0\n"
    assert "regular" in other.run("sops", "exec-file", "--no-fifo", "flat.yaml", "stat -c %F {}", **key).text
    edited = other.run("sops", "edit", "flat.yaml", status=200, EDITOR="grep -H A:", **key).text
    assert edited.startswith("/tmp/")
    assert SECRET in edited
    lines = (other.folder / "flat.yaml").read_text().splitlines(keepends=True)
    other.write("shorter.yaml", "".join(line for line in lines if not line.startswith("B:")))
    assert "MAC mismatch" in other.run("sops", "decrypt", "shorter.yaml", status=51, **key).complaint


@needs("doppler")
def test_doppler_serves_a_named_pipe_and_keeps_an_encrypted_copy(other: OtherTool) -> None:
    with DopplerService({"STRIPE_KEY": SECRET}).served() as found:
        words = ("doppler", "run", "--mount", ".env", "--", "sh", "-c", "stat -c '%F %a' .env; cat .env")
        said = other.run(*words, **found).text
        other.run("doppler", "run", "--", "sh", "-c", "kill -TERM $$", status=255, **found)
    assert said.startswith("fifo 600\n")
    assert SECRET in said
    copies = list((other.folder / ".doppler" / "fallback").iterdir())
    assert copies
    assert not [copy for copy in copies if SECRET in copy.read_text()]


@needs("varlock")
def test_varlock_gives_placeholders_by_its_proxy_and_logs_its_requests(other: OtherTool) -> None:
    schema = (
        '# @defaultSensitive=true\n# ---\n# @proxy(domain="localhost")\nSTRIPE_KEY=\n# @sensitive=false\nWORKERS=8\n'
    )
    other.write(".env.schema", schema)
    other.write(".env.local", f"STRIPE_KEY={SECRET}\n")
    script = 'printf %s "$STRIPE_KEY" > given; printf %s "$__VARLOCK_ENV" > own'
    other.run("varlock", "run", "--", "sh", "-c", script)
    assert (other.folder / "given").read_text() == SECRET
    own = json.loads((other.folder / "own").read_text())
    assert own["config"]["WORKERS"]["value"] == 8
    request = "curl -s -x $HTTP_PROXY --noproxy '' http://localhost:9/ -H \"Authorization: $STRIPE_KEY\""
    other.run("varlock", "proxy", "run", "--", "sh", "-c", f"{script}; {request} || true")
    assert "placeholder" in (other.folder / "given").read_text()
    assert SECRET not in (other.folder / "own").read_text()
    (log,) = (other.folder / ".config/varlock/proxy/sessions").glob("*/audit.jsonl")
    assert '"host":"localhost"' in log.read_text()


@needs("varlock")
def test_varlock_refuses_a_changed_ciphertext(other: OtherTool) -> None:
    made = other.run("varlock", "encrypt", given=SECRET).text
    value = made.partition("SOME_SENSITIVE_KEY=")[2].strip()
    other.write(".env.schema", f"STRIPE_KEY={value}\n")
    assert json.loads(other.run("varlock", "load", "--format", "json").text)["STRIPE_KEY"] == SECRET
    other.write(".env.schema", f"STRIPE_KEY={value[:40]}AAAA{value[44:]}\n")
    other.run("varlock", "run", "--", "true", status=1)


_SERVER = """\
audit "file" "to-file" {{
  options = {{ file_path = "{folder}/audit.log" }}
}}
"""
_AGENT = """\
vault {{ address = "{address}" }}
auto_auth {{ method {{
  type = "token_file"
  config = {{ token_file_path = "{folder}/token" }}
}} }}
template {{
  contents = "KEY={{{{ with secret \\"secret/data/shop\\" }}}}{{{{ .Data.data.KEY }}}}{{{{ end }}}}"
  destination = "{folder}/out.env"
}}
"""


@needs("bao")
def test_openbao_writes_a_file_and_goes_on_without_its_log(other: OtherTool) -> None:
    configuration = other.write("server.hcl", _SERVER.format(folder=other.folder))
    with openbao(other.folder, f"-config={configuration}") as found:
        other.run("bao", "kv", "put", "secret/shop", "-", given=json.dumps({"KEY": VALUES["TLS_KEY"]}), **found)
        log = other.folder / "audit.log"
        assert "secret/data/shop" in log.read_text()
        assert "Xk29dQ7vLm" not in log.read_text()
        other.write("token", found["BAO_TOKEN"])
        agent = other.write("agent.hcl", _AGENT.format(folder=other.folder, address=found["BAO_ADDR"]))
        written = other.folder / "out.env"
        with subprocess.Popen(
            [TOOLS / "bao", "agent", f"-config={agent}"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        ) as process:
            eventually(written.exists, "the agent writes its file")
            process.send_signal(signal.SIGTERM)
        assert written.read_text() == f"KEY={VALUES['TLS_KEY']}"  # no quotes: nobody reads this as one variable
        assert stat.S_IMODE(written.stat().st_mode) == 0o644
        log.unlink()
        other.run("bao", "kv", "get", "secret/shop", **found)
        assert not log.exists()


@pytest.mark.skipif(not shutil.which("direnv"), reason="needs direnv")
def test_direnv_refuses_a_dotenv_file_with_a_line_break_in_a_value(other: OtherTool) -> None:
    other.write(".env", 'A=1\nB="one\ntwo"\n')
    other.write(".envrc", "dotenv\n")
    other.run("direnv", "allow", ".")
    assert "invalid line" in other.run("direnv", "exec", ".", "sh", "-c", 'test -z "$A"').complaint


@pytest.mark.skipif(not shutil.which("pass"), reason="needs pass")
def test_pass_opens_an_entry_at_any_name(other: OtherTool) -> None:
    (other.folder / ".gnupg").mkdir(mode=0o700)
    key = ("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "shop@example.org", "default")
    other.run(*key, "default", "never")
    other.run("pass", "init", "shop@example.org")
    other.run("pass", "insert", "-m", "shop/key", given=SECRET)
    store = other.folder / ".password-store" / "shop"
    os.rename(store / "key.gpg", store / "other.gpg")
    assert other.run("pass", "shop/other").text.strip() == SECRET
    other.run("gpgconf", "--kill", "gpg-agent")
