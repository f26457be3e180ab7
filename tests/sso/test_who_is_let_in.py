"""Who the company's provider says has signed in, and nothing that lies gets in."""

import base64
import hashlib

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from joserfc.jwk import RSAKey

from dcsportal.sso.claims import group_names
from dcsportal.sso.models import Viewer

from .conftest import HARD_LINK, at_provider, get, signed_in, to_provider, tried_again
from .openid import signed_with_the_public_key, unsigned

pytestmark = pytest.mark.usefixtures("sso")


# --- The token lies --------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        *({"aud": "another-client"}, {"aud": ["another-client"], "azp": "portal"}, {"azp": "another-client"}),
        *(
            {"aud": ["portal", "another-client"]},
            {"aud": ["portal", "another-client"], "azp": "another-client"},
        ),
        *({"iss": "https://evil.example"}, {"nonce": "foreign"}, {"nonce": None}),
        *({"sub": subject} for subject in (None, "", 7, "a\u0000b", "a" * 256)),
        *({"exp": None}, {"exp": "tomorrow"}, {"iat": True}, {"at_hash": "bm90IGl0cyBoYXNo"}),
    ],
)
def test_a_token_that_was_not_meant_for_this_sign_in_lets_nobody_in(client, company, changes):
    company.changes = changes

    page = signed_in(client, HARD_LINK)

    assert page.status_code == 400
    assert "cannot be trusted" in page.content.decode()
    assert not Session.objects.exists()
    assert not Viewer.objects.exists()
    assert tried_again(client, page, company) == HARD_LINK


def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(company):
    assert signed_in(Client()).status_code == 303  # the keys are known
    for sign in (unsigned, signed_with_the_public_key(company.keys["RS256"])):
        company.sign = sign
        assert signed_in(Client()).status_code == 400

    company.sign = None
    company.keys = {"RS256": RSAKey.generate_key(2048, {"kid": "rsa"})}
    assert signed_in(Client()).status_code == 400
    assert Session.objects.count() == 1


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_announced_algorithms_work_also_for_the_hash_of_the_access_token(client, company, algorithm):
    half = hashlib.sha256(b"an-access-token").digest()[:16]
    company.algorithm = algorithm
    company.changes = {"at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode()}

    assert signed_in(client).status_code == 303


@pytest.mark.parametrize(("seconds", "status"), [(110, 303), (-410, 303), (130, 400), (-430, 400)])
def test_a_clock_may_be_off_by_two_minutes(client, company, seconds, status):
    company.clock = seconds  # tokens live for 300 s

    page = signed_in(client)

    assert page.status_code == status
    assert status == 303 or "clock" in page.content.decode()


def test_an_answer_of_another_issuer_or_of_none_is_refused(client, company):
    company.metadata = {"authorization_response_iss_parameter_supported": True}
    callback = at_provider(to_provider(client, "/"))

    assert get(client, f"{callback}&iss=https://evil.example").status_code == 400
    assert get(client, at_provider(to_provider(client, "/"))).status_code == 400


BASIC, POST = "client_secret_basic", "client_secret_post"


@pytest.mark.parametrize(("methods", "used"), [([BASIC, POST], "basic"), ([POST], "post"), (None, "basic")])
def test_the_portal_proves_itself_as_the_provider_wants(client, company, methods, used):
    company.metadata = {"token_endpoint_auth_methods_supported": methods}

    assert signed_in(client).status_code == 303
    assert company.auth == used


# --- Who it is -------------------------------------------------------------------


# Cc, Cf, Zs, Zl, Zp, Co, Cn
UNPRINTABLE = "\x00\x1f\u00ad\u200b\ufeff\u00a0\u3000\u2028\u2029\ue000\u0378"


@pytest.mark.parametrize(
    ("name", "claims", "groups"),
    [
        ("groups", {"groups": ["a", "b"]}, ["a", "b"]),
        ("groups", {"groups": "a"}, ["a"]),
        ("groups", {"groups": "a, b"}, ["a", "b"]),
        ("groups", {"groups": "CN=a,OU=b"}, ["CN=a,OU=b"]),
        ("groups", {"groups": ["/dcs/support", 7, None, "", "x\u0000y"]}, ["dcs/support"]),
        ("groups", {"groups": ["x " + "y" * 500]}, []),
        ("groups", {"groups": [" a", "a "]}, [" a", "a "]),
        # One of each category of Unicode that is not printed: cleaned, each would be another group's name.
        ("groups", {"groups": [f"dcs{mark}-admins" for mark in UNPRINTABLE]}, []),
        ("groups", {"groups": [f"dcs-admins{mark}" for mark in UNPRINTABLE]}, []),
        ("groups", {"groups": ",".join(f"dcs-admins{mark}" for mark in UNPRINTABLE)}, []),
        # What is printed is another name, however alike it looks.
        ("groups", {"groups": ["dcs\u2010admins", "admin\u0301s"]}, ["dcs\u2010admins", "admin\u0301s"]),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, ["a"]),
        ("https://x.example/groups", {"https://x.example/groups": ["a"]}, ["a"]),
        ("a.b", {"a.b": ["literal"], "a": {"b": ["nested"]}}, ["literal"]),
    ],
)
def test_groups_are_read_in_every_shape(client, company, sso, name, claims, groups):
    sso.SSO_GROUPS_CLAIM = name
    company.person = {"sub": "ada-1", "name": "Ada"} | claims

    assert signed_in(client).status_code == 303
    assert Viewer.objects.get().groups == groups
    assert company.calls["/userinfo"] == 0


