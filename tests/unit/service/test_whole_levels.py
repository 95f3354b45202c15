"""Which levels are checked together."""

from envfs.service.maintenance.whole_levels import grouped


def test_levels_of_few_records_are_checked_together_and_each_other_stream_alone() -> None:
    sizes = {
        "key/shop": 1,
        "level/a": 2,
        "level/b": 60,
        "level/c": 3,
        "level/gone": 0,
        "level/long": 100,
        "level/shop": 1,
        "level/shop/prod": 1,
        "log/0123456789abcdef": 4,
    }
    assert list(grouped(sizes, sizes)) == [
        ["key/shop"],
        ["level/a", "level/b"],
        ["level/c"],
        ["level/gone"],
        ["level/long"],
        ["level/shop", "level/shop/prod"],
        ["log/0123456789abcdef"],
    ]
