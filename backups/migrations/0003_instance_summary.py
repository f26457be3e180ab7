import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backups", "0002_name_of_cloud_project"),
    ]

    operations = [
        migrations.CreateModel(
            name="InstanceSummary",
            fields=[
                (
                    "instance",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="summary",
                        serialize=False,
                        to="backups.instance",
                    ),
                ),
                ("status", models.CharField(db_default="", default="", max_length=40)),
                ("read_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(db_default="", default="", max_length=40)),
                ("last_started_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                (
                    "urgency",
                    models.SmallIntegerField(
                        choices=[(0, "Running"), (1, "Planned"), (2, "Idle")], db_default=2, default=2
                    ),
                ),
                ("shown_due_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["due_at"], name="summaries_by_due_at"),
                    models.Index(fields=["shown_due_at"], name="summaries_by_shown_due_at"),
                    models.Index(fields=["read_at"], name="summaries_by_read_at"),
                ],
            },
        ),
    ]
