"""Every answer that is no answer becomes the right error, with its code, and without a secret."""

import json

import pytest

from backups.dcs.errors import (
    DcsAccessDenied,
    DcsAnswerGarbled,
    DcsNotFound,
    DcsRequestRejected,
    DcsThrottled,
    DcsUnavailable,
    clean_request_id,
    error_from_answer,
    redact,
)
from backups.emulator.fleet import GONE_INSTANCE_ID

from .conftest import refusal

# The tables of the API's error reference ---------------------------------------------

KINDS = {
    (DcsRequestRejected, "rejected"): (
        "400 DCS.4002, 400 DCS.4800, 400 DCS.4097, 404 DCS.4001, 404 111404001, 404 APIGW.0101"
    ),
    (DcsRequestRejected, "unsupported"): "400 DCS.4095, 400 DCS.4086, 400 111400095, 400 111400086",
    (DcsNotFound, "not_found"): (
        "400 DCS.4119, 404 DCS.3022, 400 111400119, 404 111400119, 400 111404022, 404 111404022"
    ),
    (DcsAccessDenied, "credentials_refused"): (
        "401 DCS.1001, 401 111401004, 401 APIGW.0301, 401 APIG.0303, 401 APIG.0307, 401 IAM.0001"
    ),
    (DcsAccessDenied, "access_denied"): (
        "403 DCS.2003, 403 DCS.3003, 403 111403002, 403 APIGW.0302, 403 APIG.0302, 403 IAM.0001"
    ),
    (
        DcsUnavailable,
        "server_error",
    ): "500 DCS.5000, 500 DCS.5079, 500 111500000, 502 APIGW.0201, 504 APIG.0201",
    (DcsThrottled, "throttled"): "429 APIGW.0308, 429 APIG.0308",
}
TABLE = [(*one.split(), *kind) for kind, all_of in KINDS.items() for one in all_of.split(", ")]


@pytest.mark.parametrize(("status", "code", "family", "kind"), TABLE)
@pytest.mark.parametrize("shape", ["dcs", "gateway", "older", "authorization"])
def test_every_documented_code_in_every_shape(emulator, client_of, status, code, family, kind, shape):
    emulator.fail_with(int(status), code, "What DCS says.", shape=shape)
    error = refusal(client_of())
    assert type(error) is family
    found = (error.kind, error.http_status, error.error_code, error.message)
    assert found == (kind, int(status), code, "What DCS says.")
    assert error.request_id == emulator.calls[-1].request_id
    for part in (status, code, "What DCS says.", error.request_id):
        assert part in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_the_sign_in_service_puts_the_status_where_the_code_belongs(emulator, client_of, status):
    emulator.fail_with(status, message="The token is expired.", shape="iam")
    error = refusal(client_of())
    assert isinstance(error, DcsAccessDenied)
    assert (error.error_code, error.message) == (str(status), "The token is expired.")


def test_the_real_refusals_of_the_emulator(emulator, client_of):
    client = client_of()
    for instance_id, family, status, code in (
        ("not-an-id", DcsRequestRejected, 400, "DCS.4061"),
        ("11111111-1111-4111-8111-111111111111", DcsNotFound, 400, "DCS.4119"),
        (GONE_INSTANCE_ID, DcsNotFound, 404, "DCS.3022"),
    ):
        error = refusal(client, instance_id)
        assert (type(error), error.http_status, error.error_code) == (family, status, code)
    for project_id in ("no-project", "f" * 32):
        error = refusal(client_of(project_id=project_id))
        assert (error.kind, error.error_code) == ("credentials_refused", "APIGW.0307")


def test_an_id_that_would_lead_to_another_call_is_not_asked_for(emulator, client_of):
    client = client_of()
    for instance_id in ("", ".", ".."):
        for ask in (client.list_backup_records, client.show_instance):
            with pytest.raises(DcsNotFound):
                ask(instance_id)
    assert emulator.calls == ()


# The shapes ------------------------------------------------------------------------


def made(answer, *, http_status=400, request_id="", secrets=()):
    return error_from_answer(
        http_status=http_status, answer=answer, request_id=request_id, retry_after=None, secrets=secrets
    )


