from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backups", "0001_evidence")]

    operations = [
        migrations.AddField(
            model_name="cloudproject",
            name="name",
            field=models.CharField(db_default="", default="", max_length=40),
        ),
    ]
