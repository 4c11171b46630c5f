-- The functions of programs in any language. Their names, parameters and results are stable: a later version adds parameters
-- with defaults only. A role needs `grant usage on schema fleet` and no right on a table, since the functions run with the
-- rights of their owner.

-- Adds messages. Returns a row for each, in order: `outcome` is `queued`, `duplicate` (the same message was enqueued before, and
-- is in `state`) or `key in use` (another message has the key). Error FL003: the fleet has no such identity.
create function fleet.enqueue_many(
    identities text[], keys text[], peers text[], bodies text[], media_types text[], times_to_live interval[]
) returns table (outcome text, state text) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    unknown text;
    operations text[];
    added text[];
begin
    select m.uri into unknown from unnest(identities) as m(uri)
        where not exists (select from fleet.identity i where i.sip_key = lower(m.uri collate "C")) limit 1;
    if found then
        perform fleet.fail('FL003', 'the fleet has no such identity', unknown);
    end if;
    select array_agg(gen_random_uuid()::text) into operations from generate_subscripts(identities, 1);
    with inserted as (
        insert into fleet.outbox (identity, key, peer, body, media_type, deadline, operation)
            select i.id, m.key, m.peer, m.body, m.media_type, clock_timestamp() + m.time_to_live, m.operation
            from unnest(identities, keys, peers, bodies, media_types, times_to_live, operations) with ordinality
                as m(uri, key, peer, body, media_type, time_to_live, operation, ordinal)
            join fleet.identity i on i.sip_key = lower(m.uri collate "C")
            order by m.ordinal
            on conflict (identity, key) do nothing returning operation
    )
    select coalesce(array_agg(operation), '{}') into added from inserted;
    return query
        select
            case
                when m.operation = any (added) then 'queued'
                when o.peer = m.peer and o.body = m.body and o.media_type = m.media_type then 'duplicate'
                else 'key in use'
            end,
            o.state
        from unnest(identities, keys, peers, bodies, media_types, operations) with ordinality
            as m(uri, key, peer, body, media_type, operation, ordinal)
        join fleet.identity i on i.sip_key = lower(m.uri collate "C")
        join fleet.outbox o on o.identity = i.id and o.key = m.key
        order by m.ordinal;
end $$;

-- Adds one message. `media_type` is text/plain or text/html. A message that no worker has begun to send after `time_to_live`
-- becomes dead.
create function fleet.enqueue(
    identity text, key text, peer text, body text,
    media_type text default 'text/plain', time_to_live interval default null
) returns table (outcome text, state text) language sql security definer set search_path = pg_catalog, pg_temp as $$
    select * from fleet.enqueue_many(
        array[identity], array[key], array[peer], array[body], array[media_type], array[time_to_live])
$$;

-- Returns the state of a message: queued, posting, posted, delivered, failed, unknown or dead. No row if there is no such message.
create function fleet.delivery(identity text, key text)
returns table (state text, reason text, operation text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.state, o.reason, o.operation from fleet.outbox o join fleet.identity i on i.id = o.identity
    where i.sip_key = lower(delivery.identity collate "C") and o.key = delivery.key
$$;

-- Returns the oldest messages of the inbox that the consumer has not acknowledged. The first call creates the consumer. The
-- function acknowledges nothing.
create function fleet.read_inbox(consumer text, max_messages bigint default 100)
returns table (
    "position" bigint, identity text, href text, thread_id text, sender text, media_type text, body text,
    written_at timestamptz
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    acknowledged bigint;
    first bigint;
begin
    select c.position into acknowledged from fleet.consumer c where c.name = consumer;
    if not found then
        insert into fleet.consumer (name) values (consumer) on conflict do nothing;
        acknowledged := 0;
    end if;
    if exists (select from fleet.inbox m where m.position is null) then
        -- The next statement sees every message that was committed before the lock was taken.
        select e.position into first from fleet.inbox_end e for update;
        with numbered as (
            select m.id, row_number() over (order by m.id) as ordinal from (
                select m.id from fleet.inbox m where m.position is null order by m.id limit 10000
            ) m
        ), positioned as (
            update fleet.inbox m set position = first + n.ordinal from numbered n where m.id = n.id returning m.position
        )
        update fleet.inbox_end set position = (select max(p.position) from positioned p)
            where exists (select from positioned p);
    end if;
    return query
        select m.position, i.sip_uri, m.href, m.thread_id, m.sender, m.media_type, m.body, m.written_at
        from fleet.inbox m join fleet.identity i on i.id = m.identity
        where m.position > acknowledged order by m.position limit max_messages;
end $$;

-- Acknowledges the messages up to a position that the consumer has read. Error FL005: the consumer has never read.
create function fleet.acknowledge(consumer text, "position" bigint)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update fleet.consumer c set
        -- A position that does not exist yet would skip messages.
        position = greatest(c.position, least(acknowledge.position, (select e.position from fleet.inbox_end e)))
        where c.name = acknowledge.consumer;
    if not found then
        perform fleet.fail('FL005', 'the consumer has never read', acknowledge.consumer);
    end if;
end $$;
