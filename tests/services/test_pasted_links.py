"""A link that mail, chat, a shell or a ticket has been at leads to the page that it was copied from."""

import base64
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.forms import link_grammar
from backups.services.pasted.links import links_in
from backups.services.pasted.query import read_query

ORDERS = "5560df16-cebf-4473-95c4-d1b573c16e79"
BACKUP = "7d693617-ea39-44a0-b669-a6ed77f42d1d"
HISTORY = f"/projects/eu-prod/instances/{ORDERS}/"
HOST = "https://backups.example.com"
LINK = f"{HOST}{HISTORY}?status=failed&type=auto&to=2026-11-23T09:40:00Z"
PAIRS = (("status", "failed"), ("type", "auto"), ("to", "2026-11-23T09:40:00Z"))


def links(text):
    return links_in(text, link_grammar)


def proofpoint_2(link):
    encoded = quote(link, safe="/:?=&").replace("-", "%2D").replace("_", "%5F")
    encoded = re.sub("[:?=&]", lambda found: f"%{ord(found[0]):02X}", encoded)
    return (
        f"https://urldefense.proofpoint.com/v2/url?u={encoded.replace('%', '-').replace('/', '_')}&d=DwMF&c=x"
    )


def proofpoint_3(link):
    kept = "".join(re.findall("[&?=]", link))
    token = base64.urlsafe_b64encode(kept.encode()).decode().rstrip("=")
    return f"https://urldefense.com/v3/__{re.sub('[&?=]', '*', link)}__;{token}!!Abc123!xyz$"


def safelinks(link):
    encoded = quote(link, safe="")
    return f"https://eur03.safelinks.protection.outlook.com/?url={encoded}&data=05%7C01&reserved=0"


ENCODED = quote(LINK, safe="")
LOWER = re.sub("%..", lambda found: found[0].lower(), ENCODED)
WENT_THROUGH = {
    "nothing": LINK,
    "the entities of a mail": LINK.replace("&", "&amp;"),
    "entities twice": LINK.replace("&", "&amp;amp;"),
    "decimal entities": LINK.replace("&", "&#38;"),
    "decimal entities with a nought": LINK.replace("&", "&#038;"),
    "entities of slashes": LINK.replace("/", "&#x2F;"),
    "entities by name": LINK.replace("/", "&sol;").replace("=", "&equals;").replace("?", "&quest;"),
    "an attribute": f"&lt;a href=&quot;{LINK.replace('&', '&amp;')}&quot;&gt;",
    "Outlook SafeLinks": safelinks(LINK),
    "SafeLinks around entities": safelinks(LINK.replace("&", "&amp;")),
    "SafeLinks around Proofpoint 2": safelinks(proofpoint_2(LINK)),
    "SafeLinks around Proofpoint 3": safelinks(proofpoint_3(LINK)),
    "Proofpoint 2 around SafeLinks": proofpoint_2(safelinks(LINK)),
    "SafeLinks in lower case": f"https://x.safelinks.protection.outlook.com/?url={LOWER}&amp;data=0",
    "SafeLinks around a redirector": safelinks(f"https://www.google.com/url?q={ENCODED}&source=gmail"),
    "a mail that is begun by a link": f"mailto:a@b?body=see%20{ENCODED}%20please",
    "Proofpoint 1": f"http://urldefense.proofpoint.com/v1/url?u={ENCODED}&k=x",
    "Proofpoint 2": proofpoint_2(LINK),
    "Proofpoint 3": proofpoint_3(LINK),
    "Barracuda": f"https://linkprotect.cudasvc.com/url?a={LOWER}&c=E,1,abc&typo=1",
    "Gmail, encoded by half": "https://www.google.com/url?q="
    + LINK.replace("=", "%3D").replace("&", "%26")
    + "&source=gmail&ust=1795426800&usg=AOv",
    "DingTalk's web": f"https://link.dingtalk.com/?target={quote(ENCODED, safe='')}",
    "Feishu": f"https://security.feishu.cn/link/safety?target={ENCODED}&scene=ccm&logParams=%7B%7D",
    "a redirector that encodes nothing": f"https://go.example/?to_url={LINK}&utm_source=mail",
    "a shell": LINK.replace("?", r"\?").replace("&", r"\&").replace("=", r"\="),
    "JSON": LINK.replace("/", r"\/").replace("&", r"\u0026"),
    "cmd.exe": LINK.replace("&", "^&"),
    "PowerShell": LINK.replace("&", "`&"),
    "quoted-printable": LINK.replace("=", "=3D").replace("type", "ty=\npe"),
    "a reply": "> see\n> " + LINK[:70] + "\n> " + LINK[70:],
    "JSON, encoded": quote('{"u":"' + LINK.replace("/", r"\/").replace("&", r"\u0026") + '"}', safe=""),
    "zero-width characters": LINK.replace("/", "/\u200b").replace("status", "sta\u200dtus"),
    "a byte order mark": f"\ufeff{LINK}",
    "typographic hyphens": LINK.replace(ORDERS, ORDERS.replace("-", "\u2011")),
    "dashes": LINK.replace(ORDERS, ORDERS.replace("-", "\u2013")),
    "soft hyphens": LINK.replace(ORDERS, ORDERS[:12] + "\u00ad" + ORDERS[12:]),
    "full-width digits": LINK.replace(ORDERS, ORDERS.replace("5", "５")),
    "capitals": LINK.replace(ORDERS, ORDERS.upper()),
    "the sign-in": f"{HOST}/sign-in/?next={quote(LINK.removeprefix(HOST), safe='')}",
    "the start of the sign-in": f"{HOST}/sso/start/?next={quote(LINK.removeprefix(HOST), safe='/')}",
    "the find box": f"{HOST}/find/?q={ENCODED}",
    "the page for tickets": LINK.replace("/?", "/ticket/?"),
    "backups.json": LINK.replace("/?", "/backups.json?"),
    "backups.csv": LINK.replace("/?", "/backups.csv?"),
    "a path without its end": LINK.replace("/?", "?"),
    "a query that was encoded as a whole": LINK.replace("=", "%3D").replace("&", "%26"),
    "a question mark, too": LINK.replace("=", "%3D").replace("&", "%26").replace("?", "%3F"),
}


