from django.db import migrations, models

WHAT = ("added", "removed", "reset", "codes_made", "code_used", "guessed", "bound", "unbound",
        "password", "new_browser")  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("townships", "0016_identities_told")]

    operations = [
        migrations.AddField(
            model_name="factorchange",
            name="owed_from",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="factorchange",
            name="tries",
            field=models.PositiveSmallIntegerField(default=0, db_default=0),
        ),
        migrations.RemoveConstraint(model_name="factorchange", name="factor_change_what"),
        migrations.AlterField(
            model_name="factorchange",
            name="what",
            field=models.CharField(
                choices=[
                    ("added", "Set up"),
                    ("removed", "Removed"),
                    ("reset", "Reset by an administrator"),
                    ("codes_made", "New recovery codes made"),
                    ("code_used", "Recovery code used"),
                    ("guessed", "Several wrong codes after the right password"),
                    ("bound", "Single sign-on bound"),
                    ("unbound", "Single sign-on let go"),
                    ("password", "Password changed"),
                    ("new_browser", "Signed in with a browser not used before"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="factorchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("what__in", list(WHAT))), name="factor_change_what"
            ),
        ),
    ]
