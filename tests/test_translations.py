"""Simplified Chinese: nothing is missing or half English, and a link means the same in both languages."""

import html
import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils.translation import override

from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.problems import PROBLEM_KINDS, Problem
from backups.services.words import codes

from .conftest import ROOT
from .pages.conftest import csv_text

WRITTEN = ROOT / "backups" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
# As docs/developing.md has it.
EXTRACT = "pybabel -q extract -F babel.cfg --no-location --no-wrap -k gettext_lazy -k pgettext_lazy:1c,2"
with WRITTEN.open("rb") as file:
    CATALOGUE = read_po(file)


def key(message):
    return message.context, tuple(message.id) if isinstance(message.id, list) else message.id


def texts_of(catalogue):
    """What each message is in Chinese, which has one form for one and for many."""
    return {key(message): "".join(message.string or "") for message in catalogue if message.id}


def pairs():
    """Each message with its English, in the plural where there is one, and its Chinese."""
    for message, chinese in texts_of(CATALOGUE).items():
        _, english = message
        yield message, english if isinstance(english, str) else english[-1], chinese


# The catalogue -------------------------------------------------------------------


def test_every_message_is_translated_and_none_is_fuzzy_or_obsolete():
    assert [message for message, _, chinese in pairs() if not chinese] == []
    assert [key(message) for message in CATALOGUE if message.id and message.fuzzy] == []
    assert not CATALOGUE.obsolete
    assert (CATALOGUE.num_plurals, CATALOGUE.plural_expr) == (1, "0")


def test_placeholders_and_tags_are_the_same_on_both_sides():
    def placeholders(text):
        return Counter(re.findall(r"%\(\w+\)[a-z]|%%|\{\w*\}|</?\w+>", text))

    wrong = [one for one, english, chinese in pairs() if placeholders(english) != placeholders(chinese)]

    assert wrong == []


def test_chinese_is_written_with_full_width_marks_and_spaces_around_latin():
    han = r"[\u4e00-\u9fff]"
    glued = re.compile(rf"{han}[,;:!?()]|[,;:!?()]{han}|{han}[A-Za-z0-9]|[A-Za-z0-9]{han}")
    wrong = [
        message
        for message, english, chinese in pairs()
        if (glued.search(re.sub(r"%\(\w+\)[a-z]|<[^>]*>", "", chinese)) and english not in DATES)
        or (re.search(r"[a-z]{2}[.]$", english) and not chinese.endswith("。"))
        or ")s/%(" in chinese  # 10 / 72
    ]

    assert wrong == []


DATES = ("j M Y", "j M", "D j M", "M", "j")


def test_the_compiled_catalogue_says_what_the_written_one_says():
    with WRITTEN.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)

    assert texts_of(compiled) == texts_of(CATALOGUE)
    assert compiled.num_plurals == 1


def test_the_catalogue_has_the_strings_of_code_and_templates_and_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    CommandLineInterface().run([*EXTRACT.split(), "-o", str(tmp_path / "all.pot"), "."])
    with (tmp_path / "all.pot").open("rb") as file:
        used = set(texts_of(read_po(file)))

    assert used == set(texts_of(CATALOGUE)), "run pybabel: docs/developing.md"


# The words -----------------------------------------------------------------------

PROBLEMS = [Problem(kind) for kind in PROBLEM_KINDS]
PROBLEMS += [Problem("credentials_refused", code="APIGW.0307")]
PROBLEMS += [Problem("rejected", code=code) for code in ("APIGW.0101", "DCS.4061")]
WORDS = {
    "status": codes.STATUS_WORDS.values(),
    "type": codes.TYPE_WORDS.values(),
    "restorable": codes.RESTORABLE_WORDS.values(),
    "cache mode": codes.CACHE_MODE_WORDS.values(),
    "status of an instance": codes.INSTANCE_STATUS_WORDS.values(),
    "reason": codes.REASON_WORDS.values(),
    "doubt of a time": codes.DOUBT_WORDS.values(),
    "block of a restore": codes.BLOCK_WORDS.values(),
    "meaning of an error code": [known.meaning for known in codes.ERROR_CODES.values()],
    "problem": [problem.title for problem in PROBLEMS],
    "what happened": [problem.what_happened for problem in PROBLEMS],
}


@pytest.mark.parametrize("kind", WORDS)
def test_each_code_has_its_own_words_in_both_languages(kind):
    words, said = list(WORDS[kind]), {}
    for language in ("en", "zh-hans"):
        with override(language):
            said[language] = set(map(str, words))

    assert not said["en"] & said["zh-hans"]
    assert len(said["en"]) == len(said["zh-hans"]) == len(words)


def test_the_vendor_s_own_words_stand_for_statuses_and_error_codes():
    with override("zh-hans"):
        statuses = [str(word) for word in codes.STATUS_WORDS.values()]
        busy = str(codes.ERROR_CODES["dcs.08.0008"].meaning)

    assert statuses == ["备份成功", "备份失败", "等待中", "备份中", "已过期", "已删除"]
    assert busy == "自动备份任务未运行，实例正在运行其他任务。"