def test_a_group_with_a_lone_surrogate_counts_for_nothing():
    assert group_names(["dcs\ud800", "dcs"]) == ["dcs"]


SIGNED = "userinfo_signed_response_alg"


def test_what_the_token_leaves_out_is_asked_of_userinfo(client, company):
    company.userinfo = company.person
    company.changes = {"groups": None, "name": None, "email": None}

    assert signed_in(client).status_code == 303
    viewer = Viewer.objects.get()
    assert (viewer.name, viewer.email, viewer.groups) == ("Ada Novak", "ada@example.com", ["dcs-all"])


@pytest.mark.parametrize(
    ("token", "setting"),
    [
        *(({}, ""), ("a.b.c.d.e", "userinfo_encrypted_response_alg"), ("no token", SIGNED)),
        *(({"aud": "another-client"}, SIGNED), ({"iss": "https://evil.example"}, SIGNED)),
    ],
)
def test_userinfo_may_be_a_signed_token_and_what_cannot_be_read_is_told_as_the_provider_s_setting(
    client, company, token, setting
):
    def answer(told):
        company.changes = {}
        claims = {"iss": company.issuer, "aud": "portal"} | told
        return token if isinstance(token, str) else company.signed(claims | token)

    company.changes, company.userinfo_token = {"groups": None}, answer

    page = signed_in(client)

    assert page.status_code == (503 if setting else 303)
    assert setting in page.content.decode()
    assert [viewer.groups for viewer in Viewer.objects.all()] == ([] if setting else [["dcs-all"]])


def test_userinfo_of_somebody_else_lets_nobody_in(client, company):
    company.changes = {"groups": None}
    company.userinfo = {"sub": "eve-1", "groups": ["dcs-all"]}

    assert signed_in(client).status_code == 400
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "pointer", [{"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}, {"hasgroups": True}]
)
def test_a_viewer_whose_groups_did_not_fit_is_told_so(client, company, sso, pointer):
    sso.SSO_ALLOWED_GROUPS = ["dcs-all"]
    company.person = {"sub": "ada-1", "name": "Ada"} | pointer

    page = signed_in(client)

    assert page.status_code == 403
    assert "did not fit" in page.content.decode()
    assert not Session.objects.exists()


def test_a_viewer_without_an_allowed_group_is_told_who_they_are_and_what_to_ask_for(client, company, sso):
    sso.SSO_ALLOWED_GROUPS = ["dcs-viewers"]

    page = signed_in(client, HARD_LINK)

    assert page.status_code == 403
    for words in ("You are signed in as", "Ada Novak", "ada@example.com", "dcs-viewers"):
        assert words in page.content.decode()
    assert not Session.objects.exists()
    sso.SSO_ALLOWED_GROUPS = ["dcs-viewers", "dcs-all"]
    assert tried_again(client, page, company) == HARD_LINK


def test_viewers_are_known_by_issuer_and_subject_and_described_anew_at_every_sign_in(company):
    signed_in(Client())
    company.person = company.person | {"groups": ["dcs-eu"], "name": "Ada New"}
    signed_in(Client())
    company.person = company.person | {"sub": "eve-1", "groups": []}  # of the same e-mail
    signed_in(Client())

    viewers = Viewer.objects.order_by("subject")
    assert [(viewer.subject, viewer.name, viewer.groups) for viewer in viewers] == [
        ("ada-1", "Ada New", ["dcs-eu"]),
        ("eve-1", "Ada New", []),
    ]


@pytest.mark.parametrize("value", ['"aaaaaaaaaa\\000"', "a" * 31 + "A", "aaaaaaaa", "é" * 32])
@pytest.mark.parametrize("path", ["/", "/unknown/"])
def test_a_cookie_that_is_no_session_s_is_no_session(client, django_assert_num_queries, path, value):
    with django_assert_num_queries(0):
        response = client.get(path, headers={"Cookie": f"portal_session={value}"})

    assert response.status_code in (200, 302, 404)
