"""The fleet's projects and instances, as tables."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from . import contract, histories, oddities
from .histories import daily, empty, failing_copies
from .inventory import History, Instance, Project
from .records import Json, noise, stable_id

PolicyShape = Literal["new", "old", "manual", "none"]


def projects(bulk_records: int, now: datetime) -> tuple[Project, ...]:
    """Return the fleet; the first project is the primary one, which the contract speaks of."""
    return (
        _project("eu-prod", "eu-west-101", _eu_prod(bulk_records)),
        _project("cn-prod", "cn-north-4", _cn_prod()),
        _project("ap-staging", "ap-southeast-1", _ap_staging(now), temporary_key=True),
    )


def many(project: str, count: int, *, hour: int, share: float) -> list[Instance]:
    """Return so many instances with a backup a day: this share of them in one hour, the others in any.

    When in its hour a backup begins is another time each day, as where DCS has many to make.
    """
    made = []
    for number in range(count):
        name = f"many-{number:05}"
        luck = noise(stable_id("many", name))
        own = hour if luck < share else int((luck - share) / (1 - share) * 24)
        made.append(_instance(project, name, "6.0", "ha", 4, histories.within_its_hour, hour=own))
    return made


def _eu_prod(bulk_records: int) -> list[Instance]:
    make = partial(_instance, "eu-prod")
    orders: Json = {"instance_id": contract.ORDERS_CACHE_ID, "restores": contract.ORDERS_RESTORES}
    orders["created_at"] = datetime(2019, 3, 4, 9, 12, 44, 120_000, UTC)
    bulk: Json = {
        "instance_id": contract.BULK_HISTORY_ID,
        "about": f"{bulk_records:,} backup records to measure with",
    }
    hourly = partial(histories.hourly, count=bulk_records)
    shop, live = ("team", "shop"), "a backup is always near"
    return [
        make("orders-cache", "6.0", "ha", 4, histories.orders_cache, hour=22, tags=(shop,), **orders),
        make("bulk-history", "6.0", "ha", 4, hourly, step=3600, **bulk),
        make("baskets", "6.0", "ha", 8, hour=22, tags=(shop, ("tier", "1"))),
        make("sessions-live", "6.0", "ha", 2, histories.live, "manual", step=1, about=live),
        make("sessions-single", "5.0", "single", 1, empty, "none"),
        make("brand-new", "7.0", "ha", 4, empty),
        make("billing-broken", "5.0", "ha", 16, histories.always_failing, about="no backup has succeeded"),
        make("pricing-bad-week", "6.0", "cluster", 32, histories.failing_week, hour=1),
        make("reports-long-tail", "5.0", "ha", 24, histories.long_tail),
        make("odd-fields", "6.0", "ha", 1, oddities.odd_fields, "old"),
        make("hostile-remarks", "6.0", "ha", 1, oddities.hostile_remarks, "manual"),
        make("every-status", "6.0", "ha", 1, oddities.every_status),
        make("every-error-code", "6.0", "ha", 1, oddities.every_error_code),
        make("catalog-resized", "5.0", "ha", 8, oddities.resized, "manual", about="enlarged on 15 November"),
        make("search-suggest", "7.0", "proxy", 64, partial(daily, days=25, file_format="aof"), hour=3),
        make("recommendations", "6.0", "cluster", 128, partial(daily, days=90, fails_every=29), hour=2),
        make("rate-limits", "7.0", "ha_rw_split", 8, hour=20, tags=(("1", "one"),)),
        make("legacy-memcached", "1.5", "ha", 2, empty, "none"),
        make("frozen-tenant", "5.0", "ha", 4, partial(daily, days=12), status="FROZEN"),
        make("broken-instance", "6.0", "ha", 4, partial(daily, days=10), status="ERROR"),
    ]


def _cn_prod() -> list[Instance]:
    make = partial(_instance, "cn-prod")
    return [
        make("订单缓存", "6.0", "ha", 16, oddities.chinese, hour=18, about="订单中心 · 生产环境"),
        make("用户会话", "5.0", "cluster", 64, oddities.chinese, hour=19, tags=(("部门", "交易"),)),
        make("库存-读写分离", "7.0", "ha_rw_split", 32, oddities.chinese, hour=20),
        make("商品详情", "6.0", "proxy", 48, hour=17),
        make("风控名单", "6.0", "ha", 2, partial(daily, days=14, fails_every=5)),
        make("单机测试", "4.0", "single", 0.125, empty, "none"),
        make("orders-cache", "6.0", "ha", 4, hour=21, about="same name as in eu-prod, on purpose"),
        make("restarting", "5.0", "ha", 4, partial(daily, days=9), status="RESTARTING"),
        make("restoring", "5.0", "ha", 4, partial(daily, days=9), status="RESTORING"),
        make("extending", "6.0", "cluster", 24, partial(daily, days=9), status="EXTENDING"),
        make("flushing", "4.0", "ha", 2, partial(daily, days=9), status="FLUSHING"),
    ]


def _ap_staging(now: datetime) -> list[Instance]:
    make = partial(_instance, "ap-staging")
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    hangs = partial(failing_copies, count=1, seconds=22 * 3600)
    expired = partial(oddities.stopped, last={"ends_as": "deleted"})
    since = "automatic backups off since 15 November"
    return [
        make("staging-orders", "6.0", "ha", 1, partial(daily, days=10, fails_every=4), save_days=1),
        make("staging-sessions", "7.0", "proxy", 4, partial(daily, days=8), save_days=3),
        make("load-test", "6.0", "cluster", 256, histories.live, "manual", step=1),
        make("being-made", "7.0", "ha", 1, empty, "none", status="CREATING"),
        make("never-made", "7.0", "ha", 1, empty, "none", status="CREATEFAILED"),
        make("starting", "5.0", "ha", 1, partial(daily, days=5), status="STARTING"),
        make("closing", "5.0", "ha", 1, partial(daily, days=5), status="CLOSING"),
        make("closed", "5.0", "ha", 1, partial(daily, days=5), "old", status="CLOSED"),
        make("memcached-single", "1.5", "single", 2, empty, "none"),
        make("tiny", "6.0", "ha", 0.125, partial(daily, days=7), save_days=2),
        # Named after what the verdict says of them.
        make("copies-failing", "6.0", "ha", 8, failing_copies),
        make("backup-hangs", "6.0", "cluster", 32, hangs),
        make("first-backup", "7.0", "cluster", 512, histories.first_of_all, hour=0, step=1, created_at=today),
        make("never-restorable", "5.0", "ha", 4, partial(histories.within_its_hour, restorable=False)),
        make("plan-ignored", "6.0", "ha", 4, partial(oddities.stopped, last={"kept_until": None})),
        make("all-expired", "6.0", "ha", 4, expired, "manual", about=since),
    ]


def _project(name: str, region: str, instances: list[Instance], temporary_key: bool = False) -> Project:
    project_id, sk = _stable_hex(32, "project", name), _stable_hex(40, "sk", name)
    ak = ("HST" if temporary_key else "EMU") + _stable_hex(17, "ak", name).upper()
    token = f"EMULATED{_stable_hex(64, 'token', name)}" if temporary_key else ""
    return Project(name, region, project_id, ak, sk, token, {one.instance_id: one for one in instances})


def _stable_hex(length: int, *names: object) -> str:
    return hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()[:length]


def _instance(
    project: str,
    name: str,
    engine_version: str,
    cache_mode: str,
    capacity_gb: float,
    history: History = daily,
    policy: PolicyShape = "new",
    hour: int = 18,
    about: str | None = None,
    **fields: Any,
) -> Instance:
    """Return an instance with an id, a time and a policy of its own; `fields` are those of Instance."""
    own_id = stable_id("instance", project, name)
    created_at = datetime(2024, 2, 1, 8, tzinfo=UTC) + timedelta(seconds=int(noise(own_id) * 60_000_000))
    given = {
        "instance_id": own_id,
        "created_at": created_at,
        "backup_hour": hour,
        "description": about,
        **fields,
    }
    engine = "Memcached" if engine_version == "1.5" else "Redis"
    made = Instance(name, engine, engine_version, cache_mode, capacity_gb, history, **given)
    return replace(made, backup_policy=_policy(own_id, policy, made))


def _policy(key: str, shape: PolicyShape, instance: Instance) -> Json | None:
    """Return instance_backup_policy: null, the documented shape, or the older one without `policy`."""
    if shape == "none":
        return None
    plan: Json = {"backup_at": [1, 2, 3, 4, 5, 6, 7], "period_type": "weekly"}
    plan |= {"begin_at": instance.backup_period, "timezone_offset": "+0000"}
    backup_type = "manual" if shape == "manual" else "auto"
    policy: Json = {
        "backup_type": backup_type,
        "save_days": instance.save_days,
        "periodical_backup_plan": plan,
    }
    if shape == "old":
        return policy
    created_at = f"{instance.created_at:%Y-%m-%dT%H:%M:%S.000Z}"
    times = {"created_at": created_at, "updated_at": created_at}
    ids = {"backup_policy_id": stable_id(key, "policy"), "tenant_id": _stable_hex(32, "tenant")}
    return {**ids, **times, "policy": policy}