@pytest.mark.parametrize("text", WENT_THROUGH.values(), ids=WENT_THROUGH)
def test_a_link_is_read_through_what_it_went_through(text):
    [link] = links(text)

    assert (link.kind, link.project, link.instance_id) == ("history", "eu-prod", ORDERS)
    assert link.query.pairs == PAIRS
    assert link.query.unread == ()


@pytest.mark.parametrize("break_", ["\n", "\r\n", " ", "\n> ", "\n>> ", "\n    "])
@pytest.mark.parametrize(
    "text", [LINK, ENCODED, quote(ENCODED, safe=""), safelinks(LINK), LINK.replace("/?", "?")]
)
def test_a_link_may_be_broken_at_any_column(text, break_):
    for columns in range(40, 100):
        broken = break_.join(text[start : start + columns] for start in range(0, len(text), columns))

        [link] = links(f"{break_.strip()} {broken}")

        assert (link.instance_id, link.query.pairs) == (ORDERS, PAIRS), broken


@pytest.mark.parametrize("text", ["\nAnd then", " please, to=be told\ntype=auto", f"\n{LINK}", "\n- 1. see"])
@pytest.mark.parametrize("pair", [("q", "nightly"), ("status", "failed")])
def test_what_follows_a_link_in_a_text_is_not_of_it(pair, text):
    assert links(f"{HOST}{HISTORY}?{'='.join(pair)}{text}")[0].query.pairs == (pair,)


@pytest.mark.parametrize(
    "mark", [*")]}>.,;:!?…\"'»”’`*_|", *"。，）】」》、！", "请看", "。请看", "**", ").", '">']
)
@pytest.mark.parametrize("link", [LINK, HOST + HISTORY, HOST + HISTORY[:-1]])
def test_marks_behind_a_link_are_not_of_it(link, mark):
    [read] = links(f"see {link}{mark} and tell")

    assert (read.instance_id, read.query.pairs) == (ORDERS, PAIRS if link == LINK else ())


@pytest.mark.parametrize(
    "text", [f"({LINK})", f"<{LINK}>", f"[orders|{LINK}]", f"[orders]({LINK})", f"看{LINK}", f"“{LINK}”"]
)
def test_marks_around_a_link_are_not_of_it(text):
    assert [link.query.pairs for link in links(text)] == [PAIRS]


