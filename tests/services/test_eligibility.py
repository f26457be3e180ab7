"""The restore verdict and its reasons, case by case."""

import msgspec
import pytest

from backups.dcs.records import BackupRecord
from backups.services.eligibility import eligibility
from backups.services.words.codes import REASON_WORDS

from .api_records import raw

CASES = [
    # status, DCS's word, error code; verdict, reasons
    ("succeed", "TRUE", None, "yes", ()),
    ("succeed", "FALSE", None, "no", ("dcs_says_no",)),
    ("succeed", None, None, "unknown", ("dcs_does_not_say",)),
    ("succeed", "maybe", None, "unknown", ("dcs_does_not_say",)),
    ("expired", "TRUE", None, "no", ("expired", "contradiction")),
    ("expired", "FALSE", None, "no", ("expired",)),
    ("deleted", "FALSE", None, "no", ("deleted",)),
    ("failed", "TRUE", None, "no", ("failed", "contradiction")),
    ("failed", "FALSE", None, "no", ("failed",)),
    ("failed", None, None, "no", ("failed",)),
    ("failed", "FALSE", "dcs.08.0002", "no", ("failed",)),
    ("failed", "FALSE", "dcs.08.0008", "no", ("did_not_run",)),
    ("failed", "FALSE", "DCS.08.0008", "no", ("did_not_run",)),
    ("waiting", "FALSE", None, "no", ("waiting",)),
    ("backuping", None, None, "no", ("in_progress",)),
    ("archived", "TRUE", None, "unknown", ("unknown_status",)),
    ("archived", "FALSE", None, "no", ("unknown_status", "dcs_says_no")),
    ("SUCCEED", "TRUE", None, "unknown", ("unknown_status",)),
    (None, "TRUE", None, "unknown", ("no_status",)),
    ("MISSING", "MISSING", None, "unknown", ("no_status",)),
]


@pytest.mark.parametrize(("status", "word", "error_code", "verdict", "reasons"), CASES)
def test_the_verdict_of_a_record(status, word, error_code, verdict, reasons):
    record = BackupRecord.from_api(raw(1, status=status, is_support_restore=word, error_code=error_code))

    found = eligibility(record)

    assert (found.verdict, found.reasons) == (verdict, reasons)
    assert found.usable == (record.status == "succeed" and record.restorable is True)


def test_every_reason_has_words():
    presence = {"not_listed", "missing"}
    assert {reason for *_, reasons in CASES for reason in reasons} | presence == set(REASON_WORDS)


@pytest.mark.parametrize(
    ("presence", "verdict", "reason"), [("unlisted", "no", "not_listed"), ("missing", "unknown", "missing")]
)
def test_what_the_list_does_not_hold_is_not_usable(presence, verdict, reason):
    record = BackupRecord.from_api({"status": "succeed", "is_support_restore": "TRUE"})

    found = eligibility(msgspec.structs.replace(record, presence=presence))

    assert (found.verdict, found.reasons, found.usable) == (verdict, (reason,), False)
