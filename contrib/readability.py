"""Measure how readable the names and the English are, and fail where a figure misses its goal: `contrib/check` runs it.

Laws:
- A figure has a goal. A figure that misses it stands in `readability.limits`, and may not get worse than it is there.
- `--lower` writes better figures into that file, and never worse ones. A figure that reaches its goal leaves the file.
  `--accept` writes worse ones too, as after the merge of a branch that did not know of them. The commit says why.
- `--list FIGURE` prints every place that counts.
- A figure reads the syntax tree, comments and documents. It imports nothing of EnvFS.
"""

import argparse
import ast
import functools
import io
import os
import pathlib
import re
import subprocess
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMITS = os.path.join(ROOT, "contrib", "readability.limits")
PRODUCT = ("envfs/", "cli/")
LONGEST_FUNCTION, LONGEST_FILE = 50, 350

# These names of locals say how a thing was come by, and not what it is.
EMPTY_NAMES = {"found", "known", "wanted", "made", "kept", "rest", "before", "each", "told", "what", "who"}
BUGS = {"AssertionError", "TypeError", "Unhandled"}  # raised for what cannot happen, and so not announced

BANNED_WORDS = {  # home-made word: the standard term for it
    r"house": "open vault",
    r"wish(?:es)?": "access request",
    r"doors?": "channel",
    r"baton": "lock",
    r"anew": "again",
    r"mend(?:s|ed|ing)?": "fix",
    r"in the open": "unencrypted",
    r"(?<!soon )as (?:it|they) comes?\b(?! back)": "by default",
    r"(?:break|breaks|broke|broken) off": "connection closed, interrupted",
    r"(?:come|comes|came) to (?:be|count|stand)": "is created",
    r"rehears(?:e|es|ed|al|als|ing)": "warm up",
}
BANNED = re.compile(r"(?<![\w-])(?:" + "|".join(BANNED_WORDS) + r")(?![\w-])", re.IGNORECASE)
HEADLESS = re.compile(r"(?:^|(?<=[.:;!?] ))(?:Who|Whoever|What|Whatever|Nobody)\b[^.?]*[.]", re.MULTILINE)
CODE_BLOCK = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
PAGE = re.compile(r"README\.md|docs/(?:(?!changes/|reference/)[^/]+/)*[^/]+\.md|docs/reference/settings\.md")
QUOTED = re.compile(r"`[^`\n]*`")

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


class Goal(NamedTuple):
    """What a figure should be at most. `unit` stands behind it in the table."""

    most: float
    unit: str
    meaning: str


GOALS = {
    "bare-names": Goal(20, " (%)", "public functions of a module that are one bare word"),
    "shared-names": Goal(8, " (%)", "public functions of a module whose name another file defines too"),
    "empty-locals": Goal(1, " (%)", "locals named for how they were come by (found, known, made, rest)"),
    "code-semicolons": Goal(4, " (per 1,000)", "semicolons in comments and docstrings"),
    "page-semicolons": Goal(4, " (per 1,000)", "semicolons in README.md and docs/*.md"),
    "code-headless": Goal(0, "", "sentences of comments and docstrings whose subject is who, what, whoever or nobody"),
    "page-headless": Goal(0, "", "the same in README.md and docs/*.md"),
    "code-words": Goal(0, "", "home-made words in comments, docstrings and messages"),
    "page-words": Goal(0, "", "the same in README.md and docs/*.md"),
    "twin-classes": Goal(0, "", "public classes whose name another file defines too"),
    "stray-commands": Goal(0, "", "commands without a module of their name"),
    "silent-raises": Goal(0, "", "public functions that raise and do not say what"),
    "median-function": Goal(5, "", "lines of half of the functions, docstrings left out"),
    "p90-function": Goal(14, "", "the same of nine in ten"),
    "median-file": Goal(102, "", "lines of half of the files"),
    "long-functions": Goal(0, "", f"functions over {LONGEST_FUNCTION} lines"),
    "long-files": Goal(0, "", f"files over {LONGEST_FILE} lines"),
}


class Source(NamedTuple):
    """A Python file of the product, read and parsed."""

    path: str
    text: str
    tree: ast.Module


class Figure(NamedTuple):
    """A measured figure, and the places that count in it."""

    value: float
    places: list[str]


def read_text(path: str) -> str:
    """Return the text of a file of the tree."""
    return pathlib.Path(ROOT, path).read_text(encoding="utf-8")


@functools.cache
def list_files() -> list[str]:
    """List the files of the tree, those that are not committed yet included."""
    command = ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(name for name in names if os.path.isfile(os.path.join(ROOT, name)))


@functools.cache
def product_sources() -> list[Source]:
    """Read and parse the product's Python files."""
    texts = [(name, read_text(name)) for name in list_files() if name.endswith(".py") and name.startswith(PRODUCT)]
    return [Source(name, text, ast.parse(text)) for name, text in texts]


