"""The site map of the portal."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from .opened_links import damaged_path
from .services.projects import CLOUD_ID
from .views import board, board_files, exports, find, pages, patterns, tickets


class CloudId(StringConverter):
    """An id of the cloud; anything else is 404 without asking DCS."""

    regex = CLOUD_ID.pattern


class Rest(StringConverter):
    """Whatever is left of a path, line breaks as well."""

    regex = "(?s:.+)"


class Ending(StringConverter):
    """What the file of a report is called after."""

    regex = "json|csv"


register_converter(CloudId, "id")
register_converter(Ending, "file")
register_converter(Rest, "rest")

PROJECT = "projects/<slug:project_name>/"
INSTANCE = f"{PROJECT}instances/<id:instance_id>/"

urlpatterns = [
    path("", board.home, name="home"),
    path("ticket/", board_files.board_ticket, name="home-ticket"),
    path("instances.<file:ending>", board_files.instances, name="instances-file"),
    path("failures/", board.report, {"name": "failures"}, name="failures"),
    path("failures/ticket/", board_files.report_ticket, {"name": "failures"}, name="failures-ticket"),
    path("failures.<file:ending>", board_files.report, {"name": "failures"}, name="failures-file"),
    path("changes/", board.report, {"name": "changes"}, name="changes"),
    path("changes/ticket/", board_files.report_ticket, {"name": "changes"}, name="changes-ticket"),
    path("changes.<file:ending>", board_files.report, {"name": "changes"}, name="changes-file"),
    path("find/", find.find, name="find"),
    path("find/suggestions/", find.suggestions, name="suggestions"),
    path("keyboard/", pages.keyboard, name="keyboard"),
    path("patterns/", patterns.patterns, name="patterns"),
    path(PROJECT, board.project, name="project"),
    path(PROJECT + "ticket/", board_files.board_ticket, name="project-ticket"),
    path(PROJECT + "instances.<file:ending>", board_files.instances, name="instances-file"),
    path(INSTANCE, pages.history, name="history"),
    path(INSTANCE + "ticket/", tickets.of_history, name="history-ticket"),
    path(INSTANCE + "backups.json", exports.backups_json, name="backups-json"),
    path(INSTANCE + "backups.csv", exports.backups_csv, name="backups-csv"),
    path(INSTANCE + "recovery-point/", pages.recovery_point, name="recovery-point"),
    path(INSTANCE + "recovery-point/understood/", pages.understood, name="understood"),
    path(INSTANCE + "recovery-point/ticket/", tickets.of_recovery_point, name="recovery-ticket"),
    path(INSTANCE + "compare/", pages.compare, name="compare"),
    path(INSTANCE + "restores/", pages.restores, name="restores"),
    path(INSTANCE + "refresh/", pages.refresh, name="refresh"),
    path(INSTANCE + "backups/<id:backup_id>/", pages.backup, name="backup"),
    path(INSTANCE + "backups/<id:backup_id>/restores/", pages.restores, name="backup-restores"),
    path(INSTANCE + "backups/<id:backup_id>/ticket/", tickets.of_backup, name="backup-ticket"),
    # Last, since nothing else begins so: what mail or chat left behind an address.
    path("projects/<rest:rest>", damaged_path, name="damaged-path"),
]
