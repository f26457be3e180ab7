"""The proof by a stranger: the vendor's own SDK, which shares no line with us, works with the emulator."""

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkdcs.v2 import (
    DcsClient,
    ListBackupRecordsRequest,
    ListInstancesRequest,
    ListRestoreRecordsRequest,
    ShowInstanceRequest,
)

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID


def sdk(dcs, project="eu-prod", **changes):
    one = dcs.emulator.fleet.project(project)
    key = {"ak": one.ak, "sk": one.sk, "project_id": one.project_id, **changes}
    credentials = BasicCredentials(**key)
    if one.security_token:
        credentials = credentials.with_security_token(one.security_token)
    builder = DcsClient.new_builder().with_http_config(HttpConfig.get_default_config())
    return builder.with_credentials(credentials).with_endpoint(dcs.endpoint).build()


def test_the_sdk_lists_and_shows_instances_with_a_key_of_any_kind(dcs):
    listed = sdk(dcs).list_instances(ListInstancesRequest(limit=100))
    assert listed.instance_num == 20
    assert ORDERS_CACHE_ID in {one.instance_id for one in listed.instances}

    shown = sdk(dcs).show_instance(ShowInstanceRequest(instance_id=ORDERS_CACHE_ID))
    assert (shown.name, shown.cache_mode, shown.status) == ("orders-cache", "ha", "RUNNING")
    assert shown.instance_backup_policy.policy.save_days == 7

    found = sdk(dcs, "cn-prod").list_instances(ListInstancesRequest(name="订单"))
    assert [one.name for one in found.instances] == ["订单缓存"]
    temporary = sdk(dcs, "ap-staging")
    assert temporary.list_instances(ListInstancesRequest()).instance_num == 15


def test_the_sdk_lists_restores_and_reads_an_empty_history_from_a_204(dcs):
    restores = sdk(dcs).list_restore_records(ListRestoreRecordsRequest(instance_id=ORDERS_CACHE_ID))
    assert [one.status for one in restores.restore_record_response] == ["failed", "succeed"]
    assert restores.total_num == 2

    brand_new = dcs.emulator.fleet.named("brand-new").instance_id
    empty = sdk(dcs).list_backup_records(ListBackupRecordsRequest(instance_id=brand_new))
    assert empty.status_code == 204
    assert not empty.backup_record_response


def test_the_sdk_pages_through_a_long_history_and_meets_no_record_twice(dcs):
    client, ids = sdk(dcs), []
    while True:
        request = ListBackupRecordsRequest(instance_id=BULK_HISTORY_ID, limit=1000, offset=len(ids))
        page = client.list_backup_records(request).backup_record_response
        if not page:
            break
        ids += [one.backup_id for one in page]

    assert ids == [row.backup_id for row in dcs.emulator.fleet.backups(BULK_HISTORY_ID)]
    assert len(set(ids)) == len(ids) > 1000


REFUSALS = [
    ({}, 5000, 400, "DCS.4800"),
    ({"sk": "wrong"}, 10, 401, "APIGW.0301"),
    ({"project_id": "0" * 32}, 10, 401, "APIGW.0307"),
]


@pytest.mark.parametrize(("changes", "limit", "status", "code"), REFUSALS)
def test_the_sdk_understands_each_refusal(dcs, changes, limit, status, code):
    request = ListBackupRecordsRequest(instance_id=ORDERS_CACHE_ID, limit=limit)
    with pytest.raises(ClientRequestException) as caught:
        sdk(dcs, **changes).list_backup_records(request)

    assert (caught.value.status_code, caught.value.error_code) == (status, code)
    assert caught.value.request_id == dcs.emulator.calls[-1].request_id


def test_the_sdk_understands_a_failure_of_dcs(dcs):
    dcs.emulator.fail_with(500)

    with pytest.raises(ServerResponseException) as failed:
        sdk(dcs).list_backup_records(ListBackupRecordsRequest(instance_id=ORDERS_CACHE_ID))

    assert (failed.value.status_code, failed.value.error_code) == (500, "DCS.5078")