def public_functions() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """List the public functions of modules, methods left out."""
    return [
        (source.path, node)
        for source in product_sources()
        for node in source.tree.body
        if isinstance(node, FUNCTION) and not node.name.startswith("_")
    ]


def name_figures() -> dict[str, Figure]:
    """Measure the names of public functions and classes."""
    functions = public_functions()
    files = defaultdict(set)
    for path, function in functions:
        files[function.name].add(path)
    bare = [f"{path}:{function.lineno} {function.name}" for path, function in functions if "_" not in function.name]
    shared = [
        f"{function.name} {path}:{function.lineno}" for path, function in functions if len(files[function.name]) > 1
    ]
    classes = defaultdict(list)
    for source in product_sources():
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].append(f"{source.path}:{node.lineno}")
    twins = [f"{name} {' '.join(places)}" for name, places in classes.items() if len(places) > 1]
    return {
        "bare-names": Figure(100 * len(bare) / len(functions), bare),
        "shared-names": Figure(100 * len(shared) / len(functions), sorted(shared)),
        "twin-classes": Figure(len(twins), sorted(twins)),
    }


def bound_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, int]:
    """Return the local names that a function binds, each with the first line that does. Parameters are left out."""
    names: dict[str, int] = {}
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.setdefault(name, node.lineno)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                names.setdefault(name, node.lineno)
            case _:
                pass
    return names


