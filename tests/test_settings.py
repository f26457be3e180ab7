"""What the environment may say, and what a wrong word in it gets for an answer."""

import os
import re
import runpy
import stat
from unittest import mock

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from dcsportal.environment import local_secret_key

from .conftest import ROOT, python
from .servers.served import SECRET_KEY

REAL_PROJECT = {"DCS_REGION": "eu-west-101", "DCS_PROJECT_ID": "0123456789abcdef"}
REAL_PROJECT |= {"DCS_AK": "an-access-key", "DCS_SK": "a-secret-key"}
PRODUCTION = REAL_PROJECT | {
    "SECRET_KEY": SECRET_KEY,
    "DCS_DEMO": "off",
    "PORTAL_URL": "https://backups.example.com",
    "ALLOWED_HOSTS": "",
    "SSO_ISSUER": "https://sso.example.com",
    "SSO_CLIENT_ID": "portal",
    "COLLECT": "off",  # what is asked for would be a real cloud
}


@pytest.fixture
def load():
    """`load(NAME="value")` is what settings.py makes of that environment, which it leaves as it was."""

    def loaded(**environment):
        os.environ.update(environment)
        return runpy.run_path(
            str(ROOT / "dcsportal" / "settings.py"), run_name="dcsportal.settings_under_test"
        )

    with mock.patch.dict(os.environ):
        yield loaded


# --- Values --------------------------------------------------------------------


def test_an_empty_environment_is_enough_to_load(load):
    values = load(SECRET_KEY="", DCS_DEMO="", DATABASE_URL="", ALLOWED_HOSTS="")

    assert (values["DCS_PROJECTS"], values["DEBUG"]) == ({}, False)
    assert values["PORTAL_URL"] == "http://127.0.0.1:8000"
    assert values["DATABASES"]["default"]["NAME"].endswith("var/portal.sqlite3")


def test_values_are_taken_as_they_are_but_for_the_spaces_around_them(load):
    values = load(
        **REAL_PROJECT | {"DCS_SK": "$HOME", "DCS_DEMO": "off"},
        ALLOWED_HOSTS=" a.example , b.example,",
        DCS_PROJECT_GROUPS="x , y z",
    )

    project = values["DCS_PROJECTS"]["default"]
    assert (project["credentials"].sk, project["groups"]) == ("$HOME", ("x", "y z"))
    assert project["endpoint"] == "https://dcs.eu-west-101.myhuaweicloud.com"
    assert "a-secret-key" not in repr(load(**REAL_PROJECT)["DCS_PROJECTS"])
    assert values["ALLOWED_HOSTS"] == ["a.example", "b.example"]


