"""Commands without what they need show their usage, all of them alike."""

from __future__ import annotations

import pytest

from notmodified import cli


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (["logs"], "the following arguments are required: FILE"),
        (["config", "check"], "the following arguments are required: FILE"),
        (["check"], "give a URL, or --app MODULE:NAME"),
        (["check", "--json"], "give a URL, or --app MODULE:NAME"),
        (["invalidate"], "nothing to invalidate: give a path, a URL, --group or --all"),
        (["invalidate", "--json"], "nothing to invalidate: give a path, a URL, --group or --all"),
    ],
)
def test_a_command_without_what_it_needs_shows_its_usage(capsys, command, wanted):
    with pytest.raises(SystemExit) as end:
        cli.main(command)
    assert end.value.code == 2
    name = " ".join(["notmodified", *(word for word in command if word != "--json")])
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.startswith(f"usage: {name} ")
    assert printed.err.endswith(f"{name}: error: {wanted}\n")
