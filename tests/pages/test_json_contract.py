"""backups.json, field by field: what scripts rely on."""

import re

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from backups.services.history import FILTERS
from tests.services.api_records import raw

from .addresses import REFERENCE, history_named
from .conftest import ORDERS

pytestmark = pytest.mark.usefixtures("portal")
Z = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
EPOCH = "1970-01-01T00:00:00Z"


def test_the_envelope(ada, emulator):
    asked = "status=failed&q=Nightly+X&to=2026-11-20&tz=Asia/Shanghai&unknown=1"
    response = ada.get(f"{ORDERS}backups.json?{asked}")
    body = response.json()

    assert response.headers["Content-Type"] == "application/json"
    assert list(body) == re.findall(
        r"\w+",
        "project region instance_id filter generation read_at source complete problem request_ids promised "
        "total matched verdict seen as_of watched_since unlisted backups",
    )
    assert (body["project"], body["region"]) == ("eu-prod", "eu-west-101")
    assert body["instance_id"] == ORDERS_CACHE_ID
    assert body["filter"] == {one.name: list(one.default) for one in FILTERS} | {
        "status": ["failed"],
        "q": "nightly x",
        "from": None,
        "to": "2026-11-20T16:00:00Z",
        "range": None,
        "sort": "-started",
        "tz": "Asia/Shanghai",
    }
    assert re.fullmatch(r"[0-9a-f]{16}", body["generation"])
    assert Z.fullmatch(body["read_at"])
    assert (body["source"], body["complete"], body["problem"]) == ("live", True, None)
    assert body["request_ids"] == [call.request_id for call in emulator.calls if "/backups" in call.path]
    listed = len(emulator.fleet.backups(ORDERS_CACHE_ID))
    assert (body["promised"], body["total"], body["matched"]) == (listed, listed, 0)
    assert (body["seen"], body["as_of"], body["unlisted"]) == (None, None, 0)
    assert body["watched_since"] == body["read_at"]
    assert list(body["verdict"]) == ["verdict", "reason", "sentence"]
    assert (body["verdict"]["verdict"], body["verdict"]["reason"]) == ("usable", "within_objective")
    assert body["verdict"]["sentence"].startswith("Usable: data from ")
    assert ada.get(f"{ORDERS}backups.json").json()["source"] == "cache"


def test_the_reference_page_s_record(ada):
    body = ada.get(f"{ORDERS}backups.json?q={REFERENCE_BACKUP_ID}").json()

    assert body["backups"] == [
        {
            "backup_id": REFERENCE_BACKUP_ID,
            "name": "backup_20190510163116",
            "status": "succeed",
            "type": "manual",
            "format": None,
            "size_bytes": 880232,
            "created_at": "2019-05-10T08:31:16.166Z",
            "started_at": "2019-05-10T08:31:21.461Z",
            "finished_at": "2019-05-10T08:32:30.546Z",
            "duration_seconds": 69.085,
            "progress_percent": 100.0,
            "restorable": True,
            "usable": True,
            "restore_reasons": [],
            "error_code": None,
            "error_meaning": None,
            "description": "001",
            "period": None,
            "url": f"http://127.0.0.1:8000{REFERENCE}",
            "first_seen": body["read_at"],
            "last_seen": body["read_at"],
            "gone_since": None,
            "changes": [],
        }
    ]


@pytest.mark.parametrize("name", ["odd-fields", "every-status", "hostile-remarks", "every-error-code"])
def test_every_value_has_its_type_or_is_null(ada, name):
    texts = ("name", "status", "type", "format", "error_code", "error_meaning", "description", "period")

    for backup in ada.get(f"{history_named(name)}backups.json").json()["backups"]:
        assert all(Z.fullmatch(backup[name] or EPOCH) for name in ("created_at", "started_at", "finished_at"))
        assert all(backup[name] is None or (isinstance(backup[name], str) and backup[name]) for name in texts)
        assert isinstance(backup["size_bytes"] or 0, int)
        assert all(0 <= (backup[name] or 0) < 1e9 for name in ("duration_seconds", "progress_percent"))
        assert backup["restorable"] in (True, False, None)
        assert isinstance(backup["usable"], bool)
        assert all(re.fullmatch(r"[a-z_]+", reason) for reason in backup["restore_reasons"])
        assert bool(backup["restore_reasons"]) != backup["usable"]


def test_what_has_not_finished_has_no_end_and_a_negative_duration_is_null(ada, lists):
    statuses = ("waiting", "expired", "archived", None)
    ended_before = raw(4, updated_at="2026-10-31T00:00:00.000Z", is_support_restore="FALSE")
    lists([*(raw(n, status=status) for n, status in enumerate(statuses)), ended_before])

    *others, backup = ada.get(f"{ORDERS}backups.json?sort=started").json()["backups"]

    assert tuple(one["status"] for one in others) == statuses
    assert {(one["finished_at"], one["duration_seconds"]) for one in others} == {(None, None)}
    assert (backup["finished_at"], backup["duration_seconds"]) == ("2026-10-31T00:00:00Z", None)
    assert (backup["restorable"], backup["usable"]) == (False, False)
    assert backup["restore_reasons"] == ["dcs_says_no"]  # a no without a reason gets none


def test_a_problem_has_all_its_fields(ada, emulator, impatient):
    emulator.throttle(30, message="slow down")

    response = ada.get(f"{ORDERS}backups.json")

    problem = response.json()["problem"]
    assert Z.fullmatch(problem.pop("retry_at"))
    assert problem == {
        "kind": "throttled",
        "http_status": 429,
        "code": "APIGW.0308",
        "message": "slow down",
        "request_id": emulator.calls[-1].request_id,
    }