# The pages -----------------------------------------------------------------------

PROJECT = "/projects/eu-prod/"
ORDERS = f"{PROJECT}instances/{ORDERS_CACHE_ID}/"
LATIN = re.compile(r"[A-Za-z][A-Za-z'’]*")
# Commands, addresses, time zones, ids of calls, codes of errors, permissions, huge numbers.
CODES = re.compile(
    r"(?:```sh |\{noformat\} )?hcloud DCS \w+ .*|--offset=|https?://\S+|\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+\b"
    r"|\b[0-9a-f]{32}\b|\b(?:dcs|DCS|APIGW|APIG)\.[0-9.]+|\bdcs:\w+:\w+|\d[\d.]*e\+\d+"
)
# What is written the same in Chinese: names of products, formats and units, and the switch to English.
KNOWN = """COLLECT DCS UTC Redis Memcached Cluster Proxy GB MB TB KB RDB AOF CSV JSON ID HTTP API AK SK OBS
    Endpoint Cookie IANA URL English hcloud Asia Shanghai Europe Berlin T Z Ctrl Alt Cmd Esc CLI
    Explorer Markdown Jira Wiki Slack"""


class Visible(HTMLParser):
    """Collects what a viewer sees, hears or finds in a hovered title."""

    def __init__(self, page):
        super().__init__()
        self.texts = []
        self.feed(re.sub(r"<(script|style|template)\b.*?</\1>", "", page, flags=re.DOTALL))

    def handle_starttag(self, tag, attributes):
        spoken = ("title", "aria-label", "placeholder", "alt", "data-copied")
        self.texts += [value for name, value in attributes if name in spoken and value]

    def handle_data(self, data):
        self.texts.append(" ".join(data.split()))


def english_in(response, data):
    """Texts of a page with Latin words that are neither known nor data of the fleet or the query."""
    texts = Visible(response.content.decode()).texts
    return [text for text in dict.fromkeys(texts) if _unknown_words(text, data)]


def _unknown_words(text, data):
    def not_known():
        return [word for word in LATIN.findall(CODES.sub(" ", text)) if word not in KNOWN.split()]

    # Before a value that is a part of one is taken out of it.
    text = re.sub(r"https?://\S+|\b[0-9a-f]{32}\b", " ", text)
    for value in data if not_known() else ():
        if text.endswith(("…", "...")) and value.startswith(text.rstrip("….")):
            return []
        if value in text:
            text = re.sub(rf"(?<![A-Za-z]){re.escape(value)}(?![A-Za-z])", " ", text)
    return not_known()


SHOWN = ("every-status", "every-error-code", "odd-fields")


@pytest.fixture
def data(emulator):
    """Every text of the fleet, as the pages may quote it, and the queries of the addresses below."""
    texts = {"Ada Novak", "ada@demo.invalid", "dcs-all", "AN", "Ada", "null", "true", "false"}
    for project in emulator.fleet.projects:
        texts |= {project.name, project.region, project.project_id}
        for instance in emulator.fleet.instances(project):
            texts |= set(_strings(instance.details())) | set(_strings(list(instance.restores)))
    for name in ("orders-cache", *SHOWN):
        for row in emulator.fleet.backups(emulator.fleet.named(name)):
            texts |= set(_strings(json.loads(row.text)))
    texts |= {part for text in texts if LATIN.search(text) for part in re.split(r"(?<=-)", text)}
    asked = re.findall(r"\w+", "zzz from per_page page error tz range at text markdown jira slack plain")
    return [*sorted((text for text in texts if LATIN.search(text)), key=len, reverse=True), *asked]


def _strings(value):
    if isinstance(value, dict | list):
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield " ".join(value.split())


@pytest.fixture
def chinese(portal, client_of):
    """A browser that shows Chinese, with Ada signed in."""
    client = client_of("ada")
    client.cookies["portal_language"] = "zh-hans"
    return client


