"""`./run manage forget`: deletes what is kept of an instance, of a project, or the remark of a backup."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backups.models import Backup, CloudProject, Instance
from backups.services.evidence import backups_with, instances_with, projects_called
from backups.services.listings import Removed, remove_instance, remove_project, remove_remarks


class Command(BaseCommand):
    help = (
        "Deletes what the portal keeps of an instance or a project, or the remark of a backup. What DCS "
        "still lists is kept anew when it is read next. Older backups of the database still have it."
    )
    requires_system_checks = ()  # what is to go must go, also while a setting is wrong

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--instance", metavar="ID", help="the instance with all its backups")
        of_project = "all instances of a project, by its configured name or the cloud's id of it"
        what.add_argument("--project", metavar="NAME", help=of_project)
        what.add_argument("--remark", metavar="BACKUP_ID", help="what a person wrote when starting a backup")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remark"]:
            backups = backups_with(options["remark"])
            self._confirm(map(_remark_in_words, backups), options)
            self.stdout.write(f"Deleted the remark of {_counted(remove_remarks(backups), 'backup')}.")
            return
        if options["instance"]:
            instances = instances_with(options["instance"])
            self._confirm(map(_instance_in_words, instances), options)
            removed = sum(map(remove_instance, instances), Removed())
        else:
            projects = projects_called(options["project"])
            self._confirm(map(_project_in_words, projects), options)
            removed = sum(map(remove_project, projects), Removed())
        counts = [
            _counted(removed[kind], kind.lower()) for kind in ("Instance", "Backup", "Change", "Reading")
        ]
        self.stdout.write(f"Deleted {', '.join(counts[:3])} and {counts[3]}.")

    def _confirm(self, found: Iterable[str], options: dict[str, Any]) -> None:
        lines = [f"To be deleted: {one}." for one in found]
        if not lines:
            raise CommandError("Nothing of that is kept.")
        self.stdout.write("\n".join(lines))
        if options["yes"]:
            return
        try:
            answer = input("It cannot be undone. Type yes to delete it: ")
        except EOFError:
            answer = ""
        if answer.strip().lower() != "yes":
            raise CommandError("Nothing was deleted.")


def _instance_in_words(instance: Instance) -> str:
    count = _counted(instance.backups.count(), "backup")
    return f"instance {instance.instance_id} of cloud project {instance.project.project_id}, with {count}"


def _project_in_words(project: CloudProject) -> str:
    count = _counted(project.instances.count(), "instance")
    backups = _counted(Backup.objects.filter(instance__project=project).count(), "backup")
    return f"cloud project {project.project_id} at {project.endpoint}, with {count} and {backups}"


def _remark_in_words(backup: Backup) -> str:
    state = "which DCS still lists" if backup.gone_id is None else "which DCS no longer lists"
    return f"the remark of backup {backup.backup_id} of instance {backup.instance.instance_id}, {state}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