NAMES = [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")]
SHAPES = [(*names, None) for names in NAMES] + [("error_code", "error_msg", "error")]
SHAPES += [("code", "message", wrapper) for wrapper in ("error", "badRequest", "forbidden", "itemNotFound")]


@pytest.mark.parametrize(("code", "message", "wrapper"), SHAPES)
def test_code_and_message_are_found_in_every_shape_that_is_seen(code, message, wrapper):
    inner = {code: "111404022", message: "The instance does not exist.", "title": "x"}
    body = ({wrapper: inner} if wrapper else inner) | {"request_id": "1f-2"}
    for status in (200, 400, 404):
        error = made(body, http_status=status)
        assert (error.kind, error.error_code) == ("not_found", "111404022")
        assert (error.message, error.request_id) == ("The instance does not exist.", "1f-2")


FORBIDDEN = {
    "access_denied": [
        {"error_code": "DCS.2003", "error_msg": "no"}, {"error_code": "APIGW.0302", "error_msg": "no"},
        {"error": {"code": 403, "message": "Not authorized", "title": "Forbidden"}},
        {"forbidden": {"code": 403, "message": "no"}}, {"code": 111403002, "message": "no"},
    ],
    "blocked": [
        {"code": "WAF.1", "message": "no"}, {"message": "Forbidden"}, {"error": "blocked by policy"}, None,
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_a_403_of_something_on_the_way_is_not_taken_for_a_missing_permission(kind):
    for answer in FORBIDDEN[kind]:
        assert made(answer, http_status=403).kind == kind, answer


def test_the_request_id_is_the_header_s_else_the_gateway_s_own():
    body = {"error_code": "APIGW.0301", "error_msg": "no", "request_id": "from-body"}
    assert made(body, request_id="from-header").request_id == "from-header"
    assert made(body).request_id == "from-body"


ODD = [None, [], "text", 7, {}, {"error": None}, {"error": {}}, {"error": []}, {"error_code": True}]
ODD += [{"error_code": {}, "error_msg": ["x"]}, {"error": {"code": {}, "message": 1.5}}]


@pytest.mark.parametrize("answer", ODD)
def test_an_odd_body_still_becomes_the_error_of_its_status(answer):
    # No refusal of DCS says nothing.
    for status, kind in {500: "server_error", 403: "blocked", 418: "garbled", 302: "garbled"}.items():
        assert made(answer, http_status=status).kind == kind


REJECTED = DcsRequestRejected
INSIDE_200 = [
    ({"error_code": "DCS.5000", "error_msg": "no"}, REJECTED, "DCS.5000", "no"),
    ({"error": {"code": "111400060", "message": "no"}}, REJECTED, "111400060", "no"),
    ({"error_code": "APIGW.0308", "error_msg": "slower"}, DcsThrottled, "APIGW.0308", "slower"),
    ({"error_msg": "Internal service error."}, REJECTED, "", "Internal service error."),
    ({"error": "upstream is away"}, REJECTED, "", "upstream is away"),
    ({"message": "no route matched"}, DcsAnswerGarbled, "", "its answer has no backup_record_response"),
]


@pytest.mark.parametrize(("body", "family", "code", "message"), INSIDE_200)
def test_an_error_inside_a_200_is_an_error_and_never_an_empty_history(
    emulator, client_of, body, family, code, message
):
    emulator.answer_body(json.dumps(body).encode())
    error = refusal(client_of())
    assert (type(error), error.http_status) == (family, 200)
    assert (error.error_code, error.message) == (code, message)
    assert error.request_id == emulator.calls[-1].request_id


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"null", b"[]", b'"ok"'])
def test_a_200_that_is_not_the_api_s_is_garbled(emulator, client_of, body):
    emulator.answer_body(body)
    error = refusal(client_of())
    assert (type(error), error.kind, error.http_status) == (DcsAnswerGarbled, "garbled", 200)
    assert error.request_id == emulator.calls[-1].request_id


@pytest.mark.parametrize("status", [201, 206, 301, 302, 307, 308, 304])
def test_other_statuses_without_an_error_are_garbled(emulator, client_of, status):
    body = b"" if status == 304 else b'{"backup_record_response":[]}'
    emulator.answer_body(body, status, headers=(("Location", "/elsewhere"),))
    assert (refusal(client_of()).kind, len(emulator.calls)) == ("garbled", 1)


HTML = {400: "garbled", 401: "credentials_refused", 403: "blocked", 404: "garbled", 503: "server_error"}


@pytest.mark.parametrize(("status", "kind"), HTML.items())
def test_a_proxy_s_html_keeps_its_status(emulator, client_of, status, kind):
    emulator.answer_html(status)
    error = refusal(client_of())
    assert (error.kind, error.http_status, error.error_code, error.message) == (kind, status, "", "")


# Redaction -----------------------------------------------------------------------


KEYS = [
    ({"sk": "Wrong-secret-key-0123456789"}, "verify aksk signature fail"),
    ({"ak": "AKNOBODYKNOWS0000000"}, ""),
    ({"security_token": "Another-token-0123456789"}, ""),
]


@pytest.mark.parametrize(("key", "says"), KEYS)
def test_the_gateway_s_echo_of_a_refused_key_shows_no_secret(emulator, client_of, key, says):
    temporary = next(project for project in emulator.fleet.projects if project.security_token)
    error = refusal(client_of(temporary.name, key=key))
    assert error.kind == "credentials_refused"
    assert says in error.message
    shown = str(error) + error.message + repr(error)
    for secret in (temporary.ak, temporary.sk, temporary.security_token, *key.values(), "x-security-token:"):
        assert secret not in shown


SIGNED = "Authorization: SDK-HMAC-SHA256 Access=ABC, SignedHeaders=host, Signature=0af1"
ECHOES = [
    ("the ak AKEXAMPLE0000000000 is disabled", "AKEXAMPLE0000000000"),
    ("sk=SK/with+signs== was used", "SK/with+signs=="),
    ("token gAAA…TOKEN… expired", "gAAA…TOKEN…"),
    (SIGNED, "0af1"),
    (SIGNED, "ABC"),
    ("X-Auth-Token: MIIabc.def", "MIIabc.def"),
    ('{"X-Security-Token":"zzz"}', "zzz"),
    ("x-security-token=zzz;", "zzz"),
    ('{"encoded_authorization_message":"XcYHVkLm"}', "XcYHVkLm"),
    ("Get secretKey failed,ak:SOMEBODYELSE,err:ak not exist", "SOMEBODYELSE"),
    ("someone else's key ABCDEFGHIJ0123456789 is locked", "ABCDEFGHIJ0123456789"),
    (f"signature {'0a' * 32} differs", "0a" * 32),
    ("canonicalRequest:GET|/v2/p|a=b|host:x|", "host:x"),
    ("canonical request is\nGET\n/v2/secret-path\n", "secret-path"),
    ("Canonical-Request [GET]", "GET"),
]


@pytest.mark.parametrize(("text", "secret"), ECHOES)
def test_a_message_is_shown_without_what_it_echoes(text, secret):
    shown = redact(text, ("AKEXAMPLE0000000000", "SK/with+signs==", "gAAA…TOKEN…"))
    assert secret not in shown
    assert "[redacted]" in shown


def test_a_token_that_holds_the_key_within_is_taken_out_whole():
    assert "tail" not in redact("token head.AK12345.tail", ("AK12345", "head.AK12345.tail"))


ORDINARY = (
    "Invalid offset in the request.",
    "The throttling threshold has been reached: policy ip over ratelimit,limit:200,time:1 second",
    "project 0123456789abcdef0123456789abcdef is not in this region",
    "AK access failed to reach the limit,forbidden.",
    "实例不存在",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_message_is_left_as_it_is(text):
    assert redact(text, ("AKEXAMPLE0000000000",)) == text


def test_a_message_and_a_code_are_of_bounded_length_on_one_line_and_without_a_secret():
    error = made({"error_code": "C" * 5000, "error_msg": "line\r\n\x1b[31mred\u202e " + "m " * 5000})
    assert (len(error.message) <= 1024, len(error.error_code) <= 64) == (True, True)
    assert str(error).isprintable()
    key = "AKEXAMPLE0000000000"
    assert made({"error_code": f"key {key}"}, secrets=(key,)).error_code == "key [redacted]"


def test_request_ids_cannot_break_a_log_line_or_a_page():
    assert clean_request_id("ab-1_2.3:4<script>\r\nx") == "ab-1_2.3:4scriptx"
    assert len(clean_request_id("a" * 500)) == 128