def test_a_secret_may_be_in_a_file(load, tmp_path):
    (tmp_path / "key").write_text(f"{SECRET_KEY}\n")

    assert load(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key"))["SECRET_KEY"] == SECRET_KEY


def test_the_environment_wins_over_the_env_file(load, tmp_path):
    (tmp_path / "env").write_text("LOG_FORMAT=json\nDCS_PAGE_SIZE=7\nSSO_SESSION_HOURS='3'\n")

    values = load(ENV_FILE=str(tmp_path / "env"), DCS_PAGE_SIZE="9")

    assert (values["LOG_FORMAT"], values["DCS_PAGE_SIZE"]) == ("json", 9)
    assert values["SSO_SESSION_HOURS"] == 3


def test_https_makes_cookies_that_no_other_host_and_no_plain_page_can_set(load):
    values = load(**PRODUCTION)

    for name in ("SESSION", "CSRF"):
        assert values[f"{name}_COOKIE_NAME"] == f"__Host-portal_{name.lower()}"
        assert values[f"{name}_COOKIE_SECURE"]
    assert values["SECURE_HSTS_SECONDS"] > 0
    assert values["CSRF_TRUSTED_ORIGINS"] == ["https://backups.example.com"]
    assert values["ALLOWED_HOSTS"] == ["backups.example.com"]


def test_the_key_of_the_demo_is_made_once_and_is_its_owners(tmp_path):
    path = tmp_path / "var" / "secret-key"

    first, second = local_secret_key(path), local_secret_key(path)

    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


# --- Wrong values --------------------------------------------------------------

WITH_A_PASSWORD = [
    *(
        "https://user:hunter2@x.example",
        "https://user:hunter2@x.example/path",
        "http://user:hunter2%40x.example",
    ),
    *("https://user:%68unter2@x.example:port", "http://x.example/hunter2@", "user:hunter2@x.example"),
    *("https://x.example/?key=hunter2", "https://user:hunter2", "ftp://user:hunter2@x.example"),
]
NO_ADDRESSES = [
    *("DEBUG", "DCS_PAGE_SIZE", "DCS_READ_TIMEOUT", "LOG_FORMAT", "SSO_PROXY_USER_HEADER", "TRUSTED_PROXIES"),
    *("DATABASE_URL", "DCS_PROJECT_NAME", "DCS_REGION"),
]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DEBUG", "tru", "on or off"),
        ("DCS_PAGE_SIZE", "1001", "from 1 to 1000"),
        ("DCS_MAX_RECORDS", "many", "whole number"),
        ("DCS_READ_TIMEOUT", "nan", "seconds"),
        ("SSO_SESSION_HOURS", "1" * 5000, "from 1 to 168"),
        ("LOG_FORMAT", "xml", "json, text"),
        ("EVIDENCE_DAYS", "-1", "from 0 to 36500"),
        ("EVIDENCE_REMARKS", "none", "listed, all"),
        ("COLLECT", "sometimes", "on or off"),
        ("COLLECT_CALLS_PER_SECOND", "0", "a number from 0.01 to 200"),
        ("COLLECT_IDLE_SECONDS", "5", "seconds from 60"),
        ("DATABASE_URL", "mysql://root:hunter2@x/y", "postgresql://"),
        ("PORTAL_URL", "http://backups.example.com", "https"),
        ("PORTAL_URL", "https://backups.example.com/portal", "path"),
        ("PORTAL_URL", "backups.example.com", "https://"),
        ("PORTAL_URL", "https://[::1", "https://"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, nginx", "networks"),
        ("SSO_PROXY_USER_HEADER", "X_User", "hyphens"),
        ("SSO_PROXY_USER_HEADER", "X-User:", "hyphens"),
        ("SSO_PROXY_USER_HEADER", "X-Usér", "hyphens"),
        ("SECRET_KEY_FALLBACKS", "short", "32 characters"),
        ("DCS_PROJECTS_FILE", "/no/such/file", "cannot be read"),
        ("METRICS_TOKEN_FILE", "/no/such/file", "cannot be read"),
        ("METRICS_TOKEN", "short", "16 characters"),
        ("DCS_REGION", "", "is missing"),
        ("DCS_SK", "", "is missing"),
        ("DCS_PROJECT_NAME", "EU Prod", "lower-case"),
        ("DCS_PROJECT_ID", "a/b", "letters"),
        ("DCS_ENDPOINT", "http://dcs.example.com", "https"),
        ("DCS_SK_FILE", "/x", "given twice"),
        *(("PORTAL_URL", value, "") for value in WITH_A_PASSWORD),
        *((name, WITH_A_PASSWORD[0], "") for name in NO_ADDRESSES),
    ],
)
def test_a_wrong_value_is_named_in_one_sentence_without_a_password(load, name, value, says):
    with pytest.raises(ImproperlyConfigured) as caught:
        load(**REAL_PROJECT | {name: value})

    sentence = str(caught.value)
    assert name in sentence
    assert says in sentence
    assert re.fullmatch(r".+\.", sentence)
    assert "unter2" not in sentence


@pytest.mark.parametrize("command", [["manage.py", "check"], ["-c", "import dcsportal.wsgi"]])
def test_a_wrong_value_stops_the_start_without_a_traceback(command):
    result = python(*command, DCS_PAGE_SIZE="1001")

    assert result.returncode == 1
    assert result.stderr.strip() == "DCS_PAGE_SIZE is '1001', but must be a whole number from 1 to 1000."


# --- Projects ------------------------------------------------------------------


