"""Config: from keywords, mappings and files to what holds; what is wrong is refused with the reason."""

from __future__ import annotations

import datetime as dt
import os
from collections import UserDict

import pytest

from notmodified import CacheControl, Config, ConfigError, NotModified

PAGE = {"path": "/a/*", "cache_control": {"public": True, "max_age": 60}}
WRITTEN = """
max_body = 5

[[policy]]
path = "/a/*"
cache_control = { public = true, max_age = 60 }
"""


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def answer(wrapped, path="/a/b"):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path}
    fields = {}
    wrapped(environ, lambda _status, headers, _exc_info=None: fields.update(headers))
    return fields


def refusal(**options):
    with pytest.raises(ConfigError) as raised:
        Config(**options)
    return str(raised.value)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "notmodified.toml"
    path.write_text(WRITTEN, encoding="utf-8")
    return path


def test_nothing_said_is_the_documented_defaults():
    config = Config()
    assert (config.head_as_get, config.tag_suffixes, config.has_tag_key) == (True, True, False)
    assert (config.max_body, config.max_file, config.policies) == (4_194_304, 67_108_864, [])


def test_keywords_mappings_and_files_say_the_same(file, tmp_path):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(
        "[project]\nname = 'x'\n[tool.notmodified]\nmax_body = 5\n"
        "[[tool.notmodified.policy]]\npath = '/a/*'\ncache_control = 'public, max-age=60'\n",
        encoding="utf-8",
    )
    mapping = {"max_body": 5, "policy": [PAGE]}
    configs = [
        Config(max_body=5, policy=[PAGE]),
        Config.from_mapping(mapping),
        Config.from_mapping(UserDict(mapping)),
        Config.load(file),
        Config.load(str(file)),
        Config.load(pyproject),
    ]
    assert [config.max_body for config in configs] == [5] * 6
    assert all(config.policies == configs[0].policies for config in configs)
    assert configs[0].policies == [
        {
            "path": ["/a/*"],
            "method": ["GET"],
            "status": ["2xx"],
            "media_type": [],
            "preset": None,
            "versioned": False,
            "cache_control": "public, max-age=60",
            "with_cookies": "private, max-age=60",
            "notmodified_cache_control": None,
            "fields": {},
            "expires": None,
            "vary": [],
            "etag": "auto",
            "ignore": None,
            "take_over": False,
            "override": False,
            "preconditions": None,
            "require": False,
        }
    ]


def test_notmodified_takes_each_of_them(file):
    for config in (file, str(file), Config.load(file), {"policy": [PAGE]}):
        assert answer(NotModified(application, config))["Cache-Control"] == "public, max-age=60"
    assert answer(NotModified(application, policy=[PAGE]))["Cache-Control"] == "public, max-age=60"
    assert "Cache-Control" not in answer(NotModified(application))


def test_keywords_are_laid_over_the_rest(file):
    config = Config.load(file)
    for given in (file, config, {"policy": [PAGE]}):
        assert "Cache-Control" not in answer(NotModified(application, given, policy=[]))
        assert "Cache-Control" in answer(NotModified(application, given, max_body=1))
    assert config.policies, "the Config itself is as it was"


def test_none_counts_as_left_out_and_tuples_as_lists():
    config = Config(max_body=None, policy=({"path": ("/a", "/b"), "expires": None},))
    assert config.max_body == 4_194_304
    assert config.policies[0]["path"] == ["/a", "/b"]


def test_a_cache_control_object_is_what_it_says():
    for directives in (CacheControl(private=["Set-Cookie"], max_age=5), CacheControl.parse("max-age=5, x")):
        config = Config(policy=[{"cache_control": directives}])
        assert config.policies[0]["cache_control"] == str(directives)


