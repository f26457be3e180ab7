"""The columns, filters and search of the history page, by the admin's own means."""

from __future__ import annotations

from django.contrib.admin import AdminSite, ModelAdmin

from .models import Backup


class BackupAdmin(ModelAdmin):
    list_display = (
        "status",
        "restorable",
        "name",
        "type",
        "format",
        "data_from",
        "took",
        "size",
        "remark",
        "error_code",
    )
    list_display_links = ("name",)
    list_filter = ("status", "type", "format", "restorable")
    search_fields = ("name", "backup_id", "remark", "error_code")


def site(rows: int) -> AdminSite:
    made = AdminSite(name=f"admin{rows}")
    made.register(Backup, type(f"BackupAdmin{rows}", (BackupAdmin,), {"list_per_page": rows}))
    return made
