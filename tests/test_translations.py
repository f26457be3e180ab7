"""Simplified Chinese: nothing is missing or half English, and a link means the same in both languages."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polib
import pytest
from django.test import Client
from django.utils.translation import override
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID, instance_details
from backups.services import problems
from backups.services.words import codes
from backups.services.words.codes import Words

from .conftest import ROOT

CATALOGUE = ROOT / "backups" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
MAKE = ["makemessages", "-l", "zh_Hans", "--no-wrap", "--no-location", "--ignore=tests"]
PO = polib.pofile(str(CATALOGUE))
Key = tuple[str | None, str, str]

# The catalogue -------------------------------------------------------------------


def key(entry: polib.POEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural


def translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def placeholders(text: str) -> Counter[str]:
    return Counter(re.findall(r"%\(\w+\)[a-z]|%%|\{\w*\}|</?\w+>", text))


def test_every_message_is_translated() -> None:
    assert [key(entry) for entry in PO if not all(translations(entry))] == []


def test_no_message_is_fuzzy_or_obsolete() -> None:
    assert [key(entry) for entry in PO if entry.fuzzy or entry.obsolete] == []


def test_chinese_has_one_plural_form() -> None:
    assert PO.metadata["Plural-Forms"] == "nplurals=1; plural=0;"
    assert all(list(entry.msgstr_plural) == [0] for entry in PO if entry.msgid_plural)


def test_placeholders_and_tags_are_the_same_on_both_sides() -> None:
    differing = [
        key(entry)
        for entry in PO
        if placeholders(entry.msgid_plural or entry.msgid) != placeholders(translations(entry)[0])
    ]

    assert differing == []


def test_sentences_end_with_a_chinese_full_stop() -> None:
    english = re.compile(r"[a-z]{2}[.]$")
    wrong = [
        key(entry)
        for entry in PO
        if english.search(entry.msgid_plural or entry.msgid) and not translations(entry)[0].endswith("。")
    ]

    assert wrong == []


def test_chinese_is_written_with_full_width_marks_and_spaces_around_latin() -> None:
    han = r"[\u4e00-\u9fff]"
    glued = re.compile(rf"{han}[,;:!?()]|[,;:!?()]{han}|{han}[A-Za-z0-9]|[A-Za-z0-9]{han}")
    texts = {key(entry): re.sub(r"%\(\w+\)[a-z]|<[^>]*>", "", translations(entry)[0]) for entry in PO}

    wrong = [
        one
        for one, text in texts.items()
        if glued.search(text) and one[1] not in ("j M Y", "j M", "D j M", "M")
    ]

    assert wrong == []


def test_the_compiled_catalogue_says_what_the_written_one_says() -> None:
    compiled = polib.mofile(str(CATALOGUE.with_suffix(".mo")))

    said = {key(entry): translations(entry) for entry in compiled}

    assert said == {key(entry): translations(entry) for entry in PO}
    assert compiled.metadata["Plural-Forms"] == PO.metadata["Plural-Forms"]


@pytest.mark.needs("xgettext", "gettext")
@pytest.mark.needs("msgfmt", "gettext")
def test_the_catalogue_has_the_strings_of_code_and_templates_and_no_other(tmp_path: Path) -> None:
    for folder in ("backups", "dcsportal", "templates"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.mo")
        )
    shutil.copy(ROOT / "manage.py", tmp_path)
    made = tmp_path / CATALOGUE.relative_to(ROOT)
    made.unlink()

    done = subprocess.run(
        [sys.executable, "manage.py", *MAKE], cwd=tmp_path, env=os.environ, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    in_code = {key(entry) for entry in polib.pofile(str(made))}
    in_catalogue = {key(entry) for entry in PO}
    assert in_code - in_catalogue == set(), "run makemessages: docs/developing.md"
    assert in_catalogue - in_code == set(), "run makemessages: docs/developing.md"


@pytest.mark.needs("msgfmt", "gettext")
def test_gettext_itself_finds_nothing_wrong_with_the_catalogue() -> None:
    done = subprocess.run(
        ["msgfmt", "--check", "-o", os.devnull, str(CATALOGUE)], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


# The words -----------------------------------------------------------------------

PROBLEMS = problems._WORDS | {
    code: texts for (_, code), texts in problems._WORDS_OF_CODE.items() if code != "DCS.1004"
}
WORDS: dict[str, dict[str, Words]] = {
    "status": codes.STATUS_WORDS,
    "type": codes.TYPE_WORDS,
    "restorable": codes.RESTORABLE_WORDS,
    "cache mode": codes.CACHE_MODE_WORDS,
    "status of an instance": codes.INSTANCE_STATUS_WORDS,
    "reason": codes.REASON_WORDS,
    "doubt of a time": codes.DOUBT_WORDS,
    "block of a restore": codes.BLOCK_WORDS,
    "meaning of an error code": {code: known.meaning for code, known in codes.ERROR_CODES.items()},
    "problem": {kind: texts[0] for kind, texts in PROBLEMS.items()},
    "what happened": {kind: texts[1] for kind, texts in PROBLEMS.items()},
}


@pytest.mark.parametrize("kind", WORDS)
def test_each_code_has_its_own_words_in_both_languages(kind: str) -> None:
    english, chinese = (said(language, WORDS[kind].values()) for language in ("en", "zh-hans"))

    assert not set(english) & set(chinese)
    assert len(set(english)) == len(set(chinese)) == len(WORDS[kind])


def test_what_to_do_about_a_problem_is_said_in_both_languages() -> None:
    steps = [
        *(texts[2] for texts in PROBLEMS.values()),
        *(known.next_step for known in codes.ERROR_CODES.values()),
    ]

    assert not set(said("en", steps)) & set(said("zh-hans", steps))


def said(language: str, texts: Iterable[Words]) -> list[str]:
    with override(language):
        return [str(text) for text in texts]


def test_the_vendor_s_own_words_stand_for_statuses_and_error_codes() -> None:
    with override("zh-hans"):
        statuses = {code: str(word) for code, word in codes.STATUS_WORDS.items()}
        busy = str(codes.ERROR_CODES["dcs.08.0008"].meaning)

    assert statuses == {
        "waiting": "等待中",
        "backuping": "备份中",
        "succeed": "备份成功",
        "failed": "备份失败",
        "expired": "已过期",
        "deleted": "已删除",
    }
    assert busy == "自动备份任务未运行，实例正在运行其他任务。"


# The pages -----------------------------------------------------------------------

PROJECT = "/projects/eu-prod/"
ORDERS = f"{PROJECT}instances/{ORDERS_CACHE_ID}/"
LATIN = re.compile(r"[A-Za-z][A-Za-z'’]*")
# Ids of calls, codes of errors, permissions, huge numbers, addresses, time zones.
CODES = re.compile(
    r"(?:```sh |\{noformat\} )?hcloud DCS \w+ .*|--offset=|https?://\S+|\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+\b|\b[0-9a-f]{32}\b|\b(?:dcs|DCS|APIGW|APIG)\.[0-9.]+|\bdcs:\w+:\w+|\d[\d.]*e\+\d+"
)
# What is written the same in Chinese: names of products, formats and units, and the switch to English.
KNOWN = set(
    re.findall(
        r"\w+",
        "DCS UTC Redis Memcached Cluster Proxy GB MB TB KB RDB AOF CSV JSON ID HTTP API AK SK OBS Endpoint "
        "Cookie IANA URL English hcloud Asia Shanghai Europe Berlin T Z Ctrl Alt Cmd Esc CLI Explorer "
        "Markdown Jira Wiki h",
    )
)


class Visible(HTMLParser):
    """Collects what a viewer sees, hears or finds in a hovered title."""

    SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-copied")
    SILENT = ("script", "style", "template")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self.inside.append(tag)
        self.texts += [value for name, value in attributes if name in self.SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT:
            self.inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self.inside and data.strip():
            self.texts.append(" ".join(data.split()))


def english_in(response: Any, data: Iterable[str]) -> list[str]:
    """Texts of a page with Latin words that are neither known nor data of the fleet or the query."""
    texts = Visible(response.content.decode()).texts
    return [text for text in dict.fromkeys(texts) if unknown_words(text, data)]


def unknown_words(text: str, data: Iterable[str]) -> list[str]:
    # Before a value that is a part of one is taken out of it.
    text = re.sub(r"https?://\S+|\b[0-9a-f]{32}\b", " ", text)
    for value in data if not_known(text) else ():
        if text.endswith(("…", "...")) and value.startswith(text.rstrip("….")):
            return []
        if value in text:
            text = re.sub(rf"(?<![A-Za-z]){re.escape(value)}(?![A-Za-z])", " ", text)
    return not_known(text)


def not_known(text: str) -> list[str]:
    return [word for word in LATIN.findall(CODES.sub(" ", text)) if word not in KNOWN]


@pytest.fixture
def data(emulator: Emulator) -> list[str]:
    """Every text of the fleet, as the pages may quote it: names, ids, remarks, fields and values."""
    texts = {"Ada Novak", "ada@demo.invalid", "dcs-all", "AN", "Ada", "null", "true", "false"}
    for project in emulator.fleet.projects:
        texts |= {project.name, project.region, project.project_id}
        for instance in emulator.fleet.instances(project):
            texts |= set(strings(instance_details(instance)))
    for instance in (ORDERS_CACHE_ID, *(emulator.fleet.named(name).instance_id for name in SHOWN)):
        for row in emulator.fleet.backups(instance):
            texts |= set(strings(json.loads(row.text)))
    texts |= {part for text in texts if LATIN.search(text) for part in re.split(r"(?<=-)", text)}
    return sorted((text for text in texts if LATIN.search(text)), key=len, reverse=True)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield " ".join(value.split())


SHOWN = ("every-status", "every-error-code", "odd-fields")


@pytest.fixture
def chinese(portal: Settings, client_of: Callable[[str], Client]) -> Client:
    """A browser that shows Chinese, with Ada signed in."""
    client = client_of("ada")
    client.cookies["portal_language"] = "zh-hans"
    return client


PAGES = {
    "home": "/",
    "instances": PROJECT,
    "instances of all statuses": "/projects/ap-staging/",
    "no instance": f"{PROJECT}?q=zzz",
    "history": ORDERS,
    "history, filtered": f"{ORDERS}?status=failed&status=expired&type=auto&sort=-size&tz=Asia/Shanghai",
    "history, filtered to nothing": f"{ORDERS}?q=zzz",
    "history, past its end": f"{ORDERS}?page=99",
    "history, bad query": f"{ORDERS}?from=zzz&per_page=7&page=0&error=zzz&tz=zzz&range=7d",
    "backup": f"{ORDERS}backups/4631832a-14c6-45b0-a0b3-3abd8f591ad1/",
    "backup not listed": f"{ORDERS}backups/zzz/",
    "recovery point": f"{ORDERS}recovery-point/?at=2026-11-21+12:40",
    "recovery point, none": f"{ORDERS}recovery-point/?at=2018-01-01",
    "recovery point, not asked": f"{ORDERS}recovery-point/",
    "recovery point, now": f"{ORDERS}recovery-point/?at=now&tz=Asia/Shanghai",
    "recovery point, doubtful": f"{ORDERS}recovery-point/?at=2026-10-25+02:30&tz=Europe/Berlin",
    "recovery point, yet to come": f"{ORDERS}recovery-point/?at=2199-01-01T00:00Z",
    "recovery point, bad query": f"{ORDERS}recovery-point/?at=zzz&tz=zzz",
    "history for a ticket": f"{ORDERS}ticket/?status=failed&range=30d&q=1&text=jira",
    "history for a ticket, bad query": f"{ORDERS}ticket/?text=zzz",
    "backup for a ticket": f"{ORDERS}backups/4631832a-14c6-45b0-a0b3-3abd8f591ad1/ticket/?zone=Asia/Shanghai",
    "backup not listed for a ticket": f"{ORDERS}backups/zzz/ticket/",
    "recovery point for a ticket": f"{ORDERS}recovery-point/ticket/?at=now&text=plain",
    "recovery point for a ticket, none": f"{ORDERS}recovery-point/ticket/?at=2018-01-01",
    "find": "/find/?q=orders-cache",
    "find nothing": "/find/?q=zzz",
    "404": "/zzz/",
}
CODES_OF_THE_API = ["zzz", "from", "per_page", "page", "error", "tz", "range", "at"]
CODES_OF_THE_API += ["text", "markdown", "jira", "plain"]


def test_the_checker_sees_english(chinese: Client, data: list[str]) -> None:
    chinese.cookies["portal_language"] = "en"

    found = english_in(chinese.get(ORDERS), data)

    assert {"Filter the backups", "Newest usable backup", "Succeeded", "Copy link"} <= set(found)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_chinese_has_no_english(chinese: Client, data: list[str], name: str) -> None:
    response = chinese.get(PAGES[name])

    assert '<html lang="zh-hans"' in response.content.decode()
    assert english_in(response, [*data, *CODES_OF_THE_API]) == []


@pytest.mark.parametrize("name", SHOWN)
def test_every_status_error_code_and_oddity_is_shown_in_chinese(
    chinese: Client, emulator: Emulator, data: list[str], name: str
) -> None:
    address = f"{PROJECT}instances/{emulator.fleet.named(name).instance_id}/"
    history = chinese.get(f"{address}?per_page=200")
    links = re.findall(r'<a class="name" href="([^"]*)"', history.content.decode())

    pages = [history, *(chinese.get(html.unescape(link)) for link in links)]
    pages.append(chinese.get(f"{address}recovery-point/?at=2026-11-16T12:00Z"))

    assert len(pages) > 5
    assert [text for page in pages for text in english_in(page, data)] == []


def test_an_instance_without_backups_says_so_in_chinese(
    chinese: Client, emulator: Emulator, data: list[str]
) -> None:
    instance = emulator.fleet.named("brand-new")

    response = chinese.get(f"{PROJECT}instances/{instance.instance_id}/")

    assert "此实例没有备份" in response.content.decode()
    assert english_in(response, data) == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_refusal_of_dcs_is_explained_in_chinese(
    chinese: Client, emulator: Emulator, data: list[str], status: int
) -> None:
    emulator.fail_with(status, message="zzz", retry_after=60)

    response = chinese.get(ORDERS)

    assert response.status_code >= 400
    assert english_in(response, [*data, "zzz"]) == []


def test_an_old_list_with_a_notice_is_chinese(
    chinese: Client, portal: Settings, emulator: Emulator, data: list[str]
) -> None:
    chinese.get(ORDERS)
    portal.DCS_FRESH_SECONDS = 0
    emulator.fail_with(500, message="zzz")

    responses = [chinese.post(f"{ORDERS}refresh/", {"next": ORDERS}), chinese.get(ORDERS)]

    assert "当前显示的是" in responses[1].content.decode()
    assert english_in(responses[1], [*data, "zzz"]) == []


@pytest.mark.parametrize("path", ["/sign-in/", "/signed-out/"])
def test_the_pages_before_sign_in_are_chinese(client: Client, db: None, path: str) -> None:
    client.cookies["portal_language"] = "zh-hans"

    assert english_in(client.get(path), ["Ada Novak", "Ben Li", "Cleo Okafor", "AN", "BL", "CO"]) == []


def test_a_viewer_without_projects_is_told_so_in_chinese(portal: Settings, client_of: Any) -> None:
    cleo = client_of("cleo")
    cleo.cookies["portal_language"] = "zh-hans"

    response = cleo.get("/")

    assert english_in(response, ["Cleo Okafor", "cleo@demo.invalid", "CO"]) == []


@pytest.mark.parametrize(
    "query", ["", "status=failed&type=auto&sort=-size", "q=nightly&restorable=yes", "q=失败"]
)
def test_a_link_shows_the_same_rows_in_both_languages(chinese: Client, query: str) -> None:
    shown = {}
    for language in ("zh-hans", "en"):
        chinese.cookies["portal_language"] = language
        page = chinese.get(f"{ORDERS}?{query}").content.decode()
        shown[language] = re.findall(r'data-backup-id="([^"]*)"', page)
        links = sorted(re.findall(r'<a class="chip[^"]*" href="([^"]*)"', page))
        shown[f"links in {language}"] = links

    assert shown["zh-hans"] == shown["en"]
    assert shown["links in zh-hans"] == shown["links in en"]


def test_a_size_is_never_shown_in_the_language_of_who_asked_before(chinese: Client) -> None:
    assert "880,232 字节" in chinese.get(f"{ORDERS}?to=2020-01-01").content.decode()
    chinese.cookies["portal_language"] = "en"

    assert "880,232 bytes" in chinese.get(f"{ORDERS}?to=2020-01-01").content.decode()


def test_json_and_csv_never_speak_chinese(chinese: Client) -> None:
    exported = chinese.get(f"{ORDERS}backups.json?status=failed").json()

    meanings = {backup["error_meaning"] for backup in exported["backups"]}
    assert meanings
    assert all(meaning is None or meaning.isascii() for meaning in meanings)
    csv = b"".join(chinese.get(f"{ORDERS}backups.csv?status=failed").streaming_content).decode()
    assert csv.removeprefix("\ufeff").isascii()