def test_an_error_names_the_place_the_value_and_what_is_right(file):
    file.write_text(WRITTEN.replace("60", '"60 s"'), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        NotModified(application, file)
    assert str(raised.value) == (
        f'{file}:6: policy[0].cache_control.max_age = "60 s": '
        "expected a whole number of seconds, from 0 to 2147483648, "
        'or a time such as "90s", "15m", "1h", "30d" or "2w"'
    )
    assert isinstance(raised.value, ValueError)


def test_what_is_wrong_in_keywords_is_told_of_them_and_not_of_the_file(file):
    with pytest.raises(ConfigError, match=r"^keyword argument: max_body = -1: expected"):
        NotModified(application, file, max_body=-1)
    with pytest.raises(ConfigError, match=r"^mapping: max_bodi = 1: no such key, did you mean max_body\?"):
        NotModified(application, {"max_bodi": 1})


def test_a_key_beside_policy_that_was_put_into_one_is_told_where_it_belongs():
    with pytest.raises(
        ConfigError, match=r"policy\[0\]\.store = .host.: no such key here; store is a key beside policy"
    ):
        NotModified(application, {"policy": [{"store": "host"}]})


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"cache_control": "no-store, max-age=60"}, "max-age=60 is never used"),
        ({"cache_control": {"public": True, "private": True}}, "public allows them to"),
        ({"cache_control": {"max_age": -1}}, "policy[0].cache_control.max_age = -1"),
        ({"cache_control": {"max_age": True}}, "policy[0].cache_control.max_age = true"),
        ({"cache_control": {"extensions": {"x": "a\r\nSet-Cookie: b"}}}, "control characters"),
        ({"cache_control": {"extensions": {"x: y": True}}}, "no directive name"),
        ({"cache_control": 'x="a\r\nb"'}, "control characters"),
        ({"cache_control": {"no_cache": ["a\nb"]}}, "policy[0].cache_control.no_cache[0]"),
        ({"vary": ["Accept\r\nX: y"]}, "expected the name of a field"),
        ({"vary": "Accept, Cookie"}, "expected the name of a field"),
        ({"method": "GET\r\n"}, "expected a method"),
        ({"path": "a"}, "a path starts with `/`"),
        ({"path": "/{a}/{a}"}, "`{a}` is there twice"),
        ({"path": "/{a,b}"}, "braces hold the name"),
        ({"media_type": "html"}, "type/subtype"),
        ({"status": 304}, "write 200"),
        ({"expires": 1.5}, "expected a whole number of seconds"),
        ({"expires": 2**31 + 1}, "from 0 to 2147483648"),
        ({"etag": "strong"}, '"auto", "content", "weak" or "off"'),
        ({"take_over": True, "status": 200}, "decided before the app runs"),
        ({"take_over": True, "method": "PUT"}, "only GET and HEAD are judged"),
        ({"overide": True}, "did you mean override?"),
    ],
)
def test_what_cannot_be_meant_is_refused(policy, reason):
    text = refusal(policy=[policy])
    assert text.startswith("keyword argument: policy[0].")
    assert reason in text
    assert "\n" not in text
    assert "\r" not in text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"policy": [{"expires": dt.timedelta(1)}]}, r"^policy\[0\]\.expires: timedelta is no setting"),
        ({"tag_key": b"very secret indeed"}, "^tag_key: bytes is no setting"),
        ({"policy": [{5: 6}]}, r"^policy\[0\]: a key is a string, not 5"),
        ({"policy": {"path": {"/a"}}}, r"^policy\.path: set is no setting"),
    ],
)
def test_a_value_that_no_setting_has_is_a_type_error(options, reason):
    with pytest.raises(TypeError, match=reason):
        Config(**options)


def test_a_number_beyond_all_bounds_is_a_value_error():
    with pytest.raises(ValueError, match=r"^max_body: the number is greater than any that is right here"):
        Config(max_body=2**70)


def test_a_list_that_contains_itself_is_a_value_error():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested too deep"):
        Config(policy=endless)


