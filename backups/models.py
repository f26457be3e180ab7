"""What the portal keeps: its notes, and the evidence of every backup record that it has ever read.

DCS forgets: files expire, and deleted instances take their records along. A `Reading` is what the list of
an instance said from `first_at` to `last_at`; a `Backup` is a record with the readings in which it was
first there and first gone; a `Change` is what it was before a reading. So what a list said at any time can
be told again: by the latest accepted reading of then, and the changes since.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Note(models.Model):
    """A short text that all servers share: until it ends by the database's clock, or for ever."""

    # No index covers text or end, so that PostgreSQL rewrites a row in place.

    key = models.CharField(max_length=200, primary_key=True)
    text = models.TextField()
    ends = models.DateTimeField(null=True)


class CloudProject(models.Model):
    """A project of the cloud; `name` is how the configuration called it when it was read first."""

    endpoint = models.CharField(max_length=255)
    project_id = models.CharField(max_length=64)
    region = models.CharField(max_length=64)
    name = models.CharField(max_length=40, default="", db_default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "project_id"], name="one_row_a_cloud_project")
        ]


class Instance(models.Model):
    """An instance: the portal's own record of it (no address, port or account) as JSON.

    `listed` is from ListInstances, `shown` from ShowInstance; "" where that was never read. `gone_why` is
    "unlisted" where the project's list lacks it, "unknown" where DCS says that it does not exist.
    """

    project = models.ForeignKey(CloudProject, models.CASCADE, related_name="instances")
    instance_id = models.CharField(max_length=64)
    listed = models.TextField(default="")
    shown = models.TextField(default="")
    first_seen = models.DateTimeField()
    gone_since = models.DateTimeField(null=True)
    gone_why = models.CharField(max_length=8, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "instance_id"], name="one_row_an_instance")
        ]


class InstanceSummary(models.Model):
    """What is known of an instance at a glance, written with each reading of it, and when it is read next.

    `status` is the instance's own, from ListInstances. `read_at` is when its list of backups was read last,
    `problem` why the last attempt to read it failed ("" where it did not), `last_started_at` when its newest
    backup began. `due_at` is when the list is to be read next, `urgency` what for, `shown_due_at` when
    ShowInstance is to be asked; neither is due while it is None, as of an instance that is gone.
    """

    class Urgency(models.IntegerChoices):
        RUNNING = 0
        PLANNED = 1
        IDLE = 2

    # No constraint of the database: versions of before, which know no such rows, delete instances too.
    instance = models.OneToOneField(
        Instance, models.CASCADE, primary_key=True, related_name="summary", db_constraint=False
    )
    status = models.CharField(max_length=40, default="", db_default="")
    read_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=40, default="", db_default="")
    last_started_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    urgency = models.SmallIntegerField(choices=Urgency, default=Urgency.IDLE, db_default=Urgency.IDLE)
    shown_due_at = models.DateTimeField(null=True)
    facts = models.TextField(default="", db_default="")
    verdict = models.CharField(max_length=12, default="", db_default="")
    reason = models.CharField(max_length=24, default="", db_default="")
    since = models.DateTimeField(null=True)
    holds_until = models.DateTimeField(null=True)
    newest_at = models.DateTimeField(null=True)
    days = models.CharField(max_length=40, default="", db_default="")
    engine = models.CharField(max_length=40, default="", db_default="")
    tags = models.TextField(default="", db_default="")
    search = models.TextField(default="", db_default="")
    listed_digest = models.CharField(max_length=8, default="", db_default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="summaries_by_due_at"),
            models.Index(fields=["shown_due_at"], name="summaries_by_shown_due_at"),
            models.Index(fields=["read_at"], name="summaries_by_read_at"),
        ]


class Reading(models.Model):
    """A run of equal readings of an instance's list, or of attempts that failed alike.

    `is_accepted` is set once all of it is written: what a killed process left behind was never told.
    `is_doubtful`: over half of the list was missing, and no later reading has confirmed that yet.
    `last_at` of the latest run is older than its last reading, whose time the list's note has.
    """

    instance = models.ForeignKey(Instance, models.CASCADE, related_name="readings")
    previous = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    is_whole = models.BooleanField(default=True)
    is_accepted = models.BooleanField(default=False)
    is_doubtful = models.BooleanField(default=False)
    total = models.IntegerField(default=0)
    problem = models.CharField(max_length=40, default="")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["instance", "first_at"], name="readings_by_time")]


class Backup(models.Model):
    """A backup record: its JSON as DCS sent it last, and when it was there.

    One without an id that an address could name has a digest of all that it says, after a "~".
    """

    instance = models.ForeignKey(Instance, models.CASCADE, related_name="backups")
    backup_id = models.CharField(max_length=72)
    record = models.BinaryField()
    digest = models.BinaryField(max_length=12)
    # No constraint of the database: a reading is only deleted together with all that names it, and to check
    # that would cost an index each.
    first = models.ForeignKey(
        Reading, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    gone = models.ForeignKey(
        Reading, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["instance", "backup_id"], name="one_row_a_backup")
        ]
        indexes: ClassVar = [models.Index(fields=["backup_id"], name="backups_by_id")]


class Change(models.Model):
    """What a backup's record was before a reading; empty where the list did not hold it then."""

    backup = models.ForeignKey(Backup, models.CASCADE, related_name="changes")
    reading = models.ForeignKey(
        Reading, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    before = models.BinaryField()


class VerdictChange(models.Model):
    """From when on there was another verdict on an instance, and which; `before` is empty for the first one.

    A change that comes by time alone is kept before it comes; the next reading may take it back. `since` is
    when a bound was passed, which a reading may learn later.
    """

    instance = models.ForeignKey(
        Instance, models.CASCADE, related_name="verdicts", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    verdict = models.CharField(max_length=12)
    reason = models.CharField(max_length=24)
    since = models.DateTimeField(null=True)
    before_verdict = models.CharField(max_length=12, default="")
    before_reason = models.CharField(max_length=24, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["instance", "at"], name="verdicts_by_instance"),
            models.Index(fields=["at"], name="verdicts_by_time"),
        ]


class BackupFailure(models.Model):
    """A backup that failed, in short; it stays when its record leaves the list.

    `known_at` is when a reading first said that it failed, None where that is as good as always.
    """

    instance = models.ForeignKey(
        Instance, models.CASCADE, related_name="failures", db_index=False, db_constraint=False
    )
    backup_id = models.CharField(max_length=72)
    started_at = models.DateTimeField()
    error_code = models.CharField(max_length=40)
    known_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["instance", "backup_id"], name="one_row_a_failure")
        ]
        indexes: ClassVar = [models.Index(fields=["started_at"], name="failures_by_time")]
