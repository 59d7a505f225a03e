"""The configuration reference is true: each example is read, each error and each output is the real one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from notmodified import Config, ConfigError, cli

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "configuration.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document):
    """Return (language, text, text of the last TOML block before it, whether an error text follows it)."""
    found = BLOCK.findall(document.read_text(encoding="utf-8"))
    settings = ""
    for (language, text), (following, _) in zip(found, [*found[1:], ("", "")], strict=True):
        if language == "toml":
            settings = text
        yield language, text, settings, following == "text"


def of(language, *, wrong):
    return [
        pytest.param(text, settings, id=str(number))
        for number, (kind, text, settings, is_wrong) in enumerate(blocks(REFERENCE))
        if kind == language and is_wrong == wrong
    ]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path("notmodified.toml")


@pytest.mark.parametrize(("text", "settings"), of("toml", wrong=False))
def test_each_example_is_right(file, text, settings):
    file.write_text(text, encoding="utf-8")
    assert Config.load(file)


@pytest.mark.parametrize(("text", "settings"), of("text", wrong=False))
def test_each_error_is_the_real_one(file, text, settings):
    file.write_text(settings, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        Config.load(file)
    assert str(raised.value) == text.strip()


@pytest.mark.parametrize(("text", "settings"), of("console", wrong=False))
def test_each_output_is_the_real_one(file, capsys, text, settings):
    file.write_text(settings, encoding="utf-8")
    command, _, output = text.partition("\n")
    arguments = shlex.split(command.removeprefix("$ notmodified "))
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out == output


def test_the_command_of_the_example_shows_the_policy_that_it_is_for(file, capsys):
    example = (ROOT / "examples" / "notmodified.toml").read_text(encoding="utf-8")
    file.write_text(example, encoding="utf-8")
    command = re.search(r"notmodified (config check .*)", example)[1]
    assert cli.main(shlex.split(command)) == 0
    assert "It gets policy[2]:\n  Cache-Control: no-cache" in capsys.readouterr().out


def test_every_key_has_a_row():
    reference = REFERENCE.read_text(encoding="utf-8")
    keys = re.findall(r"^\| `(\w+)` \|", reference, re.MULTILINE)
    for wrong in ({"?": 1}, {"policy": [{"?": 1}]}, {"policy": [{"cache_control": {"?": 1}}]}):
        with pytest.raises(ConfigError) as raised:
            Config.from_mapping(wrong)
        known = str(raised.value).partition("there are ")[2].split(", ")
        # Directives of requests are keywords of CacheControl, and refused in a policy.
        assert set(known) - {"only_if_cached", "max_stale", "min_fresh"} <= set(keys)


def test_the_example_file_is_right():
    assert Config.load(ROOT / "examples" / "notmodified.toml").policies