BACKUP = "backups/4631832a-14c6-45b0-a0b3-3abd8f591ad1/"
OF_ORDERS = [
    *(
        "",
        "?q=zzz",
        "?page=99",
        "restores/",
        BACKUP,
        f"{BACKUP}restores/",
        f"{BACKUP}ticket/?zone=Asia/Shanghai",
    ),
    *("backups/zzz/", "backups/zzz/ticket/", "compare/?backup=zzz&backup=zzz-zzz", "recovery-point/"),
    "?status=failed&status=expired&type=auto&sort=-size&tz=Asia/Shanghai",
    "?from=zzz&per_page=7&page=0&error=zzz&tz=zzz&range=7d",
    *("ticket/?status=failed&range=30d&q=1&text=jira", "ticket/?text=zzz"),
    "recovery-point/?at=2026-11-21+12:40&tz=UTC",
    "recovery-point/?at=2018-01-01&tz=UTC",
    "recovery-point/?at=2026-11-24T12:00Z&tz=Asia/Shanghai",
    "recovery-point/?at=2026-10-25+02:30&tz=Europe/Berlin",
    "recovery-point/?at=2199-01-01T00:00Z&tz=UTC",
    "recovery-point/?at=zzz&tz=zzz",
    "recovery-point/ticket/?at=2026-11-24T12:00Z&text=plain",
    "recovery-point/ticket/?at=2018-01-01",
]
PAGES = [
    *("/", "/zzz/", PROJECT, "/projects/ap-staging/", f"{PROJECT}?q=zzz", f"{PROJECT}ticket/?q=zzz"),
    *("/find/?q=orders-cache", "/find/?q=zzz", "/?as_of=2026-11-01T00:00:00Z&q=zzz", "/?rpo=6h"),
    *(
        "/ticket/?rpo=6h",
        "/failures/",
        "/failures/ticket/?range=90d",
        "/changes/?range=30d",
        "/changes/ticket/",
    ),
    *(ORDERS + rest for rest in OF_ORDERS),
]


def test_the_checker_sees_english(chinese, data):
    chinese.cookies["portal_language"] = "en"

    found = english_in(chinese.get(ORDERS), data)

    assert {"Filter the backups", "Last attempt", "Succeeded", "Copy link"} <= set(found)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_in_chinese_has_no_english(chinese, data, address):
    response = chinese.get(address)

    assert '<html lang="zh-hans"' in response.content.decode()
    assert english_in(response, data) == []


@pytest.mark.parametrize("name", [*SHOWN, "brand-new"])
def test_every_status_error_code_and_oddity_is_shown_in_chinese(chinese, emulator, data, name):
    address = f"{PROJECT}instances/{emulator.fleet.named(name).instance_id}/"
    history = chinese.get(f"{address}?per_page=200")
    links = re.findall(r'<a class="name" href="([^"]*)"', history.content.decode())

    pages = [history, *(chinese.get(html.unescape(link)) for link in links)]
    pages.append(chinese.get(f"{address}recovery-point/?at=2026-11-16T12:00Z&tz=UTC"))

    assert len(pages) > 5 or name == "brand-new"
    assert {page.status_code for page in pages} == {200}
    assert [text for page in pages for text in english_in(page, data)] == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_refusal_of_dcs_is_explained_in_chinese(chinese, emulator, data, status):
    emulator.fail_with(status, message="zzz", retry_after=60)

    response = chinese.get(ORDERS)

    assert response.status_code >= 400
    assert english_in(response, data) == []


def test_an_old_list_with_a_notice_is_chinese(chinese, portal, emulator, data):
    chinese.get(ORDERS)
    portal.DCS_FRESH_SECONDS = 0
    emulator.fail_with(500, message="zzz")

    chinese.post(f"{ORDERS}refresh/", {"next": ORDERS})
    response = chinese.get(ORDERS)

    assert "当前显示的是" in response.content.decode()
    assert english_in(response, data) == []


def test_the_pages_before_sign_in_and_without_projects_are_chinese(portal, client, client_of):
    cleo = client_of("cleo")
    client.cookies["portal_language"] = cleo.cookies["portal_language"] = "zh-hans"
    people = ["Ada Novak", "Ben Li", "Cleo Okafor", "cleo@demo.invalid", "AN", "BL", "CO"]

    for response in (client.get("/sign-in/"), client.get("/signed-out/"), cleo.get("/")):
        assert english_in(response, people) == []


@pytest.mark.parametrize("query", ["to=2020-01-01", "status=failed&type=auto&sort=-size"])
def test_a_link_shows_the_same_rows_in_both_languages_whoever_asked_before(chinese, query):
    shown = []
    for language, unit in (("zh-hans", "字节"), ("en", "bytes"), ("zh-hans", "字节")):
        chinese.cookies["portal_language"] = language
        page = chinese.get(f"{ORDERS}?{query}").content.decode()
        rows = re.findall(r'data-backup-id="([^"]*)"', page)
        shown.append((rows, sorted(re.findall(r'<a class="chip[^"]*" href="([^"]*)"', page))))
        assert "2020" not in query or f"880,232 {unit}" in page

    assert shown[0] == shown[1] == shown[2]
    assert all(shown[0])


def test_json_and_csv_never_speak_chinese(chinese):
    exported = chinese.get(f"{ORDERS}backups.json?status=failed").json()
    csv = csv_text(chinese.get(f"{ORDERS}backups.csv?status=failed"))

    meanings = {backup["error_meaning"] for backup in exported["backups"]}
    assert meanings - {None}
    assert all(meaning is None or meaning.isascii() for meaning in meanings)
    assert csv.removeprefix("\ufeff").isascii()
