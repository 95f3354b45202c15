"""The texts that are measured: made, not random, so that every run measures the same bytes."""

LEVELS = ("/", "/shop", "/shop/prod")


def text(prefix: str, count: int) -> str:
    """Return a dotenv text of `count` variables, some of them quoted."""
    kinds = ("https://{n}.shop.example/v1?x={n}", "'two words and #{n}'", "0123456789abcdef{n}", "{n}")
    return "".join(f"{prefix}_{n:03d}={kinds[n % len(kinds)].format(n=n)}\n" for n in range(count))


def family(count: int) -> dict[str, str]:
    """Return the texts of three levels of `count` variables each: two thirds their own, a third overriding `/`."""
    third = count // 3
    return {
        level: text(f"LEVEL{depth}", count - third) + text("COMMON", third).replace("shop.example", f"{depth}.example")
        for depth, level in enumerate(LEVELS)
    }


def sized(size: int) -> str:
    """Return a dotenv text of about `size` bytes."""
    whole = text("NAME", 1000)
    lines = "".join(whole.replace("NAME", f"NAME{turn}") for turn in range(size // len(whole) + 1))
    return lines[: lines.rindex("\n", 0, size) + 1]
