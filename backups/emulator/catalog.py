"""The fleet's projects and instances, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from . import contract, histories, oddities
from .inventory import History, Instance, Json, Project, noise, stable_hex, stable_id

PolicyShape = Literal["new", "old", "manual", "none"]


def projects(bulk_records: int) -> tuple[Project, ...]:
    """Return the fleet; the first project is the primary one, which the contract speaks of."""
    return (
        _project("eu-prod", "eu-west-101", [*_contract_instances(bulk_records), *_made("eu-prod", _EU_PROD)]),
        _project("cn-prod", "cn-north-4", _made("cn-prod", _CN_PROD)),
        _project("ap-staging", "ap-southeast-1", _made("ap-staging", _AP_STAGING), temporary_key=True),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tables below."""

    name: str
    engine_version: str
    cache_mode: str
    capacity_gb: float
    history: History = histories.daily
    policy: PolicyShape = "new"
    status: str = "RUNNING"
    hour: int = 18
    save_days: int = 7
    step: int = 60
    description: str | None = None
    tags: tuple[tuple[str, Any], ...] = ()


_EU_PROD = (
    Line("baskets", "6.0", "ha", 8, hour=22, tags=(("team", "shop"), ("tier", "1"))),
    Line(
        "sessions-live",
        "6.0",
        "ha",
        2,
        histories.live,
        "manual",
        step=1,
        description="a backup is always near",
    ),
    Line("sessions-single", "5.0", "single", 1, histories.empty, "none"),
    Line("brand-new", "7.0", "ha", 4, histories.empty),
    Line("billing-broken", "5.0", "ha", 16, histories.always_failing, description="no backup has succeeded"),
    Line("pricing-bad-week", "6.0", "cluster", 32, histories.failing_week, hour=1),
    Line("reports-long-tail", "5.0", "ha", 24, histories.long_tail),
    Line("odd-fields", "6.0", "ha", 1, oddities.odd_fields, "old"),
    Line("hostile-remarks", "6.0", "ha", 1, oddities.hostile_remarks, "manual"),
    Line("every-status", "6.0", "ha", 1, oddities.every_status),
    Line("every-error-code", "6.0", "ha", 1, oddities.every_error_code),
    Line(
        "catalog-resized", "5.0", "ha", 8, oddities.resized, "manual", description="enlarged on 15 November"
    ),
    Line("search-suggest", "7.0", "proxy", 64, partial(histories.daily, days=25, file_format="aof"), hour=3),
    Line("recommendations", "6.0", "cluster", 128, partial(histories.daily, days=90, fails_every=29), hour=2),
    Line("rate-limits", "7.0", "ha_rw_split", 8, hour=20, tags=(("1", "one"),)),
    Line("legacy-memcached", "1.5", "ha", 2, partial(histories.daily, days=14), "old", hour=4),
    Line("frozen-tenant", "5.0", "ha", 4, partial(histories.daily, days=12), status="FROZEN"),
    Line("broken-instance", "6.0", "ha", 4, partial(histories.daily, days=10), status="ERROR"),
)

_CN_PROD = (
    Line("订单缓存", "6.0", "ha", 16, oddities.chinese, hour=18, description="订单中心 · 生产环境"),
    Line("用户会话", "5.0", "cluster", 64, oddities.chinese, hour=19, tags=(("部门", "交易"),)),
    Line("库存-读写分离", "7.0", "ha_rw_split", 32, oddities.chinese, hour=20),
    Line("商品详情", "6.0", "proxy", 48, hour=17),
    Line("风控名单", "6.0", "ha", 2, partial(histories.daily, days=14, fails_every=5)),
    Line("单机测试", "4.0", "single", 0.125, histories.empty, "none"),
    Line("orders-cache", "6.0", "ha", 4, hour=21, description="same name as in eu-prod, on purpose"),
    Line("restarting", "5.0", "ha", 4, partial(histories.daily, days=9), status="RESTARTING"),
    Line("restoring", "5.0", "ha", 4, partial(histories.daily, days=9), status="RESTORING"),
    Line("extending", "6.0", "cluster", 24, partial(histories.daily, days=9), status="EXTENDING"),
    Line("flushing", "4.0", "ha", 2, partial(histories.daily, days=9), status="FLUSHING"),
)

_AP_STAGING = (
    Line("staging-orders", "6.0", "ha", 1, partial(histories.daily, days=10, fails_every=4), save_days=1),
    Line("staging-sessions", "7.0", "proxy", 4, partial(histories.daily, days=8), save_days=3),
    Line("load-test", "6.0", "cluster", 256, histories.live, "manual", step=1),
    Line("being-made", "7.0", "ha", 1, histories.empty, "none", status="CREATING"),
    Line("never-made", "7.0", "ha", 1, histories.empty, "none", status="CREATEFAILED"),
    Line("starting", "5.0", "ha", 1, partial(histories.daily, days=5), status="STARTING"),
    Line("closing", "5.0", "ha", 1, partial(histories.daily, days=5), status="CLOSING"),
    Line("closed", "5.0", "ha", 1, partial(histories.daily, days=5), "old", status="CLOSED"),
    Line("memcached-single", "1.5", "single", 2, histories.empty, "none"),
    Line("tiny", "6.0", "ha", 0.125, partial(histories.daily, days=7), save_days=2),
)


