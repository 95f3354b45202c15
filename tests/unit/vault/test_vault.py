"""A vault: its tree of levels, and the places that the keyholder is asked about."""

import time
from pathlib import Path

import pytest

from envfs.core import names, record
from envfs.core.addresses import RecordAddress, SealedLayer
from envfs.core.record import Record, RecordHeader
from envfs.errors import AlreadyExists, NoSuchLevel, NoVault, RolledBack, StoreUnavailable
from envfs.store.directory import DirectoryStore
from envfs.vault import vault
from envfs.vault.description import Description
from envfs.vault.high_water import Memory
from envfs.vault.vault import Vault

ABOUT = Description("vault-1", "2026-11-21T08:09:10.123456Z", "age1x", "c2ln")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def store(root: Path) -> DirectoryStore:
    made = DirectoryStore(root)
    vault.write_vault(made, ABOUT)
    return made


@pytest.fixture
def keeper(store: DirectoryStore, tmp_path: Path) -> Vault:
    return Vault(store, Memory(tmp_path / "seen.jsonl"))


def write(keeper: Vault, level: str, text: str = "", hour: int = 8) -> bytes:
    """Append a record without a keyholder: its outside is right, its inside is nobody's concern here."""
    project = names.project(level)
    if keeper.key_head(project) is None:
        keeper.append_key(project, 1, f"key of {project}".encode())
    place = keeper.next_place(record.level_stream(level))
    header = RecordHeader("kid", *place, "author", f"2026-11-21T{hour:02}:00:00.000000Z")
    made = Record(header, record.protect_header(header), b"i" * 12, text.encode(), b"t" * 16, b"s" * 64)
    data = record.render_record(made)
    assert keeper.append(level, place.seq, data)
    return data


def later() -> None:
    """Let looks of a moment ago be over."""
    time.sleep(0.08)


# -- making and opening ------------------------------------------------------------------------------------------------


def test_a_vault_that_was_made_is_opened(keeper: Vault) -> None:
    assert keeper.description == ABOUT
    assert keeper.levels() == ("/",)
    assert keeper.streams() == ()


def test_a_vault_is_made_once(store: DirectoryStore) -> None:
    with pytest.raises(AlreadyExists):
        vault.write_vault(store, ABOUT._replace(id="other"))


def test_where_there_is_none_none_is_opened(tmp_path: Path) -> None:
    with pytest.raises(NoVault):
        Vault(DirectoryStore(tmp_path / "nothing"), Memory(tmp_path / "seen.jsonl"))


# -- the tree ----------------------------------------------------------------------------------------------------------


def test_levels_come_to_be_with_their_first_text_and_their_ancestors_with_them(keeper: Vault) -> None:
    for level in ("/shop/prod/eu", "/blog", "/shop"):
        write(keeper, level)
    assert keeper.levels() == ("/", "/blog", "/shop", "/shop/prod", "/shop/prod/eu")
    assert keeper.children("/") == {"blog", "shop"}
    assert keeper.children("/shop") == {"prod"}
    assert keeper.children("/shop/prod") == {"eu"}
    assert keeper.children("/blog") == frozenset()
    assert keeper.children("/none") == frozenset()


@pytest.mark.parametrize(
    ("level", "there"),
    [
        ("/", True),
        ("/shop", True),
        ("/shop/prod", True),
        ("/shop/prod/eu", True),
        ("/shop/prod/us", False),
        ("/shop/eu", False),
        ("/sho", False),
        ("/shop2", False),
        ("/prod", False),
    ],
)
def test_a_level_is_there_if_it_or_one_below_has_text(keeper: Vault, level: str, there: bool) -> None:
    write(keeper, "/shop/prod/eu")
    assert keeper.exists(level) is there


def test_the_top_level_is_there_without_text_and_has_text_of_its_own(keeper: Vault) -> None:
    assert keeper.exists("/")
    write(keeper, "/")
    assert keeper.levels() == ("/",)
    assert keeper.children("/") == frozenset()


def test_levels_named_like_parts_of_a_vault_are_levels(keeper: Vault) -> None:
    for level in ("/key", "/level", "/tree/level", "/vault.toml"):
        write(keeper, level)
    assert keeper.levels() == ("/", "/key", "/level", "/tree", "/tree/level", "/vault.toml")
    assert keeper.children("/") == {"key", "level", "tree", "vault.toml"}


def test_a_level_that_another_process_made_is_found(keeper: Vault, store: DirectoryStore, tmp_path: Path) -> None:
    assert keeper.children("/") == frozenset()
    later()
    write(Vault(store, Memory(tmp_path / "other.jsonl")), "/shop/prod")
    later()
    assert keeper.children("/") == {"shop"}
    assert keeper.exists("/shop/prod")