def test_two_links_are_two():
    other = LINK.replace(ORDERS, BACKUP)

    assert [link.instance_id for link in links(f"{LINK}\n{other} {LINK}")] == [ORDERS, BACKUP]


def test_pages_of_one_backup_and_of_a_recovery_point():
    [backup] = links(f"{HOST}{HISTORY}backups/{BACKUP.upper()}/ticket/?text=jira")
    [point] = links(f"{HOST}{HISTORY}recovery-point/ticket/?at=2026-11-23T09:40:00Z.")

    assert (backup.kind, backup.backup_id) == ("backup", BACKUP)
    assert (point.kind, point.query.pairs) == ("recovery-point", (("at", "2026-11-23T09:40:00Z"),))


# Queries of links that are opened ------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "pairs", "mended"),
    [
        ("status=failed&q=x)", (("status", "failed"), ("q", "x)")), False),
        ("status=failed&utm_source=mail", (("status", "failed"), ("utm_source", "mail")), False),
        ("q=a%26type%3Dauto", (("q", "a&type=auto"),), False),
        ("q=3Dmodel", (("q", "3Dmodel"),), False),
        ("photo=1&chat=2", (("photo", "1"), ("chat", "2")), False),
        ("status=failed&amp;to=2026-11-23", (("status", "failed"), ("to", "2026-11-23")), True),
        ("status=failed&amp;amp;to=2026-11-23", (("status", "failed"), ("to", "2026-11-23")), True),
        ("status=failed&#038;to=2026-11-23", (("status", "failed"), ("to", "2026-11-23")), True),
        ("status=failed&amp%3Bto=2026-11-23", (("status", "failed"), ("to", "2026-11-23")), True),
        ("status=failed%26type=auto", (("status", "failed"), ("type", "auto")), True),
        ("status%3Dfailed%26type%3Dauto", (("status", "failed"), ("type", "auto")), True),
        ("status%253Dfailed%2526type%253Dauto", (("status", "failed"), ("type", "auto")), True),
        ("status=failed).", (("status", "failed"),), True),
        ("status=failed%EF%BC%8C%E8%AF%B7%E7%9C%8B", (("status", "failed"),), True),
        ("ty%20pe=auto", (("type", "auto"),), True),
        ("status=fai%20led", (("status", "failed"),), True),
        ("tz=Etc/GMT%E2%80%918", (("tz", "Etc/GMT-8"),), True),
        (r"status=failed\u0026type=auto", (("status", "failed"), ("type", "auto")), True),
        (r"status\=failed\&type\=auto", (("status", "failed"), ("type", "auto")), True),
        ("status%5C=failed%5C&type%5C=auto", (("status", "failed"), ("type", "auto")), True),
        ("status=failed^&type=auto", (("status", "failed"), ("type", "auto")), True),
        ("status=failed%60&type=auto", (("status", "failed"), ("type", "auto")), True),
        ("status=3Dfailed", (("status", "failed"),), True),
        ("status=3Dfailed&q=3Dmodel", (("status", "failed"), ("q", "model")), True),
        ("from=2026-11-23T09%253A40%253A00Z", (("from", "2026-11-23T09:40:00Z"),), True),
        ("status=nonsense", (("status", "nonsense"),), False),
    ],
)
def test_a_query_is_mended_where_its_meaning_is_certain(query, pairs, mended):
    read = read_query(query, link_grammar("history"))

    assert (read.pairs, bool(read.mended), read.unread) == (pairs, mended, ())


@pytest.mark.parametrize("part", ["ref=list?status=failed", "x;to=2026-11-23", "ref=a%3Fstatus%3Dfailed"])
def test_what_looks_like_a_parameter_and_is_not_certain_is_named(part):
    assert read_query(f"type=auto&{part}", link_grammar("history")).unread == (part,)


@given(st.text(alphabet="/projects%25?&=amp;\\^`*_-ab0 \n>#x3DF26u", max_size=300))
def test_any_text_is_read_without_a_fault(text):
    links(text)
    links(f"{HOST}{HISTORY}?{text}")
    read_query(text, link_grammar("history"))