def _contract_instances(bulk_records: int) -> Iterable[Instance]:
    orders = Line("orders-cache", "6.0", "ha", 4, contract.orders_cache, hour=22, tags=(("team", "shop"),))
    bulk = Line(
        "bulk-history",
        "6.0",
        "ha",
        4,
        histories.Hourly(bulk_records),
        step=3600,
        description=f"{bulk_records:,} backup records to measure with",
    )
    yield replace(
        _instance("eu-prod", orders),
        instance_id=contract.ORDERS_CACHE_ID,
        created_at=datetime(2019, 3, 4, 9, 12, 44, 120_000, UTC),
        restores=_ORDERS_RESTORES,
    )
    yield replace(_instance("eu-prod", bulk), instance_id=contract.BULK_HISTORY_ID)


def _project(
    name: str, region: str, instances: Iterable[Instance], *, temporary_key: bool = False
) -> Project:
    return Project(
        name=name,
        region=region,
        project_id=stable_hex(32, "project", name),
        ak=("HST" if temporary_key else "EMU") + stable_hex(17, "ak", name).upper(),
        sk=stable_hex(40, "sk", name),
        security_token=f"EMULATED{stable_hex(64, 'token', name)}" if temporary_key else "",
        instances={instance.instance_id: instance for instance in instances},
    )


def _made(project: str, lines: Iterable[Line]) -> list[Instance]:
    return [_instance(project, line) for line in lines]


def _instance(project: str, line: Line) -> Instance:
    instance_id = stable_id("instance", project, line.name)
    created = datetime(2024, 2, 1, 8, tzinfo=UTC) + timedelta(seconds=int(noise(instance_id) * 60_000_000))
    return Instance(
        instance_id=instance_id,
        name=line.name,
        engine="Memcached" if line.engine_version == "1.5" else "Redis",
        engine_version=line.engine_version,
        cache_mode=line.cache_mode,
        capacity_gb=line.capacity_gb,
        status=line.status,
        created_at=created,
        backup_policy=_policy(instance_id, line, created),
        history=line.history,
        step=line.step,
        save_days=line.save_days,
        backup_hour=line.hour,
        description=line.description,
        tags=line.tags,
    )


def _policy(instance_id: str, line: Line, created: datetime) -> Json | None:
    """Return instance_backup_policy: null, the documented shape, or the older one without `policy`."""
    if line.policy == "none":
        return None
    plan = {
        "backup_at": [1, 2, 3, 4, 5, 6, 7],
        "period_type": "weekly",
        "begin_at": f"{line.hour:02d}:00-{(line.hour + 1) % 24:02d}:00",
        "timezone_offset": "+0000",
    }
    policy: Json = {
        "backup_type": "manual" if line.policy == "manual" else "auto",
        "save_days": line.save_days,
        "periodical_backup_plan": plan,
    }
    if line.policy == "old":
        return policy
    return {
        "backup_policy_id": stable_id(instance_id, "policy"),
        "created_at": f"{created:%Y-%m-%dT%H:%M:%S.000Z}",
        "updated_at": f"{created:%Y-%m-%dT%H:%M:%S.000Z}",
        "tenant_id": stable_hex(32, "tenant"),
        "policy": policy,
    }


_ORDERS_RESTORES: tuple[Json, ...] = (
    {
        "restore_id": stable_id("restore", 2),
        "restore_name": "restore_20260918223301",
        "backup_id": contract.REFERENCE_BACKUP_ID,
        "backup_name": "backup_20190510163116",
        "backup_remark": "001",
        "restore_remark": "rehearsal",
        "status": "failed",
        "progress": "12.00",
        "error_code": "dcs.08.0007",
        "created_at": "2026-09-18T14:33:01.004Z",
        "updated_at": "2026-09-18T14:35:12.870Z",
    },
    {
        "restore_id": stable_id("restore", 1),
        "restore_name": "restore_20190511101502",
        "backup_id": contract.REFERENCE_BACKUP_ID,
        "backup_name": "backup_20190510163116",
        "backup_remark": "001",
        "restore_remark": None,
        "status": "succeed",
        "progress": "100.00",
        "error_code": None,
        "created_at": "2019-05-11T02:15:02.310Z",
        "updated_at": "2019-05-11T02:17:41.021Z",
    },
)
