from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backups", "0004_verdicts_and_failures"),
    ]

    operations = [
        migrations.AddField(
            model_name="backupfailure",
            name="known_at",
            field=models.DateTimeField(null=True),
        ),
    ]
