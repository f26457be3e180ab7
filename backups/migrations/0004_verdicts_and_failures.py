import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backups", "0003_instance_summary"),
    ]

    operations = [
        migrations.AddField(
            model_name="instancesummary",
            name="days",
            field=models.CharField(db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="engine",
            field=models.CharField(db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="facts",
            field=models.TextField(db_default="", default=""),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="holds_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="listed_digest",
            field=models.CharField(db_default="", default="", max_length=8),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="newest_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="reason",
            field=models.CharField(db_default="", default="", max_length=24),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="search",
            field=models.TextField(db_default="", default=""),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="tags",
            field=models.TextField(db_default="", default=""),
        ),
        migrations.AddField(
            model_name="instancesummary",
            name="verdict",
            field=models.CharField(db_default="", default="", max_length=12),
        ),
        migrations.CreateModel(
            name="BackupFailure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("backup_id", models.CharField(max_length=72)),
                ("started_at", models.DateTimeField()),
                ("error_code", models.CharField(max_length=40)),
                (
                    "instance",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="failures",
                        to="backups.instance",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["started_at"], name="failures_by_time")],
                "constraints": [
                    models.UniqueConstraint(fields=("instance", "backup_id"), name="one_row_a_failure")
                ],
            },
        ),
        migrations.CreateModel(
            name="VerdictChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("verdict", models.CharField(max_length=12)),
                ("reason", models.CharField(max_length=24)),
                ("since", models.DateTimeField(null=True)),
                ("before_verdict", models.CharField(default="", max_length=12)),
                ("before_reason", models.CharField(default="", max_length=24)),
                (
                    "instance",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verdicts",
                        to="backups.instance",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["instance", "at"], name="verdicts_by_instance"),
                    models.Index(fields=["at"], name="verdicts_by_time"),
                ],
            },
        ),
    ]