@pytest.mark.parametrize("config", [5, [PAGE], object()])
def test_what_is_no_configuration_is_a_type_error(config):
    with pytest.raises(TypeError, match="config is a path, a Config or a mapping"):
        NotModified(application, config)


def test_a_file_that_cannot_be_read_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.toml"):
        Config.load(tmp_path / "none.toml")
    with pytest.raises(IsADirectoryError):
        Config.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"max_body = ", r":1: no TOML: "),
        (b"\n\nmax_body = 1\nmax_body = 2", r":4: no TOML: "),
        (b"\xff", "no TOML: the file is not UTF-8"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(tmp_path, content, reason):
    path = tmp_path / "notmodified.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        Config.load(path)


def test_a_project_without_the_table_is_refused(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\nname = 'x'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"there is no table \[tool\.notmodified\]"):
        Config.load(path)


def test_a_tag_key_is_read_from_the_environment_and_never_shown(monkeypatch):
    secret = "a secret that nobody guesses"
    monkeypatch.setenv("NOTMODIFIED_TAG_KEY", secret)
    config = Config(tag_key="env:NOTMODIFIED_TAG_KEY")
    assert config.has_tag_key
    assert secret not in repr(config)
    keyed = answer(NotModified(application, config))["ETag"]
    assert keyed == answer(NotModified(application, tag_key=secret))["ETag"]
    assert keyed != answer(NotModified(application))["ETag"]


def test_a_tag_key_that_is_missing_or_short_is_refused_without_repeating_it(monkeypatch):
    monkeypatch.delenv("NOTMODIFIED_TAG_KEY", raising=False)
    assert "NOTMODIFIED_TAG_KEY" not in os.environ
    assert refusal(tag_key="env:NOTMODIFIED_TAG_KEY").startswith(
        "keyword argument: tag_key: the environment has"
    )
    assert "hush" not in refusal(tag_key="hush hush")
    assert "hush" not in refusal(policy=[], tag_key=["hush hush"])


def test_explain_has_a_word_for_each_policy():
    config = Config(
        policy=[
            {"path": "/b"},
            {"path": "/a/*", "method": "POST"},
            {"path": "/a/*", "status": 404},
            {"path": "/a/*", "media_type": "text/html"},
            {"path": "/a/{x}"},
            {},
        ]
    )
    assert config.explain("/a/b") == ["path", "method", "status", "media-type", "applies", "later"]
    assert config.explain("/a/b", status=404) == ["path", "method", "applies", "status", "status", "status"]
    assert config.explain("/a/b", media_type="Text/HTML; charset=utf-8")[3:] == ["applies", "later", "later"]
    assert config.explain("/a/b", method="HEAD") == config.explain("/a/b")
    assert config.explain("/a/b", method="POST")[1] == "applies"


def test_takes_over_is_known_before_the_response():
    taking = {"path": "/a/*", "take_over": True}
    assert Config(policy=[taking]).takes_over("/a/b")
    assert not Config(policy=[taking]).takes_over("/a/b", method="POST")
    assert not Config(policy=[{"path": "/**"}, taking]).takes_over("/a/b")
    assert Config(policy=[{"path": "/**", "status": 404}, taking]).takes_over("/a/b")
    assert Config(policy=[taking]).policies[0]["etag"] == "content"


def test_a_path_is_matched_as_the_server_hands_it_over():
    policy = [{"path": "/größe/*", "cache_control": "no-cache"}]
    wrapped = NotModified(application, policy=policy)
    path_info = "/größe/日本".encode().decode("latin-1")
    assert answer(wrapped, path_info)["Cache-Control"] == "no-cache"


def test_a_thousand_policies_are_read_and_found():
    policy = [{"path": f"/s{n}/{{slug}}/**", "cache_control": {"max_age": n}} for n in range(1000)]
    wrapped = NotModified(application, policy=policy)
    assert answer(wrapped, "/s777/x/y/z")["Cache-Control"] == "max-age=777"
    assert "Cache-Control" not in answer(wrapped, "/s1000/x/y")
