"""A home whose user has proxy rules for the host of the tests, with levels that hold the keys of these rules."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.component.proxying import HOST, Upstream
from tests.system.home import Home

KEY = "sk_live_51AbCdEfGhIjKlMnOpQrStUvWx"
OTHER = "value-without-a-rule-0123456789"
USER = 1001  # who is neither root nor the owner


def rule_text(upstream: Upstream, key: str = "SHOP_KEY", **more: str | list[str]) -> str:
    """Write a rule that has a key put in for the host of the tests."""
    fields = {"key": key, "hosts": [f"{HOST}:{upstream.port}"], "address": "127.0.0.1", **more}
    return "".join(["\n[[proxy.rule]]\n", *(f"{name} = {_toml(field)}\n" for name, field in fields.items())])


def _toml(field: str | list[str]) -> str:
    return f'"{field}"' if isinstance(field, str) else f"[{', '.join(map(_toml, field))}]"


@contextmanager
def ruled(
    home: Home, upstream: Upstream, *rules: str, levels: Mapping[str, str], mounted: bool = False
) -> Iterator[Home]:
    """Serve a home with these rules and levels for as long as the block lasts."""
    settings = home.settings.read_text(encoding="utf-8")
    home.edit_settings(f'{settings}\n[proxy]\nroots = "{upstream.roots}"\n{"".join(rules)}')
    with home.mounted() if mounted else home.served():
        for level, text in levels.items():
            home.envfs("import", "-", level, given=text)
        yield home
