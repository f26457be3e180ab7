"""The restore verdict and its reasons, case by case."""

import msgspec
import pytest

from backups.dcs.records import BackupRecord
from backups.services.eligibility import eligibility
from backups.services.words.codes import REASON_WORDS

from .api_records import raw

CASES = [
    # fields, verdict, reasons
    ({"status": "succeed", "is_support_restore": "TRUE"}, "yes", ()),
    ({"status": "succeed", "is_support_restore": "FALSE"}, "no", ("dcs_says_no",)),
    ({"status": "succeed", "is_support_restore": None}, "unknown", ("dcs_does_not_say",)),
    ({"status": "succeed", "is_support_restore": "maybe"}, "unknown", ("dcs_does_not_say",)),
    ({"status": "expired", "is_support_restore": "TRUE"}, "no", ("expired", "contradiction")),
    ({"status": "expired", "is_support_restore": "FALSE"}, "no", ("expired",)),
    ({"status": "deleted", "is_support_restore": "FALSE"}, "no", ("deleted",)),
    ({"status": "failed", "is_support_restore": "TRUE"}, "no", ("failed", "contradiction")),
    ({"status": "failed", "is_support_restore": "FALSE"}, "no", ("failed",)),
    ({"status": "failed", "is_support_restore": None}, "no", ("failed",)),
    ({"status": "failed", "is_support_restore": "FALSE", "error_code": "dcs.08.0002"}, "no", ("failed",)),
    (
        {"status": "failed", "is_support_restore": "FALSE", "error_code": "dcs.08.0008"},
        "no",
        ("did_not_run",),
    ),
    (
        {"status": "failed", "is_support_restore": "FALSE", "error_code": "DCS.08.0008"},
        "no",
        ("did_not_run",),
    ),
    ({"status": "waiting", "is_support_restore": "FALSE"}, "no", ("waiting",)),
    ({"status": "backuping", "is_support_restore": None}, "no", ("in_progress",)),
    ({"status": "archived", "is_support_restore": "TRUE"}, "unknown", ("unknown_status",)),
    ({"status": "archived", "is_support_restore": "FALSE"}, "no", ("unknown_status", "dcs_says_no")),
    ({"status": "SUCCEED", "is_support_restore": "TRUE"}, "unknown", ("unknown_status",)),
    ({"status": None, "is_support_restore": "TRUE"}, "unknown", ("no_status",)),
    ({"status": "MISSING", "is_support_restore": "MISSING"}, "unknown", ("no_status",)),
]


@pytest.mark.parametrize(("fields", "verdict", "reasons"), CASES)
def test_the_verdict_of_a_record(fields, verdict, reasons):
    record = BackupRecord.from_api(raw(1, **fields))

    found = eligibility(record)

    assert (found.verdict, found.reasons) == (verdict, reasons)
    assert found.usable == (record.status == "succeed" and record.restorable is True)


def test_every_reason_has_words():
    presence = {"not_listed", "missing"}
    assert {reason for _, _, reasons in CASES for reason in reasons} | presence == set(REASON_WORDS)


@pytest.mark.parametrize(
    ("presence", "verdict", "reason"), [("unlisted", "no", "not_listed"), ("missing", "unknown", "missing")]
)
def test_what_the_list_does_not_hold_is_not_usable(presence, verdict, reason):
    record = BackupRecord.from_api({"status": "succeed", "is_support_restore": "TRUE"})

    found = eligibility(msgspec.structs.replace(record, presence=presence))

    assert (found.verdict, found.reasons, found.usable) == (verdict, (reason,), False)