def test_a_tree_that_could_not_be_listed_is_listed_again(
    keeper: Vault, store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keeper.children("/") == frozenset()
    later()
    write(Vault(store, Memory(tmp_path / "other.jsonl")), "/shop")
    later()

    def broken(prefix: str) -> None:
        raise StoreUnavailable("cannot read the vault")

    with monkeypatch.context() as patch:
        patch.setattr(store, "list", broken)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                keeper.children("/")
    assert keeper.children("/") == {"shop"}


# -- versions and places -----------------------------------------------------------------------------------------------


def test_the_versions_of_a_chain_are_the_fingerprint_of_a_view(keeper: Vault) -> None:
    assert keeper.versions("/shop/prod") == (0, 0, 0)
    write(keeper, "/")
    assert keeper.versions("/shop/prod") == (1, 0, 0)
    write(keeper, "/shop/prod")
    write(keeper, "/shop/prod")
    assert keeper.versions("/shop/prod") == (1, 0, 2)
    assert keeper.versions("/") == (1,)


def test_what_another_process_wrote_changes_the_fingerprint(
    keeper: Vault, store: DirectoryStore, tmp_path: Path
) -> None:
    write(keeper, "/shop")
    later()
    assert keeper.versions("/shop") == (0, 1)
    write(Vault(store, Memory(tmp_path / "other.jsonl")), "/shop")
    later()
    assert keeper.versions("/shop") == (0, 2)


@pytest.mark.parametrize(
    ("version", "versions"), [(1, (1, 0, 1)), (2, (2, 1, 2)), (3, (3, 1, 3))], ids=["first", "second", "third"]
)
def test_an_old_version_comes_with_the_ancestors_of_its_time(
    keeper: Vault, version: int, versions: tuple[int, ...]
) -> None:
    for level, hour in (
        *(("/", 1), ("/shop/prod", 2), ("/", 3), ("/shop", 4), ("/shop/prod", 5)),
        *(("/", 6), ("/shop/prod", 6), ("/", 7), ("/shop", 8)),
    ):
        write(keeper, level, hour=hour)
    assert keeper.versions_at("/shop/prod", version) == versions


@pytest.mark.parametrize("version", [0, -1, 2, 10**30])
def test_a_version_that_there_is_not_is_named(keeper: Vault, version: int) -> None:
    write(keeper, "/shop")
    with pytest.raises(NoSuchLevel, match=f"no version {version}"):
        keeper.versions_at("/shop", version)
    with pytest.raises(NoSuchLevel):
        keeper.header("/shop", version)


def test_a_place_names_vault_stream_number_and_what_was_before(keeper: Vault) -> None:
    stream = "level/shop"
    assert keeper.next_place(stream) == RecordAddress("vault-1", stream, 1, "")
    first = write(keeper, "/shop")
    second = write(keeper, "/shop")
    assert keeper.place(stream, 1) == RecordAddress("vault-1", stream, 1, "")
    assert keeper.place(stream, 2) == RecordAddress("vault-1", stream, 2, record.digest(first))
    assert keeper.next_place(stream) == RecordAddress("vault-1", stream, 3, record.digest(second))


def test_layers_carry_records_and_each_projects_key_once(keeper: Vault) -> None:
    root, shop, prod = write(keeper, "/"), write(keeper, "/shop"), write(keeper, "/shop/prod")
    layers, blobs = keeper.layers([("/", 1), ("/shop", 1), ("/shop/prod", 1), ("/shop/prod/eu", 0)])
    assert sorted(blobs) == sorted([root, shop, prod, b"key of /", b"key of /shop"])
    assert [layer.level for layer in layers] == ["/", "/shop", "/shop/prod"]
    assert [blobs[layer.record_blob] for layer in layers] == [root, shop, prod]
    assert [blobs[layer.key_blob] for layer in layers] == [b"key of /", b"key of /shop", b"key of /shop"]
    assert layers[2] == SealedLayer(
        "/shop/prod",
        RecordAddress("vault-1", "level/shop/prod", 1, ""),
        layers[2].record_blob,
        RecordAddress("vault-1", "key/shop", 1, ""),
        layers[2].key_blob,
    )


def test_a_number_is_given_once(keeper: Vault) -> None:
    data = write(keeper, "/shop")
    assert keeper.append("/shop", 1, data) is False


def test_accepting_a_level_accepts_its_projects_key_too(keeper: Vault, root: Path) -> None:
    write(keeper, "/shop")
    write(keeper, "/shop")
    (root / "level/shop/@00000002.json").unlink()
    (root / "key/shop/@00000001.age").write_bytes(b"another key")
    later()
    for _ in range(2):
        with pytest.raises(RolledBack):
            keeper.head("/shop")
        with pytest.raises(RolledBack):
            keeper.versions("/shop")
    assert keeper.accept("/shop") == 1
    assert keeper.versions("/shop") == (0, 1)


def test_every_stream_that_is_or_was_is_listed(keeper: Vault, root: Path) -> None:
    write(keeper, "/")
    write(keeper, "/shop")
    (root / "level/shop/@00000001.json").unlink()
    assert keeper.streams() == ("key", "key/shop", "level", "level/shop")


def test_the_keys_of_a_stream_are_its_own_and_strangers_in_its_folder(keeper: Vault, root: Path) -> None:
    write(keeper, "/")
    write(keeper, "/shop")
    (root / "level/@00000009.json").write_bytes(b"")
    (root / "level/notes.txt").write_bytes(b"")
    assert keeper.keys_of("level") == ("level/@00000001.json", "level/@00000009.json")


# -- keys of projects --------------------------------------------------------------------------------------------------


def test_a_project_is_there_by_its_key_file_and_by_nothing_else(keeper: Vault, root: Path) -> None:
    write(keeper, "/shop")
    for path in (
        "key/stray",
        "key/empty/.DS_Store",
        "key/half/@1.age",
        "key/text/@00000001.json",
        "key/-x/@00000001.age",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    assert keeper.projects() == ("/shop",)
    write(keeper, "/")
    assert keeper.projects() == ("/", "/shop")


def test_what_cannot_be_the_name_of_a_level_is_none_whoever_put_it_there(keeper: Vault, root: Path) -> None:
    write(keeper, "/shop")
    for path in ("tree/shop/ü/@", "tree/.git/@", "tree/shop/notes.txt", "tree/a b/@"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    later()
    assert keeper.levels() == ("/", "/shop")
    assert keeper.children("/") == {"shop"}
    assert keeper.children("/shop") == set()


def _keys(root: Path) -> list[int]:
    return [len(path.read_bytes()) for path in sorted((root / "key/shop").glob("@*"))]


def test_only_the_newest_key_file_keeps_its_bytes(keeper: Vault, root: Path) -> None:
    for seq in range(1, 6):
        assert keeper.append_key("/shop", seq, b"key")
    assert keeper.has_old_keys("/shop")
    keeper.forget_old_keys("/shop")
    assert _keys(root) == [0, 0, 0, 0, 3]
    assert not keeper.has_old_keys("/shop")


@pytest.mark.parametrize("back", [1, 2, 3, 4])
def test_an_old_key_file_that_came_back_is_noticed_and_forgotten_wherever_it_stands(
    keeper: Vault, root: Path, back: int
) -> None:
    """A crash in the middle of forgetting, or a backup copied over the vault, leaves one among empty ones."""
    for seq in range(1, 6):
        keeper.append_key("/shop", seq, b"key")
    keeper.forget_old_keys("/shop")
    (root / f"key/shop/@0000000{back}.age").write_bytes(b"old key")
    assert keeper.has_old_keys("/shop")
    keeper.forget_old_keys("/shop")
    assert _keys(root) == [0, 0, 0, 0, 3]


def test_an_old_version_is_read_once_and_again_when_another_file_stands_in_its_place(
    keeper: Vault, store: DirectoryStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write(keeper, "/shop", f"N={number}", 8 + number)
    later()
    read: list[str] = []
    get = store.get
    monkeypatch.setattr(store, "get", lambda key: read.append(key) or get(key))  # type: ignore[func-returns-value]
    first = keeper.chain_at("/shop", 1)
    assert first.versions == (0, 1)
    later()
    before = len(read)
    for _ in range(5):
        assert keeper.chain_at("/shop", 1) == first
    assert len(read) == before
    path = root / record.record_key("level/shop", 1)
    path.unlink()
    path.write_bytes((root / record.record_key("level/shop", 2)).read_bytes())
    later()
    assert keeper.chain_at("/shop", 1).digests != first.digests
    path.unlink()
    later()
    with pytest.raises(NoSuchLevel):
        keeper.chain_at("/shop", 1)


def test_an_old_version_has_what_was_above_it_then_whatever_is_written_there_later(keeper: Vault) -> None:
    write(keeper, "/", "A=1", 7)
    write(keeper, "/shop", "B=1", 8)
    write(keeper, "/shop", "B=2", 10)
    later()
    assert keeper.chain_at("/shop", 1).versions == (1, 1)
    write(keeper, "/", "A=2", 9)
    assert keeper.chain_at("/shop", 1).versions == (1, 1)
    assert keeper.chain_at("/shop", 2).versions == (2, 2)
