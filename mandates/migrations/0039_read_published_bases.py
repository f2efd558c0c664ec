from typing import Any

from django.db import migrations

from mandates.rules.citations import read

PORTION = 1000


def read_published(apps: Any, schema_editor: Any) -> None:
    """Read the legal bases of everything published so far: once a county and wording."""
    basis, citation = (apps.get_model("mandates", name) for name in ("LegalBasis", "Citation"))
    with schema_editor.connection.cursor() as cursor:
        # The owner sees no rows under forced row security.
        cursor.execute("set local role huying_dispatch")
        cursor.execute(
            "select distinct e.county_id, e.legal_basis, "
            "encode(sha256(convert_to(e.legal_basis, 'UTF8')), 'hex') from mandates_entry e "
            "join mandates_listversion v on v.id = e.version_id and v.county_id = e.county_id "
            "where v.state = 'published' and e.legal_basis ~ '\\S'"
        )
        while found := cursor.fetchmany(PORTION):
            made = basis._base_manager.bulk_create(
                basis(county_id=county, digest=digest, text=text, parts=len(read(text)))
                for county, text, digest in found
            )
            citation._base_manager.bulk_create(
                citation(
                    county_id=one.county_id,
                    basis_id=one.pk,
                    position=position,
                    key="" if cited.wording else cited.key,
                    first=cited.numbers[0],
                    last=cited.numbers[1],
                    **cited._asdict(),
                )
                for one in made
                for position, cited in enumerate(read(one.text), start=1)
            )
        cursor.execute("set local role none")


class Migration(migrations.Migration):
    dependencies = [("mandates", "0038_legal_bases")]

    operations = [migrations.RunPython(read_published, migrations.RunPython.noop)]
