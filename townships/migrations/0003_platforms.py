from django.db import migrations

PLATFORMS = [
    ("party_affairs", "党群综合"),
    ("economy", "经济发展"),
    ("governance", "综合治理"),
    ("enforcement", "综合执法"),
    ("people_services", "为民服务"),
]


def seed(apps, schema_editor):
    model = apps.get_model("townships", "Platform")
    for position, (code, name) in enumerate(PLATFORMS, start=1):
        model.objects.get_or_create(code=code, defaults={"name": name, "position": position})


class Migration(migrations.Migration):
    dependencies = [("townships", "0002_system_accounts")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
