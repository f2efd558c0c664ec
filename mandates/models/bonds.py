"""What PostgreSQL itself keeps of calls that belong together: one follows another, or is a part of it."""

NO_CHAINS = {
    "forward": """
create function call_follows_no_follower() returns trigger language plpgsql as $$
    begin
        if new.duplicate_of_id is not null and (
            new.duplicate_of_id = new.id
            or exists (select from mandates_call where duplicate_of_id = new.id)
            or exists (select from mandates_call
                       where id = new.duplicate_of_id and duplicate_of_id is not null)
        ) then
            raise exception 'a call follows one that follows none, and none that follows follows it'
                using errcode = 'check_violation';
        end if;
        return new;
    end $$;
create trigger follows before insert or update of duplicate_of_id on mandates_call
    for each row when (new.duplicate_of_id is not null)
    execute function call_follows_no_follower();
""",
    "back": """
drop trigger follows on mandates_call; drop function call_follows_no_follower();
""",
}


# A part stays what it is, and whatever is one has none: told by its own row and by its parent's.
PARTS_STAND = {
    "forward": """
create function call_part_stands() returns trigger language plpgsql as $$
    begin
        if tg_op = 'UPDATE' or new.parent_id = new.id
            or exists (select from mandates_call where id = new.parent_id and parent_id is not null)
        then
            raise exception 'a part belongs to one call for ever, and has no parts'
                using errcode = 'check_violation';
        end if;
        return new;
    end $$;
create trigger part_begins before insert on mandates_call
    for each row when (new.parent_id is not null) execute function call_part_stands();
create trigger part_stands before update of parent_id on mandates_call
    for each row when (old.parent_id is distinct from new.parent_id)
    execute function call_part_stands();
""",
    "back": """
drop trigger part_stands on mandates_call; drop trigger part_begins on mandates_call;
drop function call_part_stands();
""",
}
