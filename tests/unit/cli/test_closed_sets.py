"""What no case of a closed set is for ends loudly, and is not shown: it may be anything."""

import pytest

from envfs_cli.closed_sets import Unhandled
from envfs_cli.commands.key import KeyArguments, run_key


def test_a_value_without_a_case_is_a_bug_and_not_shown() -> None:
    with pytest.raises(Unhandled, match="no case for this str") as caught:
        run_key(KeyArguments("hunter2", None, None, None, json=False))  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)
