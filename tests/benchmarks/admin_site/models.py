from __future__ import annotations

from typing import ClassVar

from django.db import models

from backups.dcs.records import FORMATS, STATUSES, TYPES


def _choices(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(code, code.capitalize()) for code in codes]


class Backup(models.Model):
    backup_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=128)
    status = models.CharField(max_length=16, choices=_choices(STATUSES))
    type = models.CharField(max_length=16, choices=_choices(TYPES))
    format = models.CharField(max_length=16, choices=_choices(FORMATS))
    restorable = models.BooleanField(null=True)
    data_from = models.DateTimeField(null=True, db_index=True)
    took = models.DurationField(null=True)
    size = models.BigIntegerField(null=True)
    remark = models.CharField(max_length=128, blank=True)
    error_code = models.CharField(max_length=16, blank=True)

    class Meta:
        ordering: ClassVar = ["-data_from", "backup_id"]

    def __str__(self) -> str:
        return self.name
