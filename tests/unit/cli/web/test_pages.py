"""What the pages make of rows."""

from envfs.protocol import control
from envfs_cli.web import pages, rendering


def _row(level: str) -> control.LevelRow:
    return control.LevelRow(level, 1, "2026-11-21T09:00:00.000000Z", allowed=True)


def test_levels_are_a_tree_and_no_level_is_lost() -> None:
    top = pages.level_tree([_row(level) for level in ("/shop/prod", "/", "/shop", "/a.b", "/shop/prod/eu")])
    (root,) = top
    assert [node.name for node in root.below] == ["a.b", "shop"]
    assert [node.name for node in root.below[1].below] == ["prod"]
    assert [node.name for node in root.below[1].below[0].below] == ["eu"]


def test_a_level_whose_levels_above_are_not_shown_stands_by_itself() -> None:
    top = pages.level_tree([_row("/shop/prod"), _row("/shop/prod/eu"), _row("/blog")])
    assert [(node.name, [below.name for below in node.below]) for node in top] == [
        ("/blog", []),
        ("/shop/prod", ["eu"]),
    ]


def test_a_hint_has_its_commands_as_code() -> None:
    assert str(rendering.with_commands("run `a <b>` or `c`")) == "run <code>a &lt;b&gt;</code> or <code>c</code>"


def test_a_version_says_which_names_it_changed() -> None:
    row = control.VersionRow(1, "", "", ("A", "B"), (), ("C",))
    assert rendering.changes_of(row) == "added A, B; removed C"
    assert rendering.changes_of(row._replace(added=(), removed=())) == "none"


def test_the_daemon_tells_others_less() -> None:
    report = control.StatusReport("1", 7, 5, "v", "/v", "/m", True, 8, 3, "/l", 9)
    assert len(rendering.status_facts(report)) == 7
    assert rendering.status_facts(report._replace(audience="other")) == [("user", "uid 5")]
    assert [name for name, _ in rendering.status_facts(report._replace(audience="approved"))] == [
        "user",
        "mount",
        "state",
    ]


def test_users_have_names_where_there_are_some() -> None:
    assert [rendering.user_name(uid) for uid in (0, -1, 61_999, 1 << 40)] == ["root", "none", "61999", str(1 << 40)]
