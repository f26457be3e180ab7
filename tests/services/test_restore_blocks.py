"""What stands against a restore now is told as far as DCS tells it, and no further."""

import pytest

from backups.dcs.records import Instance
from backups.services.insights.facts import restore_blocks
from backups.services.words.codes import BLOCK_WORDS, INSTANCE_STATUS_WORDS

from .api_records import EXPIRED, RUNNING, backup_at

CASES = [
    # what ShowInstance says, whether a backup is in progress, the blocks: code, DCS's word, certain
    ({"status": "RUNNING", "cache_mode": "cluster", "task": {"name": None, "status": None}}, False, []),
    ({"status": "RUNNING", "cache_mode": "ha"}, True, [("backing_up", "", True)]),
    ({"status": "EXTENDING"}, True, [("busy", "EXTENDING", True), ("backing_up", "", True)]),
    ({"status": "HIBERNATING"}, False, [("not_running", "HIBERNATING", True)]),
    (
        {"status": "CLOSED", "cache_mode": "single"},
        False,
        [("single_node", "", True), ("not_running", "CLOSED", True)],
    ),
    (
        {"status": "RUNNING", "task": {"name": "restore", "status": "PROCESSING"}},
        False,
        [("task", "restore PROCESSING", False)],
    ),
    ({"status": "RUNNING", "task": "resize"}, False, [("task", "resize", False)]),
    ({"status": None, "cache_mode": "ha"}, False, [("not_known", "", False)]),
    (None, True, [("not_known", "", False), ("backing_up", "", True)]),
]


@pytest.mark.parametrize(("shown", "backing_up", "blocks"), CASES)
def test_what_stands_against_a_restore(shown, backing_up, blocks):
    running = [backup_at("11-21", **RUNNING)] if backing_up else []
    instance = None if shown is None else Instance.from_api({"instance_id": "i", **shown})

    found = restore_blocks(instance, [backup_at("11-20", **EXPIRED), *running])

    assert [(block.code, block.detail, block.certain) for block in found] == blocks
    assert {block.code for block in found} <= BLOCK_WORDS.keys()


def test_an_instance_that_is_not_running_takes_no_restore():
    for status in INSTANCE_STATUS_WORDS.keys() - {"RUNNING"}:
        [block] = restore_blocks(Instance.from_api({"status": status}), [])
        assert (block.certain, block.detail) == (True, status)