def test_several_projects_come_from_a_file_and_their_keys_from_elsewhere(load, tmp_path):
    (tmp_path / "sk").write_text("secret of a file\n")
    content = """
        [projects.eu-prod]
        region = "eu-west-101"
        project_id = "abc"
        ak_env = "EU_AK"
        sk_file = "sk"
        groups = ["dcs-eu"]

        [projects.cn-prod]
        region = "cn-north-4"
        project_id = "def"
        endpoint = "http://127.0.0.1:9000/"
        ak_env = "EU_AK"
        sk_file = "sk"
        security_token_env = "CN_TOKEN"
    """

    values = load(DCS_PROJECTS_FILE=_projects_file(tmp_path, content), EU_AK="an AK", CN_TOKEN="token")

    (eu, cn) = values["DCS_PROJECTS"].values()
    assert list(values["DCS_PROJECTS"]) == ["eu-prod", "cn-prod"]
    assert (eu["credentials"].ak, eu["credentials"].sk) == ("an AK", "secret of a file")
    assert (eu["groups"], cn["endpoint"]) == (("dcs-eu",), "http://127.0.0.1:9000")
    assert cn["credentials"].security_token == "token"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"project_id": None}, "project eu: Object missing required field `project_id`"),
        ({"ak_env": None}, "project eu lacks ak_env or ak_file"),
        ({"ak_file": '"x"'}, "project eu has both ak_env and ak_file"),
        ({"ak_env": '"NOT_SET_ANYWHERE"'}, "project eu: ak_env names NOT_SET_ANYWHERE"),
        ({"sk": '"in the open"'}, "project eu: Object contains unknown field `sk`"),
        ({"endpoint": '"https://user:hunter2@dcs.example.com"'}, "project eu: endpoint"),
        ({"region": '"https://user:hunter2@dcs.example.com"'}, "project eu: region"),
        ({"project_id": "12"}, "project_id"),
        ({"groups": '"dcs-eu"'}, "groups"),
        ({"groups": '[" "]'}, "groups"),
    ],
)
def test_a_wrong_project_of_the_file_is_named_with_its_key(load, tmp_path, change, says):
    right = {"region": '"eu-west-101"', "project_id": '"a"', "ak_env": '"AN_AK"', "sk_env": '"AN_AK"'}
    lines = [f"{key} = {value}" for key, value in (right | change).items() if value is not None]
    path = _projects_file(tmp_path, "\n".join(["[projects.eu]", *lines]))

    with pytest.raises(ImproperlyConfigured) as caught:
        load(DCS_PROJECTS_FILE=path, AN_AK="key")

    sentence = str(caught.value)
    assert sentence.startswith("DCS_PROJECTS_FILE")
    assert says in sentence
    assert not any(secret in sentence for secret in ("in the open", "hunter2"))


@pytest.mark.parametrize("content", ["[projects", "[project.eu]", "projects = 1", "x = 1\n[projects]", "é"])
def test_a_file_without_tables_of_projects_is_named(load, tmp_path, content):
    with pytest.raises(ImproperlyConfigured, match=r"DCS_PROJECTS_FILE names .* must be TOML with"):
        load(DCS_PROJECTS_FILE=_projects_file(tmp_path, content))


def _projects_file(folder, content):
    path = folder / "projects.toml"
    path.write_text(content, encoding="latin-1")
    return str(path)


# --- Settings that are wrong together ------------------------------------------


COMPANY = {"SSO_ISSUER": "https://sso.example.com"}
REAL = {"real": {"endpoint": "https://dcs.eu-west-101.myhuaweicloud.com"}}


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"DCS_DEMO": True, "PORTAL_URL": "https://x.example", "DCS_PROJECTS": REAL}, {"E001", "E002"}),
        ({"DCS_DEMO": False, "SECRET_KEY": ""}, {"E003", "E005", "E006"}),
        (COMPANY | {"SSO_PROXY_USER_HEADER": "X-User"}, {"E004", "E006"}),
        (COMPANY, {"E006", "E007"}),
        ({"SSO_PROXY_USER_HEADER": "X-User"}, {"E006", "E008"}),
    ],
)
def test_what_does_not_fit_together_is_a_problem_with_a_hint(settings, changes, problems):
    for name, value in changes.items():
        setattr(settings, name, value)

    found = run_checks(tags=["portal"], include_deployment_checks=True)

    assert {problem.id for problem in found} == {f"backups.{id}" for id in problems}
    assert all(problem.hint for problem in found)


def test_production_settings_pass_djangos_own_deployment_check():
    result = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert result.returncode == 0, result.stderr


# --- .env.example --------------------------------------------------------------


def test_env_example_lists_every_setting_and_no_other():
    listed = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    read = set()
    for file in ("settings.py", "projects.py"):
        source = (ROOT / "dcsportal" / file).read_text()
        for reader, name in re.findall(r'env\.(\w+)\(\s*"([A-Z_]+)"', source):
            read |= {name, f"{name}_FILE"} if reader == "secret" else {name}

    assert sorted(listed) == sorted(read)


def test_env_example_copied_as_it_is_starts_the_portal(load):
    for name in ("DCS_DEMO", "SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS"):
        os.environ.pop(name)

    values = load(ENV_FILE=str(ROOT / ".env.example"))

    assert values["DCS_DEMO"] is False
    assert values["SSO_SCOPES"] == "openid email profile"