def function_figures() -> dict[str, Figure]:
    """Measure locals, lengths and the announcement of errors."""
    total = 0
    empty: list[str] = []
    long: list[str] = []
    lengths: list[int] = []
    for source in product_sources():
        for node in ast.walk(source.tree):
            if not isinstance(node, FUNCTION):
                continue
            names = bound_names(node)
            total += len(names)
            empty += [f"{source.path}:{line} {node.name} {name}" for name, line in names.items() if name in EMPTY_NAMES]
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                long.append(f"{source.path}:{node.lineno} {node.name} {length}")
            lengths.append(length - docstring_lines(node))
    sizes = [(source.path, source.text.count("\n")) for source in product_sources()]
    files = [f"{path} {lines}" for path, lines in sizes if lines > LONGEST_FILE]
    return {
        "empty-locals": Figure(100 * len(empty) / total, empty),
        "median-function": Figure(sorted(lengths)[len(lengths) // 2], []),
        "p90-function": Figure(sorted(lengths)[len(lengths) * 9 // 10], []),
        "median-file": Figure(sorted(lines for _, lines in sizes)[len(sizes) // 2], []),
        "long-functions": Figure(len(long), long),
        "long-files": Figure(len(files), files),
        "silent-raises": Figure(len(silent := silent_raises()), silent),
    }


def docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function's docstring."""
    first = function.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(function) is not None else 0


def silent_raises() -> list[str]:
    """List the public functions and methods that raise an error which their docstring does not announce."""
    return [
        f"{source.path}:{node.lineno} {node.name} {' '.join(errors)}"
        for source in product_sources()
        for scope in ast.walk(source.tree)
        if isinstance(scope, ast.Module) or (isinstance(scope, ast.ClassDef) and not scope.name.startswith("_"))
        for node in scope.body
        if isinstance(node, FUNCTION) and not node.name.startswith("_") and (errors := unsaid_errors(node))
    ]


def unsaid_errors(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """List the errors that a function raises itself and its docstring neither names nor announces by `Raises`."""
    docstring = ast.get_docstring(function) or ""
    if re.search(r"\b[Rr]aises?\b|\bE[A-Z]{3,}\b", docstring):  # an errno says it for the mount's handlers
        return []
    names = {raised_name(node) for node in own_nodes(function) if isinstance(node, ast.Raise)} - BUGS
    return sorted(name for name in names if name and name not in docstring)


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, those of functions and classes inside it left out."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, (*FUNCTION, ast.Lambda, ast.ClassDef)):
            yield child
            yield from own_nodes(child)


def raised_name(node: ast.Raise) -> str:
    """Return the class that a `raise` names, or the empty string for one that passes an error on."""
    error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    match error:
        case ast.Attribute(attr=name) | ast.Name(id=name) if name[:1].isupper():
            return name
        case _:
            return ""


def code_prose() -> Iterator[tuple[str, str]]:
    """Yield the comments and docstrings of the product, each with its place. The code quoted in them is left out."""
    for source in product_sources():
        for node in ast.walk(source.tree):
            if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTION)) and (text := ast.get_docstring(node)):
                yield f"{source.path}:{getattr(node, 'lineno', 1)}", QUOTED.sub("x", text)
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT:
                text = token.string.lstrip("# ").partition("# noqa")[0]
                yield f"{source.path}:{token.start[0]}", QUOTED.sub("x", "" if text.startswith("noqa") else text)


def messages() -> Iterator[tuple[str, str]]:
    """Yield the texts of the product's code, docstrings left out. A text without a blank is no message: it is empty."""
    for source in product_sources():
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(source.tree)
            if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTION))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield f"{source.path}:{node.lineno}", node.value if " " in node.value.strip() else ""


def page_prose() -> Iterator[tuple[str, str]]:
    """Yield the paragraphs of the pages, each with its place. Code is left out, and so are the semicolons of tables."""
    pages = [name for name in list_files() if PAGE.fullmatch(name)]
    for path in pages:
        text = CODE_BLOCK.sub(lambda block: "\n" * block[0].count("\n"), read_text(path))
        number = 1
        for paragraph in re.split(r"(\n(?=\s*(?:\n|[-*|#]|\d+\.)))", text):
            prose = paragraph.replace(";", ",") if paragraph.lstrip().startswith("|") else paragraph
            yield f"{path}:{number}", QUOTED.sub("x", " ".join(prose.split()).lstrip("-*|# "))
            number += paragraph.count("\n")


def prose_figures(kind: str, prose: list[tuple[str, str]], also: list[tuple[str, str]]) -> dict[str, Figure]:
    """Measure the English of one kind of text. `also` is looked through for home-made words alone."""
    words = sum(len(text.split()) for _, text in prose)
    semicolons = [place for place, text in prose for _ in range(text.count(";"))]
    headless = [f"{place} {hit[0]}" for place, text in prose for hit in HEADLESS.finditer(text)]
    banned = [f"{place} {hit[0]}" for place, text in prose + also for hit in BANNED.finditer(text)]
    return {
        f"{kind}-semicolons": Figure(1000 * len(semicolons) / words, semicolons),
        f"{kind}-headless": Figure(len(headless), headless),
        f"{kind}-words": Figure(len(banned), banned),
    }


def command_figures() -> dict[str, Figure]:
    """Measure which commands of the grammar have a module of their name, or of that name and `_`."""
    modules = {name.rpartition("/")[2].removesuffix(".py").strip("_") for name in list_files() if "/commands/" in name}
    commands = [
        (f"{source.path}:{node.lineno}", str(node.args[0].value).strip("_").replace("-", "_"))
        for source in product_sources()
        if "/grammar" in source.path
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Command" and isinstance(node.args[0], ast.Constant)
    ]
    stray = [f"{place} {name}" for place, name in commands if name not in modules]
    return {"stray-commands": Figure(len(stray), stray)}


def all_figures() -> dict[str, Figure]:
    """Measure everything, in the order of the goals."""
    figures = {
        **name_figures(),
        **function_figures(),
        **prose_figures("code", list(code_prose()), list(messages())),
        **prose_figures("page", list(page_prose()), []),
        **command_figures(),
    }
    return {name: Figure(round(figures[name].value, 1), figures[name].places) for name in GOALS}


def read_limits() -> dict[str, float]:
    """Read the figures that may not get worse."""
    if not os.path.exists(LIMITS):
        return {}
    lines = [line.split() for line in read_text(LIMITS).splitlines() if line and not line.startswith("#")]
    return {name: float(limit) for name, limit in lines}


def write_limits(figures: dict[str, Figure], limits: dict[str, float]) -> None:
    """Write the limits of the figures that miss their goals. None is raised over what `limits` says of it."""
    lines = ["# Figures that miss their goal may not get worse than this (contrib/readability.py --lower)."]
    for name, figure in figures.items():
        if figure.value > GOALS[name].most:
            lines.append(f"{name} {min(figure.value, limits.get(name, figure.value))}")
    pathlib.Path(LIMITS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Print the table. The exit status is 1 if a figure is over its limit."""
    parser = argparse.ArgumentParser(description="measure names and English", allow_abbrev=False)
    parser.add_argument("--list", metavar="FIGURE", choices=GOALS, help="print every place that counts in a figure")
    parser.add_argument("--lower", action="store_true", help="lower the limits to today's figures")
    parser.add_argument("--accept", action="store_true", help="set the limits to today's figures, worse ones too")
    parser.add_argument("--quiet", action="store_true", help="print only the figures that are over their limit")
    options = parser.parse_args()
    figures, limits = all_figures(), read_limits()
    if options.list:
        print("\n".join(figures[options.list].places))
        return 0
    status = 0
    for name, figure in figures.items():
        goal = GOALS[name]
        limit = max(goal.most, limits.get(name, goal.most))
        status |= (over := figure.value > limit)
        mark = "WORSE" if over else "" if figure.value <= goal.most else "not yet"
        if over or not options.quiet:
            print(
                f"{name:16}{figure.value:7.1f} goal {goal.most:2} limit {limit:5.1f} {mark:8}{goal.meaning}{goal.unit}"
            )
    if options.lower or options.accept:
        write_limits(figures, {} if options.accept else limits)
    return status


if __name__ == "__main__":
    sys.exit(main())
