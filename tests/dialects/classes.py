r"""Values as people and programs make them, in 52 classes, 20 of which are everyday; and hostile ones.

Law: the same seed gives the same values. A value that could be run as a program would make a file called `canary…`.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Sequence
from typing import NamedTuple

Make = Callable[[random.Random], str]
WORDS = [
    *("alpha", "bravo", "crane", "delta", "echo", "fox-trot", "golf_7"),
    *("hotel.2", "india", "juliet", "kilo", "Lima", "mike", "november"),
]
NAMES = ("HOME", "PATH", "DEFINED", "NOT_SET", "ELSEWHERE", "x", "_private", "API_KEY")
PUNCTUATION = "!#%&()*+,-./:;<=>?@[]^_{|}~"
UNICODE = "äöüßéñçøłžαβγдежшщ日本語한국العربעברית😀🦊👩\u200d💻e\u0301∑√≠„“”’…"  # noqa: RUF001 - meant
SEPARATORS = "\u0085\u00a0\u2028\u2029\u3000\u200b\ufeff\u1680\u202f"
SIGNS = [*"'\"`\\${}\r\n#= \t-;|", "\\n", "\\r", "$HOME", "${HOME}", "a", "b c"]
CONTROLS = "".join(chr(code) for code in (*range(1, 9), 11, 12, *range(14, 32), 127))


class Sample(NamedTuple):
    """A value and the name of its class."""

    kind: str
    value: str


# ---- pieces


def word(rng: random.Random) -> str:
    return rng.choice(WORDS) if rng.random() < 0.7 else _some(rng, string.ascii_letters + string.digits, 1, 12)


def _some(rng: random.Random, signs: str, low: int, high: int) -> str:
    return "".join(rng.choices(signs, k=rng.randint(low, high)))


def _words(rng: random.Random, between: str = " ", low: int = 2, high: int = 5) -> str:
    return between.join(word(rng) for _ in range(rng.randint(low, high)))


def _canary(rng: random.Random) -> str:
    return f"touch canary-{rng.randrange(1_000_000)}"


def _shuffled(rng: random.Random, *parts: str) -> str:
    """Mix parts with words, in any order, with and without blanks between."""
    pieces = [*parts, *(word(rng) for _ in range(rng.randint(1, 4)))]
    rng.shuffle(pieces)
    return rng.choice(["", " ", ""]).join(pieces)


def _spread(rng: random.Random, text: str, sign: str, times: int) -> str:
    """Put a sign into a text, at any places."""
    for _ in range(times):
        at = rng.randint(0, len(text))
        text = text[:at] + sign + text[at:]
    return text


def _reference(rng: random.Random) -> str:
    name = rng.choice(NAMES)
    more = rng.choice(["", "", ":-default", "-x", ":?message", ":+other", "%.*", "#pre", "^^"])
    return rng.choice([f"${name}", f"${{{name}}}", f"${{{name}{more}}}"])


def _dollar(rng: random.Random) -> str:
    return rng.choice([_reference(rng), f"${rng.randint(0, 9)}", "$", "$$", f"$({_canary(rng)})", "$((1+1))"])


def _lines(rng: random.Random, *parts: str, whole: Sequence[str] = ()) -> str:
    """Make some lines, with parts in some and whole lines between, with or without a line end at the end."""
    lines = [_words(rng) for _ in range(rng.randint(1, 4))]
    for line in (*(_shuffled(rng, part) for part in parts), *whole):
        lines.insert(rng.randint(0, len(lines)), line)
    if rng.random() < 0.3:
        lines.insert(rng.randint(0, len(lines)), rng.choice(["", "  indented", "\ttab", "trailing  "]))
    return "\n".join([*lines, word(rng)]) + rng.choice(["", "\n"])


# ---- classes


def _number(rng: random.Random) -> str:
    words = ["true", "false", "yes", "no", "on", "null", "none"]
    odd = ["0", "007", "0x1F", "1e9", "-0.5", "+1", "1_000", "12:30"]
    return rng.choice([*words, *odd, str(rng.randint(-(10**9), 10**12)), f"{rng.uniform(-1e3, 1e3):.3f}"])


def _url(rng: random.Random) -> str:
    who = rng.choice(["", f"{word(rng)}@", f"{word(rng)}:p%40{word(rng)}@"])
    scheme = rng.choice(["http", "https", "postgres", "redis", "amqp", "mongodb+srv"])
    return f"{scheme}://{who}{word(rng)}.example.org:{rng.randint(1, 65535)}/{_words(rng, '/')}"


def _query(rng: random.Random) -> str:
    pairs = rng.choice("&;").join(f"{word(rng)}={word(rng)}" for _ in range(rng.randint(1, 4)))
    return f"{_url(rng)}?{pairs}" + rng.choice(["", f"#{word(rng)}", "&empty=", "&list[]=1,2"])


def _token(rng: random.Random) -> str:
    raw = rng.randbytes(rng.randint(1, 48))
    jwt = ".".join(base64.urlsafe_b64encode(rng.randbytes(n)).decode().rstrip("=") for n in (27, 50, 32))
    return rng.choice([base64.b64encode(raw).decode(), raw.hex(), base64.urlsafe_b64encode(raw).decode(), jwt])


def _outer(rng: random.Random) -> str:
    return " " * rng.randint(0, 3) + _words(rng, low=1) + " " * rng.randint(1, 3) if rng.random() < 0.8 else " "


def _tabs(rng: random.Random) -> str:
    return _spread(rng, _words(rng), "\t", rng.randint(1, 4))


def _hash_inside(rng: random.Random) -> str:
    return f"{word(rng)}#{_words(rng, '#', 1, 3)}"


def _hash_first(rng: random.Random) -> str:
    made = [f"#{word(rng)}", f"{word(rng)} #{word(rng)}", f"{word(rng)} # {_words(rng)}"]
    return rng.choice([*made, "#", "# a", "a\t#b"])


def _shell(rng: random.Random) -> str:
    run = _canary(rng)
    after = [f"a; {run}", f"a && {run}", f"a | {run}", f"a & {run} &"]
    other = [f"> canary-{run[-1]}", f"<({run})", f"({run})", f"; {run} #"]
    return rng.choice([*after, *other, f"{_words(rng)} {_some(rng, ';|&<>()', 1, 4)} {word(rng)}"])


def _glob(rng: random.Random) -> str:
    paths = ["*", "~", "~/x", "~root", "a?b", "[a-z]*", "{a,b}", "{1..3}"]
    return rng.choice([*paths, "!x", "!!", "a!b", "*.txt", "**/x", f"~{word(rng)}"])


def _leading(rng: random.Random) -> str:
    return rng.choice(["=", "==", "-", "--", "-n", "-e"]) + rng.choice(["", word(rng), f"{word(rng)}={word(rng)}"])


def _password(rng: random.Random) -> str:
    return _some(rng, string.ascii_letters + string.digits + PUNCTUATION, 8, 32)


def _any_password(rng: random.Random) -> str:
    return _some(rng, string.ascii_letters + string.digits + string.punctuation, 12, 40)


def _apostrophe(rng: random.Random) -> str:
    return rng.choice(["it's", "'", "don't # x", "''", _spread(rng, _words(rng), "'", rng.randint(1, 3))])


def _quote(rng: random.Random) -> str:
    return rng.choice(['say "hi"', '"', '5" x 7"', '""', _spread(rng, _words(rng), '"', rng.randint(1, 3))])


def _quoted(rng: random.Random) -> str:
    quote = rng.choice("'\"")
    return f"{quote}{_words(rng, low=1)}{quote}"


def _backtick(rng: random.Random) -> str:
    return rng.choice([f"`{_canary(rng)}`", "`", _spread(rng, _words(rng), "`", rng.randint(1, 3))])


def _windows(rng: random.Random) -> str:
    last = rng.choice(["new", "temp", "readme.txt", "bin", "x86", "0", "ünï"])
    return rng.choice("CDZ") + ":\\" + rng.choice(["", "Program Files\\"]) + _words(rng, "\\", 1, 3) + f"\\{last}"


def _regex(rng: random.Random) -> str:
    some = [r"^\d+$", r"^[\w.-]+@[\w-]+\.\w{2,}$", r"(?i)\bcat\b|dog", r"^(\w+)\s*=\s*(.*)$"]
    return rng.choice([*some, rf"^{word(rng)}\.\d{{1,3}}$"])


def _json(rng: random.Random) -> str:
    data = rng.choice([{word(rng): 1, "b": [True, None]}, {"url": _url(rng)}, [word(rng), {"c": "#x y"}], {}, [1, 2.5]])
    return json.dumps(data, separators=rng.choice([(",", ":"), (", ", ": ")]))


def _json_apostrophe(rng: random.Random) -> str:
    return json.dumps({word(rng): f"it's {word(rng)}", "n": rng.randint(0, 9)})


def _json_escapes(rng: random.Random) -> str:
    escaped = _words(rng) + rng.choice(["\n", '"', "\t", "C:\\x"]) + word(rng)
    return json.dumps({"a": escaped, "b": [rng.choice(["é", '"'])]})


def _json_indented(rng: random.Random) -> str:
    return json.dumps({word(rng): rng.randint(0, 9), "b": _words(rng), "c": [1]}, indent=2) + rng.choice(["", "\n"])


def _unicode(rng: random.Random) -> str:
    return _spread(rng, _words(rng, low=1), rng.choice(UNICODE), rng.randint(1, 3)) + _some(rng, UNICODE, 1, 8)


def _separators(rng: random.Random) -> str:
    return _spread(rng, _words(rng), rng.choice(SEPARATORS), rng.randint(1, 3))


def _controls(rng: random.Random) -> str:
    return rng.choice(["\x1b[1m", "", "\x07"]) + _spread(rng, _words(rng), rng.choice(CONTROLS), rng.randint(1, 3))


def _long(rng: random.Random) -> str:
    return rng.choice(["x", "y z ", word(rng), "a,b;"]) * rng.randint(500, 5000)


def _both_quotes(rng: random.Random) -> str:
    return _shuffled(rng, "'", '"', rng.choice(["'", '"', ""]))


def _backtick_apostrophe(rng: random.Random) -> str:
    return _shuffled(rng, "'", rng.choice(["`", f"`{_canary(rng)}`"]))


def _double_backslash(rng: random.Random) -> str:
    return rng.choice(["\\\\", "a"]) + "\\\\" + _words(rng, rng.choice(["\\", "\\\\", " "]))


def _backslash_last(rng: random.Random) -> str:
    return rng.choice(["C:\\dir", word(rng), _words(rng), "", "a\\b"]) + "\\"


def _backslash_apostrophe(rng: random.Random) -> str:
    return _shuffled(rng, "'", f"\\{rng.choice('ntrxd0')}") + word(rng)


def _backslash_quote(rng: random.Random) -> str:
    return _shuffled(rng, rng.choice(['\\"', '"', '"x"']), "\\" + rng.choice('ntrxd"0')) + word(rng)


def _bcrypt(rng: random.Random) -> str:
    salted = f"$2b$12${_some(rng, string.ascii_letters + string.digits + './', 53, 53)}"
    short = [f"${rng.randint(0, 99)}", f"pa${rng.randint(0, 9)}{word(rng)}"]
    return rng.choice([salted, *short, f"$1$salt${word(rng)}", f"US${rng.randint(1, 99)}.00"])


def _dollar_last(rng: random.Random) -> str:
    return word(rng) + rng.choice(["$", "$$", "$.", "$ ", "$%", "$/x", "$-", "${", "$}", "$=", "$,$"])


def _command(rng: random.Random) -> str:
    run = _canary(rng)
    plain = [f"$({run})", f"a$({run})b", f"$({run}; echo x)"]
    return rng.choice([*plain, f"$(({run}))", f"$($({run}))", f"\\$({run})", f"{_words(rng)} $({run})"])


def _hostile(rng: random.Random) -> str:
    """Put a program among signs that may end a quote or a line, or escape what does."""
    pieces = rng.choices(SIGNS, k=rng.randint(1, 7))
    run = _canary(rng)
    program = rng.choice([f"$({run})", f"$({run})", f"`{run}`", f";{run};", f"\n{run}\n"])
    pieces.insert(rng.randint(0, len(pieces)), program)
    return "".join(pieces)


def _pem(rng: random.Random) -> str:
    what = rng.choice(["PRIVATE KEY", "RSA PRIVATE KEY", "CERTIFICATE", "OPENSSH PRIVATE KEY"])
    body = base64.b64encode(rng.randbytes(rng.randint(60, 400))).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {what}-----", *lines, f"-----END {what}-----"]) + rng.choice(["", "\n"])


def _carriage_return(rng: random.Random) -> str:
    between = rng.choice(["\r\n", "\r", "\r\n"])
    return between.join(_words(rng) for _ in range(rng.randint(2, 4))) + rng.choice(["", "\r\n", "\r"])


EVERYDAY: dict[str, Make] = {
    "plain word": word,
    "number": _number,
    "url": _url,
    "url with query": _query,
    "base64, hex, jwt": _token,
    "empty": lambda _: "",
    "spaces inside": _words,
    "spaces outside": _outer,
    "tabs": _tabs,
    "# inside": _hash_inside,
    "# first or after a space": _hash_first,
    "shell signs": _shell,
    "glob, brace, ! and ~": _glob,
    "password": _password,
    "'": _apostrophe,
    '"': _quote,
    "windows path": _windows,
    "PEM": _pem,
    "JSON": _json,
    "unicode": _unicode,
}
HARD: dict[str, Make] = {
    "= or - first": _leading,
    "password of any sign": _any_password,
    "quoted whole": _quoted,
    "backtick": _backtick,
    "regex": _regex,
    "unicode separators": _separators,
    "control characters": _controls,
    "long": _long,
    "' and \"": _both_quotes,
    "' and backtick": _backtick_apostrophe,
    "two backslashes": _double_backslash,
    "backslash last": _backslash_last,
    "' and backslash": _backslash_apostrophe,
    '" and backslash': _backslash_quote,
    "$NAME": lambda rng: _shuffled(rng, f"${rng.choice(NAMES)}"),
    "${NAME}": lambda rng: _shuffled(rng, f"${{{rng.choice(NAMES)}}}"),
    "$ and a digit": _bcrypt,
    "$ last or before a sign": _dollar_last,
    "$( )": _command,
    "' and $": lambda rng: _shuffled(rng, "'", _dollar(rng)),
    '" and $': lambda rng: _shuffled(rng, '"', _dollar(rng)),
    "lines": _lines,
    "lines with # and NAME=": lambda rng: _lines(rng, whole=[f"# {word(rng)}", f"EVIL={word(rng)}"]),
    "lines and '": lambda rng: _lines(rng, "'"),
    'lines and "': lambda rng: _lines(rng, '"'),
    "lines, ' and \"": lambda rng: _lines(rng, "'", '"'),
    "lines and $": lambda rng: _lines(rng, f"${rng.choice(NAMES)}"),
    "lines and backslash": lambda rng: _lines(rng, f"\\{rng.choice('ntxd')}"),
    "carriage return": _carriage_return,
    "JSON and '": _json_apostrophe,
    "JSON with escapes": _json_escapes,
    "JSON on lines": _json_indented,
}
ALL = EVERYDAY | HARD
HOSTILE: dict[str, Make] = {"hostile": _hostile}


def samples(count: int, seed: int, kinds: Sequence[str] = tuple(ALL)) -> list[Sample]:
    """Make so many values, each class as often as the others, in an order of chance."""
    rng = random.Random(f"{seed} {len(kinds)}")
    chosen = (kinds[index % len(kinds)] for index in range(count))
    made = [Sample(kind, (ALL | HOSTILE)[kind](rng)) for kind in chosen]
    rng.shuffle(made)
    return made
