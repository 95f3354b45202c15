"""What is scanned: files below paths, contents of archives, of a repository, and their lines."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import zstandard

from envfs.protocol.control import LeakRow
from envfs_cli.scanning import env_copies, repository, walking
from envfs_cli.scanning.batches import OVERLAP, Batch, Spot, fill_batch
from envfs_cli.scanning.contents import Hole, ScannedFile, ScanPlace
from envfs_cli.scanning.findings import Findings
from envfs_cli.scanning.unpacking import Unpacker

_DATA = b"line one\nTOKEN=x\n" * 500


def _told(path: str, reason: str) -> None:
    pytest.fail(f"{path}: {reason}")


def _all(contents: Iterable[ScannedFile]) -> dict[str, bytes]:
    return {content.place.shown(): b"".join(content.pieces) for content in contents}


def _unpacked(data: bytes, tell: object = _told) -> dict[str, bytes]:
    return _all(Unpacker(tell).unpack(ScannedFile(ScanPlace("f"), [data[:700], data[700:]])))  # type: ignore[arg-type]


def _tar(**members: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def _zip(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def _long_name(size: int) -> bytes:
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, size
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(size)


# -- archives ----------------------------------------------------------------------------------------------------------

_ZSTD = zstandard.ZstdCompressor()


@pytest.mark.parametrize(
    ("packed", "contents"),
    [
        (_DATA, {"f": _DATA}),
        (b"", {"f": b""}),
        (gzip.compress(_DATA), {"f": _DATA}),
        (gzip.compress(_DATA) + gzip.compress(b"more") + bytes(512), {"f": _DATA + b"more"}),
        (bz2.compress(_DATA), {"f": _DATA}),
        (lzma.compress(_DATA), {"f": _DATA}),
        (_ZSTD.compress(_DATA), {"f": _DATA}),
        (_tar(a=_DATA, b=b"B"), {"f!a": _DATA, "f!b": b"B"}),
        (_zip(a=_DATA, b=b"B"), {"f!a": _DATA, "f!b": b"B"}),
        (gzip.compress(_tar(a=_DATA)), {"f!a": _DATA}),
        (_tar(layer=_ZSTD.compress(_tar(env=_DATA))), {"f!layer!env": _DATA}),
        (_tar(layer=gzip.compress(_tar(z=_zip(env=_DATA)))), {"f!layer!z!env": _DATA}),
    ],
    ids=["plain", "empty", "gzip", "gzips", "bzip2", "xz", "zstd", "tar", "zip", "tar.gz", "layer", "nested"],
)
def test_contents_are_unpacked_from_what_holds_them(packed: bytes, contents: dict[str, bytes]) -> None:
    assert _unpacked(packed) == contents


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(os.urandom(5000))[:-900], _tar(a=os.urandom(5000))[:3000], _zip(a=os.urandom(5000))[:-300]],
    ids=["gzip", "tar", "zip"],
)
def test_a_damaged_archive_is_named_and_the_others_are_read(packed: bytes) -> None:
    reasons: list[str] = []
    contents = _unpacked(_tar(bad=packed, good=_DATA), lambda path, _: reasons.append(path))
    assert contents["f!good"] == _DATA
    assert set(reasons) <= {"f!bad", "f!bad!a"}
    assert reasons


def test_a_zip_whose_member_has_no_name_is_named() -> None:
    packed = _zip(a=_DATA).replace(b"a", b"\0")
    reasons: list[str] = []
    contents = _unpacked(_tar(bad=packed, good=_DATA), lambda path, _: reasons.append(path))
    assert contents["f!good"] == _DATA
    assert reasons == ["f!bad"] or contents["f!bad!"] == _DATA  # Python 3.13 takes the empty name, and all is searched


def test_a_content_that_unpacks_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envfs_cli.scanning.unpacking._MOST_UNPACKED", 5000)
    reasons: list[str] = []
    contents = _unpacked(gzip.compress(bytes(100_000)), lambda _, reason: reasons.append(reason))
    assert len(contents.get("f", b"")) <= 5000
    assert reasons == ["it holds more than is unpacked, so a part of it was not searched"]


@pytest.mark.parametrize(
    ("pack", "told"),
    [
        (lambda: bz2.compress(bytes(1 << 28)) * 8, ""),
        (lambda: _ZSTD.compress(bytes(1 << 29)) * 4, ""),
        (
            lambda: gzip.compress(_long_name(1 << 29), 1),
            "f a name in it is too long, so a part of it was not searched\n",
        ),
    ],
    ids=["bzip2", "zstd", "a name in a tar"],
)
def test_a_small_file_takes_little_memory(pack: Callable[[], bytes], told: str, tmp_path: Path) -> None:
    packed = pack()  # by this test alone: each process that runs tests loads the whole file
    (tmp_path / "bomb").write_bytes(packed)
    assert len(packed) < 3 << 20
    lines = (
        "import os, resource, sys",
        "from envfs_cli.scanning.unpacking import Unpacker",
        "from envfs_cli.scanning.contents import ScannedFile, ScanPlace",
        "resource.setrlimit(resource.RLIMIT_AS, (500 << 20, 500 << 20))",
        "pieces = [open(sys.argv[1], 'rb').read()]",
        "for content in Unpacker(lambda *told: print(*told)).unpack(ScannedFile(ScanPlace('f'), pieces)):",
        "    next(iter(content.pieces))",
        "sys.stdout.flush()",
        "os._exit(0)",
    )
    words = [sys.executable, "-c", "\n".join(lines), str(tmp_path / "bomb")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, told, "")


def test_a_hole_in_a_member_of_a_tar_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envfs_cli.scanning.unpacking._MOST_UNPACKED", 5 << 20)
    member = tarfile.TarInfo("hole")
    member.type = tarfile.GNUTYPE_SPARSE
    head = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    head[386:410] = b"00000000000\0" * 2  # no data, at offset 0 (tar(5), "GNU tar Archives")
    head[483:495] = b"\x80" + (1 << 60).to_bytes(11, "big")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    reasons: list[str] = []
    _unpacked(bytes(head) + bytes(1024), lambda _, reason: reasons.append(reason))
    assert reasons == ["it holds more than is unpacked, so a part of it was not searched"]


def test_a_scan_unpacks_so_much_and_tells_of_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envfs_cli.scanning.unpacking._MOST_OF_SCAN", 1 << 30)
    reasons: dict[str, str] = {}
    unpacker = Unpacker(reasons.__setitem__)
    # each costs as much as an archive takes to be opened, however little is in it
    files = [ScannedFile(ScanPlace(f"{number}"), [gzip.compress(b"x")]) for number in range(20_000)]
    read = [content.place.path for file in files for content in unpacker.unpack(file) if list(content.pieces) == [b"x"]]
    assert 10_000 < len(read) < 20_000
    assert set(reasons.values()) == {"a scan unpacks 1 GB, which are spent, so a part of it was not searched"}
    assert {*read, *reasons} == {str(number) for number in range(20_000)}


# -- folders -----------------------------------------------------------------------------------------------------------


def test_regular_files_alone_are_read_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "b/.git/objects").mkdir(parents=True)
    for name in ("b/one", "b/.hidden", "a", "b/.git/objects/x", "b/.git/config"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "fifo")
    contents = _all(walking.walk_files([str(tmp_path)], _told))
    assert [path.removeprefix(f"{tmp_path}/") for path in contents] == ["a", "b/.hidden", "b/one", "b/.git/config"]


def test_a_file_that_grows_while_it_is_read_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 1000)
    sizes = []
    for content in walking.walk_files([str(path)], _told):
        for piece in content.pieces:
            sizes.append(len(piece))
            with path.open("ab") as file:
                file.write(b"y" * 1000)
    assert sizes == [1000]


def _sparse(path: Path, size: int, data: dict[int, bytes]) -> None:
    with path.open("wb") as file:
        file.truncate(size)
        for at, text in data.items():
            file.seek(at)
            file.write(text)


def test_a_hole_of_a_file_is_not_read(tmp_path: Path) -> None:
    _sparse(tmp_path / "image", 1 << 42, {0: b"one\n", 1 << 40: b"x needle\n"})
    pieces = [piece for content in walking.walk_files([str(tmp_path)], _told) for piece in content.pieces]
    assert sum(piece.size if isinstance(piece, Hole) else len(piece) for piece in pieces) == 1 << 42
    assert sum(len(piece) for piece in pieces if isinstance(piece, bytes)) < 1 << 20


def test_a_place_behind_a_hole_is_that_of_the_file(tmp_path: Path) -> None:
    _sparse(tmp_path / "image", 1 << 42, {0: b"needle\n", 1 << 40: b"x needle\n"})
    spots = _spots(4 * OVERLAP, walking.walk_files([str(tmp_path)], _told), b"needle")
    assert [(spot.offset, spot.line) for spot in spots] == [(0, 0), ((1 << 40) + 2, 0)]


def test_a_tar_with_a_hole_is_read_as_one_with_zeros(tmp_path: Path) -> None:
    packed = _tar(a=bytes(1 << 20), b=_DATA)
    behind = (1 << 20) + 512
    _sparse(tmp_path / "tar", len(packed), {0: packed[:512], behind: packed[behind:]})
    files = walking.walk_files([str(tmp_path)], _told)
    assert [list(_all(Unpacker(_told).unpack(file)).values()) for file in files] == [[bytes(1 << 20), _DATA]]


def test_a_hole_in_a_tar_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envfs_cli.scanning.unpacking._MOST_UNPACKED", 4 << 20)
    member = tarfile.TarInfo("hole")
    member.size = 1 << 42
    _sparse(tmp_path / "tar", (1 << 42) + 1024, {0: member.tobuf(tarfile.GNU_FORMAT)})
    reasons: list[str] = []
    for file in walking.walk_files([str(tmp_path)], _told):
        _all(Unpacker(lambda _, reason: reasons.append(reason)).unpack(file))
    assert reasons[0] == "it holds more than is unpacked, so a part of it was not searched"


def test_a_path_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    reasons: dict[str, str] = {}
    os.mkfifo(tmp_path / "fifo")
    paths = [str(tmp_path / name) for name in ("nothing", "fifo")]
    assert _all(walking.walk_files(paths, reasons.__setitem__)) == {}
    assert list(reasons) == paths


_COPIES = (
    *(".env.bak", ".env~", ".env.old", ".env.local.bak", ".env.prod~", ".env.swp", "..env.swp", ".env.save", "env.bak"),
    *(".env copy", ".env.bak2", ".#.env", "#.env#", ".env.orig", ".env (1)", ".ENV.BAK", ".env.~1~", ".env-backup"),
)
_OTHERS = (".env", ".env.local", ".env.example", ".envrc", "environment.bak", "env.py", ".env.d")


@pytest.mark.parametrize("name", _COPIES)
def test_a_copy_of_env_is_known_by_its_name(name: str) -> None:
    assert env_copies.has_name_of_copy(name)


@pytest.mark.parametrize(
    "name", [".env", ".env.local", ".env.example", ".envrc", "environment.bak", "env.py", ".env.d"]
)
def test_another_file_is_no_copy(name: str) -> None:
    assert not env_copies.has_name_of_copy(name)


# -- places ------------------------------------------------------------------------------------------------------------


def _texts(files: dict[str, bytes]) -> Iterator[ScannedFile]:
    for name, data in files.items():
        yield ScannedFile(ScanPlace(name), [data[:11], data[11:]])


def _spots(size: int, contents: Iterable[ScannedFile], sought: bytes) -> list[Spot]:
    spots: set[Spot] = set()

    def submit(batch: Batch) -> Batch:
        at = -1
        filled = batch.map[: batch.size]
        while (at := filled.find(sought, at + 1)) >= 0:
            spots.add(batch.spot(at))
        batch.clear()
        return batch

    batch = Batch(size)
    for content in contents:
        batch = fill_batch(batch, content, submit)
    submit(batch).close()
    return sorted(spots)


def test_a_place_is_a_line_and_a_column_of_its_file() -> None:
    files = {"a": b"x\ny needle\nneedle", "b": b"needle", "c": b"\0\0\nneedle", "d": b""}
    assert _spots(1 << 20, _texts(files), b"needle") == [
        Spot(ScanPlace("a"), 4, 2, 3),
        Spot(ScanPlace("a"), 11, 3, 1),
        Spot(ScanPlace("b"), 0, 1, 1),
        Spot(ScanPlace("c"), 3, 0, 0),
    ]


def test_a_file_that_goes_on_in_other_memory_keeps_its_lines() -> None:
    lines = [b"%d needle" % number if number % 997 == 0 else b"%d" % number for number in range(30_000)]
    spots = _spots(4 * OVERLAP, _texts({"a": b"\n".join(lines), "b": b"needle"}), b"needle")
    places = [(spot.place.path, spot.line, spot.column) for spot in spots]
    assert places == [*(("a", n + 1, len(str(n)) + 2) for n in range(0, 30_000, 997)), ("b", 1, 1)]
    assert all(b"\n".join(lines)[spot.offset :].startswith(b"needle") for spot in spots[:-1])


def test_a_text_is_never_made_of_two_files() -> None:
    assert _spots(1 << 20, _texts({"a": b"nee", "b": b"dle"}), b"needle") == []


def test_lines_that_follow_each_other_are_one_finding() -> None:
    findings, place = Findings(), ScanPlace("a")
    for line, offset in ((1, 0), (2, 70), (3, 140), (9, 500), (9, 500)):
        findings.add(Spot(place, offset, line, 1), LeakRow(0, "/shop", "KEY", "plain"))
    findings.add(Spot(place, 140, 3, 1), LeakRow(0, "/shop", "OTHER", "plain"))
    assert [(row.line, row.name) for row in findings.rows] == [(1, "KEY"), (9, "KEY"), (3, "OTHER")]


# -- git ---------------------------------------------------------------------------------------------------------------


def _git(folder: Path, *words: str) -> None:
    names = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository_folder(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q")
    for number, name in enumerate(("one", "two")):
        (tmp_path / name).write_text(f"content {number}\n")
        _git(tmp_path, "add", ".")
        _git(tmp_path, "commit", "-qm", f"message {number}")
    (tmp_path / "one").write_text("changed\n")
    return tmp_path


@pytest.mark.parametrize("is_packed", [False, True])
def test_every_object_of_a_history_is_read_once(repository_folder: Path, is_packed: bool) -> None:
    if is_packed:
        _git(repository_folder, "gc", "-q")
    _git(repository_folder, "rm", "-qf", "two")
    _git(repository_folder, "commit", "-qm", "gone")
    contents = _all(repository.history_contents(str(repository_folder)))
    assert sum(b"content" in data and b"tree" not in data for data in contents.values()) == 2
    assert sum(b"message" in data for data in contents.values()) == 2
    names = [name for name, data in contents.items() if data == b"content 1\n"]
    origin = repository.object_origins(str(repository_folder), names)[names[0]]
    assert origin.path == "two"
    assert b"message 1" in contents[origin.commit]


def test_a_repository_has_no_program_run_for_the_signature_of_a_commit(repository_folder: Path) -> None:
    evil = repository_folder / "evil"
    evil.write_text("#!/bin/sh\ntouch $0.ran\n", encoding="ascii")
    evil.chmod(0o755)
    head = subprocess.run(["git", "cat-file", "commit", "HEAD"], cwd=repository_folder, check=True, capture_output=True)
    lines, _, message = head.stdout.partition(b"\n\n")
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----"
    words = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    signed = b"%s\n%s\n\n%s" % (lines, signature, message)
    made = subprocess.run(words, cwd=repository_folder, input=signed, check=True, capture_output=True)
    _git(repository_folder, "update-ref", "refs/heads/signed", made.stdout.decode().strip())
    _git(repository_folder, "config", "log.showSignature", "true")
    _git(repository_folder, "config", "gpg.program", str(evil))
    assert repository.object_origins(str(repository_folder), ["0" * 40])
    assert not evil.with_name("evil.ran").exists()


def test_what_is_staged_is_read_from_the_index(repository_folder: Path) -> None:
    assert _all(repository.staged_contents(str(repository_folder))) == {}
    _git(repository_folder, "add", "one")
    (repository_folder / "one").write_text("changed again\n")
    (repository_folder / "new file").write_text("new\n")
    _git(repository_folder, "add", "new file")
    _git(repository_folder, "rm", "-q", "--cached", "two")
    contents = _all(repository.staged_contents(str(repository_folder)))
    assert contents == {"one": b"changed\n", "new file": b"new\n"}


def test_one_content_is_read_at_each_path_where_it_is_staged(repository_folder: Path) -> None:
    for name in (".env.bak", "copy", "other"):
        (repository_folder / name).write_text("the same\n")
        _git(repository_folder, "add", name)
    contents = _all(repository.staged_contents(str(repository_folder)))
    assert contents == dict.fromkeys((".env.bak", "copy", "other"), b"the same\n")


_SETTINGS = (
    *("diff.orderFile nowhere", "diff.relative true", "diff.external false", "diff.noprefix true", "diff.context 0"),
    *("diff.mnemonicPrefix true", "diff.renames copies", "diff.ignoreSubmodules all", "diff.algorithm patience"),
    *("diff.submodule log", "diff.wsErrorHighlight all", "diff.txt.textconv false", "diff.txt.command false"),
    *("diff.colorMoved zebra", "diff.statGraphWidth 1", "color.ui always", "color.diff always", "core.pager false"),
    *("core.quotePath true", "core.abbrev 4", "log.follow true", "log.diffMerges off", "log.showRoot false"),
    *("log.decorate full", "log.abbrevCommit true", "format.pretty oneline", "log.date unix"),
    *("core.attributesFile .attributes", "core.fsmonitor false"),
)


def test_no_setting_of_a_person_or_a_repository_changes_what_is_read(repository_folder: Path) -> None:
    below = repository_folder / "below"
    below.mkdir()
    (repository_folder / ".attributes").write_text("*.txt diff=txt\n")
    for name in ("below/a", "z ö.txt", "two"):
        (repository_folder / name).write_text(f"{name}\n")
        _git(repository_folder, "add", name)
    staged = _all(repository.staged_contents(str(repository_folder)))
    _git(repository_folder, "commit", "-qm", "third")
    (repository_folder / "two").write_text("fourth\n")
    _git(repository_folder, "add", "two")
    _git(repository_folder, "commit", "-qm", "fourth")
    names = list(_all(repository.history_contents(str(repository_folder))))
    origins = repository.object_origins(str(repository_folder), names)
    assert "z ö.txt" in {origin.path for origin in origins.values()}
    for setting in _SETTINGS:
        _git(repository_folder, "config", *setting.split(" "))
    assert repository.object_origins(str(below), names) == origins
    _git(repository_folder, "reset", "-q", "--soft", "HEAD~2")
    (repository_folder / "two").write_text("two\n")
    _git(repository_folder, "add", "two")
    assert _all(repository.staged_contents(str(below))) == staged


def test_an_object_is_read_and_not_what_replaces_it(repository_folder: Path) -> None:
    _git(repository_folder, "replace", "HEAD:one", "HEAD:two")
    assert b"content 0\n" in _all(repository.history_contents(str(repository_folder))).values()


def test_all_is_staged_before_the_first_commit(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    (tmp_path / "one").write_text("x\n")
    _git(tmp_path, "add", ".")
    assert _all(repository.staged_contents(str(tmp_path))) == {"one": b"x\n"}
