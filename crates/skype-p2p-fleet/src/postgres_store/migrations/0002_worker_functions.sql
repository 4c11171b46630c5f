-- The functions of workers and operators. Each call is one transaction of one statement, so it needs one round trip, and works
-- behind a pooler that gives every transaction another connection. A time is read after the locks have been taken.

-- Raises an error with a code of the class FL. The detail is the value that the error is about.
create function fleet.fail(code text, message text, value text) returns void language plpgsql as $$
begin
    raise exception using errcode = code, message = message, detail = value;
end $$;

create function fleet.heartbeat(worker_id bigint)
returns table (lease_time_us bigint, is_draining boolean) language plpgsql as $$
declare
    lease interval := (select s.lease_time from fleet.settings s);
begin
    return query
        update fleet.worker w set
            -- After an outage, or after a jump of the clock, the heartbeats of the other workers are old, too.
            live_since = case
                when t.now - w.heartbeat between '0 s' and lease / 2 then w.live_since
                else t.now
            end,
            heartbeat = t.now
        from (select clock_timestamp() as now) t
        where w.id = worker_id and w.state <> 'dead'
        returning (extract(epoch from lease) * 1000000)::bigint, w.state = 'draining';
    if not found then
        perform fleet.fail('FL001', 'the worker is dead', worker_id::text);
    end if;
end $$;

-- Declares workers dead, and messages whose deadline has passed.
create function fleet.sweep(worker_id bigint)
returns table (dead_workers bigint[], dead_messages bigint) language plpgsql as $$
declare
    lease interval := (select s.lease_time from fleet.settings s);
    me fleet.worker;
    now timestamptz;
begin
    dead_workers := '{}';
    select * into me from fleet.worker w where w.id = worker_id and w.state <> 'dead';
    if not found then
        perform fleet.fail('FL001', 'the worker is dead', worker_id::text);
    end if;
    now := clock_timestamp();
    if now - me.heartbeat between '0 s' and lease / 2 and now - me.live_since >= lease then
        with stale as (
            select w.id from fleet.worker w
            where w.state <> 'dead'
                -- A heartbeat that is far in the future is from before a jump of the clock.
                and not (w.heartbeat between now - lease and now + lease)
            order by w.id for update skip locked
        ), dead as (
            update fleet.worker w set state = 'dead' from stale where w.id = stale.id returning w.id
        )
        select coalesce(array_agg(dead.id order by dead.id), '{}') into dead_workers from dead;
    end if;
    with late as (
        select o.operation from fleet.outbox o
        where o.state = 'queued' and o.deadline is not null and o.deadline <= now
        order by o.deadline limit 10000 for update skip locked
    )
    update fleet.outbox o set state = 'dead', reason = 'deadline', settled_at = now
    from late where o.operation = late.operation;
    get diagnostics dead_messages = row_count;
    return next;
end $$;

create function fleet.drain_worker(worker_id bigint) returns void language plpgsql as $$
begin
    update fleet.worker w set state = 'draining' where w.id = worker_id and w.state <> 'dead';
    if not found then
        perform fleet.fail('FL001', 'the worker is dead', worker_id::text);
    end if;
end $$;

-- Returns the claimed identities, with their doubtful messages. First those of dead workers, whose incoming messages expire soon.
create function fleet.claim(worker_id bigint, max_claims bigint)
returns table (
    identity bigint, fence bigint, is_takeover boolean, sip_uri text, root text, endpoint_id text, user_agent text,
    credential bytea, checkpoint bytea,
    doubtful_operations text[], doubtful_peers text[], doubtful_media_types text[], doubtful_bodies text[],
    doubtful_hrefs text[], doubtful_ages_us bigint[], gap_us bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    me fleet.worker;
    share bigint;
    held bigint;
    room bigint;
    orphans bigint[];
    free bigint[];
    now timestamptz;
begin
    select * into me from fleet.worker w where w.id = worker_id and w.state <> 'dead';
    if not found then
        perform fleet.fail('FL001', 'the worker is dead', worker_id::text);
    end if;
    if me.state = 'draining' or not (
        exists (select from fleet.identity i where i.state = 'free')
        or exists (select from fleet.worker w join fleet.identity i on i.owner = w.id where w.state = 'dead')
    ) then
        return;
    end if;
    select ceil(count(*) / greatest((select count(*) from fleet.worker w where w.state = 'live'), 1)::numeric)
        into share from fleet.identity i where i.state <> 'suspended';
    select count(*) into held from fleet.identity i where i.owner = worker_id;
    room := greatest(least(max_claims, me.capacity - held, share - held), 0);
    select coalesce(array_agg(o.id), '{}') into orphans from (
        select i.id from fleet.worker w join fleet.identity i on i.owner = w.id
        where w.state = 'dead'
        order by i.claimed_at, i.id limit room for no key update of i skip locked
    ) o;
    select coalesce(array_agg(f.id), '{}') into free from (
        select i.id from fleet.identity i
        where i.state = 'free' and (i.pause is null or not i.pause @> clock_timestamp())
        order by i.claimed_at nulls first, i.id limit room - cardinality(orphans)
        for no key update skip locked
    ) f;
    now := clock_timestamp();
    return query
        with taken as (
            update fleet.identity i set
                owner = worker_id, fence = i.fence + 1, batch = 0, state = 'leased', reason = null,
                claimed_at = now, pause = null,
                silent_since = coalesce(i.silent_since, (select w.heartbeat from fleet.worker w where w.id = i.owner), now)
            from unnest(orphans || free) with ordinality as c(id, ordinal)
            where i.id = c.id returning i.*, c.ordinal
        )
        select t.id, t.fence, t.ordinal <= cardinality(orphans), t.sip_uri, t.root, t.endpoint_id::text, t.user_agent,
            c.sealed, p.sealed, d.operations, d.peers, d.media_types, d.bodies, d.hrefs, d.ages,
            (extract(epoch from now - t.silent_since) * 1000000)::bigint
        from taken t
        left join fleet.credential c on c.identity = t.id
        left join fleet.checkpoint p on p.identity = t.id
        cross join lateral (
            select coalesce(array_agg(o.operation order by o.number), '{}') as operations,
                coalesce(array_agg(o.peer order by o.number), '{}') as peers,
                coalesce(array_agg(o.media_type order by o.number), '{}') as media_types,
                coalesce(array_agg(o.body order by o.number), '{}') as bodies,
                coalesce(array_agg(o.href order by o.number), '{}') as hrefs,
                coalesce(array_agg((extract(epoch from now - o.posting_at) * 1000000)::bigint order by o.number), '{}')
                    as ages
            from fleet.outbox o where o.identity = t.id and o.state in ('posting', 'posted')
        ) d
        order by t.ordinal;
end $$;

-- Locks the identities of the current leases among the given ones, in the order of the identities. Returns the places of these
-- leases in the arrays.
create function fleet.lock_leases(workers bigint[], identities bigint[], fences bigint[])
returns bigint[] language sql as $$
    select coalesce(array_agg(l.place order by l.place), '{}') from (
        select b.place from unnest(workers, identities, fences) with ordinality as b(worker, identity, fence, place)
        join fleet.identity i on i.id = b.identity and i.owner = b.worker and i.fence = b.fence
        join fleet.worker w on w.id = b.worker and w.state <> 'dead'
        order by i.id for no key update of i
    ) l
$$;

-- Changes the state of leased identities. Returns the places of the current leases.
create function fleet.set_lease_state(workers bigint[], identities bigint[], fences bigint[], new_state text)
returns bigint[] language plpgsql as $$
declare
    held bigint[] := fleet.lock_leases(workers, identities, fences);
begin
    update fleet.identity i set
        state = new_state, silent_since = case when new_state = 'ready' then null else i.silent_since end
        from unnest(identities) with ordinality as r(identity, place)
        where i.id = r.identity and r.place = any (held);
    return held;
end $$;

-- Frees leased identities. Returns the places of the leases that were the current ones.
create function fleet.release(
    workers bigint[], identities bigint[], fences bigint[], checkpoints bytea[], pauses_us bigint[], gaps_us bigint[]
) returns bigint[] language plpgsql as $$
declare
    held bigint[] := fleet.lock_leases(workers, identities, fences);
    now timestamptz := clock_timestamp();
begin
    insert into fleet.checkpoint as c (identity, sealed)
        select r.identity, r.sealed from unnest(identities, checkpoints) with ordinality as r(identity, sealed, place)
        where r.place = any (held) and r.sealed is not null
        on conflict on constraint checkpoint_pkey do update set sealed = excluded.sealed;
    update fleet.identity i set
        owner = null, state = 'free', pause = nullif(tstzrange(now, now + r.pause_us * interval '1 us'), 'empty'),
        silent_since = least(i.silent_since, now - r.gap_us * interval '1 us'),
        -- The attempt of a worker that died remains.
        attempt_fence = nullif(i.attempt_fence, r.fence),
        attempted_at = case when i.attempt_fence <> r.fence then i.attempted_at end
        from unnest(identities, fences, pauses_us, gaps_us) with ordinality as r(identity, fence, pause_us, gap_us, place)
        where i.id = r.identity and r.place = any (held);
    return held;
end $$;

-- Suspends an identity whose row is locked. Nothing settles its sent messages before it is resumed, so they become unknown.
create function fleet.suspend_locked(identity_id bigint, why text) returns void language plpgsql as $$
begin
    update fleet.identity i set
        owner = null, state = 'suspended', reason = why, attempt_fence = null, attempted_at = null, silent_since = null
        where i.id = identity_id;
    update fleet.outbox o set state = 'unknown', reason = 'suspended', settled_at = clock_timestamp()
        where o.identity = identity_id and o.state in ('posting', 'posted');
end $$;

create function fleet.suspend_lease(worker_id bigint, identity_id bigint, lease_fence bigint, why text)
returns void language plpgsql as $$
begin
    if cardinality(fleet.lock_leases(array[worker_id], array[identity_id], array[lease_fence])) = 0 then
        perform fleet.fail('FL002', 'the lease is lost', identity_id::text);
    end if;
    perform fleet.suspend_locked(identity_id, why);
end $$;

create function fleet.suspend(identity_uri text, why text) returns void language plpgsql as $$
declare
    found_id bigint;
begin
    select i.id into found_id from fleet.identity i
        where i.sip_key = lower(identity_uri collate "C") for no key update;
    if not found then
        perform fleet.fail('FL003', 'the fleet has no such identity', identity_uri);
    end if;
    perform fleet.suspend_locked(found_id, why);
end $$;

create function fleet.resume(identity_uri text) returns void language plpgsql as $$
declare
    found_id bigint;
begin
    select i.id into found_id from fleet.identity i
        where i.sip_key = lower(identity_uri collate "C") for no key update;
    if not found then
        perform fleet.fail('FL003', 'the fleet has no such identity', identity_uri);
    end if;
    update fleet.identity i set state = 'free', reason = null, pause = null, attempt_fence = null, attempted_at = null
        where i.id = found_id and i.state in ('free', 'suspended');
end $$;

create function fleet.add_identity(identity_uri text, root text, user_agent text, credential bytea)
returns bigint language plpgsql as $$
#variable_conflict use_variable
declare
    new_id bigint;
begin
    insert into fleet.identity as i (sip_uri, root, user_agent) values (identity_uri, root, user_agent)
        on conflict (sip_key) do nothing returning i.id into new_id;
    if new_id is null then
        perform fleet.fail('FL004', 'the fleet has the identity already', identity_uri);
    end if;
    if credential is not null then
        insert into fleet.credential (identity, sealed) values (new_id, credential);
    end if;
    return new_id;
end $$;

create function fleet.set_credential(identity_uri text, credential bytea) returns void language plpgsql as $$
#variable_conflict use_variable
begin
    update fleet.identity i set attempt_fence = null, attempted_at = null
        where i.sip_key = lower(identity_uri collate "C") and i.attempt_fence is not null;
    insert into fleet.credential as c (identity, sealed)
        select i.id, credential from fleet.identity i where i.sip_key = lower(identity_uri collate "C")
        on conflict on constraint credential_pkey do update set sealed = excluded.sealed;
    if not found then
        perform fleet.fail('FL003', 'the fleet has no such identity', identity_uri);
    end if;
end $$;

-- The queued messages that are the oldest of their identity and peer. The recursion jumps from each peer to the next one, and over
-- the identities of other workers, so that a long queue costs no more than a short one.
create function fleet.next_messages(worker_id bigint, after_number bigint, max_messages bigint)
returns table (
    number bigint, identity bigint, fence bigint, operation text, peer text, media_type text, body text
) language plpgsql as $$
#variable_conflict use_column
declare
    now timestamptz := clock_timestamp();
begin
    if not exists (select from fleet.worker w where w.id = worker_id and w.state <> 'dead') then
        perform fleet.fail('FL001', 'the worker is dead', worker_id::text);
    end if;
    return query
        with recursive head as (
            select null::fleet.outbox as message, 0::bigint as after_identity, ''::text collate "C" as after_lane, null::bigint as fence
            union all
            select n.* from head h cross join lateral (
                select o, case when m.is_mine then o.identity else o.identity + 1 end,
                    case when m.is_mine then o.lane else '' end, case when m.is_mine then i.fence end
                from fleet.outbox o join fleet.identity i on i.id = o.identity
                cross join lateral (select i.owner is not distinct from worker_id and i.state = 'ready') as m(is_mine)
                where (o.identity, o.lane) > (h.after_identity, h.after_lane) and o.state in ('queued', 'posting', 'posted')
                order by o.identity, o.lane, o.number limit 1
            ) n
        )
        select (h.message).number, (h.message).identity, h.fence, (h.message).operation, (h.message).peer,
            (h.message).media_type, (h.message).body
        from head h
        where h.fence is not null and (h.message).state = 'queued' and (h.message).number > after_number
            and ((h.message).deadline is null or (h.message).deadline > now)
        order by 1 limit max_messages;
end $$;

-- Stores batches: `b_` are their leases, numbers and checkpoints; `r_` received messages, `p_` posted messages, `s_` settled
-- messages and `g_` messages that are going to be posted, each with the place of its batch. Returns the places of the batches whose
-- leases are the current ones, and the operations that must not be posted, whose batches are not stored.
create function fleet.commit_batches(
    b_workers bigint[], b_identities bigint[], b_fences bigint[], b_numbers bigint[], b_checkpoints bytea[],
    r_batches bigint[], r_hrefs text[], r_threads text[], r_senders text[], r_media_types text[], r_bodies text[],
    r_times timestamptz[],
    p_batches bigint[], p_operations text[], p_hrefs text[],
    s_batches bigint[], s_operations text[], s_states text[], s_reasons text[],
    g_batches bigint[], g_operations text[]
) returns table (held bigint[], refused text[]) language plpgsql as $$
#variable_conflict use_variable
declare
    fresh bigint[];
    now timestamptz;
begin
    held := fleet.lock_leases(b_workers, b_identities, b_fences);
    -- The other batches are stored already.
    select coalesce(array_agg(b.place), '{}') into fresh
        from unnest(b_identities, b_numbers) with ordinality as b(identity, number, place)
        join fleet.identity i on i.id = b.identity and i.batch < b.number
        where b.place = any (held);
    refused := '{}';
    if cardinality(g_batches) > 0 then
        perform from fleet.outbox o where o.operation = any (g_operations) order by o.operation for no key update;
        now := clock_timestamp();
        select coalesce(array_agg(g.operation), '{}') into refused
            from unnest(g_batches, g_operations) as g(batch, operation)
            where g.batch = any (fresh) and not exists (
                select from fleet.outbox o
                where o.operation = g.operation and o.identity = b_identities[g.batch] and o.state = 'queued'
                    and (o.deadline is null or o.deadline > now)
                    and not exists (
                        select from fleet.outbox e
                        where e.identity = o.identity and e.lane = o.lane and e.number < o.number
                            and e.state in ('queued', 'posting', 'posted')
                    )
            );
        if cardinality(refused) > 0 then
            select coalesce(array_agg(f.place), '{}') into fresh from unnest(fresh) as f(place)
                where not exists (
                    select from unnest(g_batches, g_operations) as g(batch, operation)
                    where g.batch = f.place and g.operation = any (refused)
                );
        end if;
    end if;
    now := clock_timestamp();
    if cardinality(r_batches) > 0 then
        insert into fleet.inbox (identity, href, href_hash, thread_id, sender, media_type, body, written_at)
            select b_identities[r.batch], r.href, sha256(convert_to(r.href, 'UTF8')), r.thread, r.sender, r.media_type, r.body,
                r.time
            from unnest(r_batches, r_hrefs, r_threads, r_senders, r_media_types, r_bodies, r_times) with ordinality
                as r(batch, href, thread, sender, media_type, body, time, place)
            where r.batch = any (fresh) order by r.place
            on conflict (identity, href_hash) do nothing;
    end if;
    if cardinality(p_batches) > 0 then
        update fleet.outbox o set
            href = p.href, state = case when o.state = 'posting' then 'posted' else o.state end
            from unnest(p_batches, p_operations, p_hrefs) as p(batch, operation, href)
            where o.operation = p.operation and o.identity = b_identities[p.batch] and o.posting_at is not null
                and p.batch = any (fresh);
    end if;
    if cardinality(s_batches) > 0 then
        update fleet.outbox o set state = s.state, reason = s.reason, settled_at = now
            from unnest(s_batches, s_operations, s_states, s_reasons) as s(batch, operation, state, reason)
            where o.operation = s.operation and o.identity = b_identities[s.batch] and s.batch = any (fresh)
                and o.state <> s.state
                and (o.state in ('posting', 'posted', 'unknown') or (o.state = 'queued' and s.state = 'failed'));
    end if;
    if cardinality(g_batches) > 0 then
        update fleet.outbox o set state = 'posting', posting_at = now
            from unnest(g_batches, g_operations) as g(batch, operation)
            where o.operation = g.operation and o.identity = b_identities[g.batch] and o.state = 'queued'
                and g.batch = any (fresh);
    end if;
    insert into fleet.checkpoint as c (identity, sealed)
        select b.identity, b.sealed from unnest(b_identities, b_checkpoints) with ordinality as b(identity, sealed, place)
        where b.place = any (fresh) and b.sealed is not null
        on conflict on constraint checkpoint_pkey do update set sealed = excluded.sealed;
    update fleet.identity i set batch = b.number
        from unnest(b_identities, b_numbers) with ordinality as b(identity, number, place)
        where i.id = b.identity and b.place = any (fresh);
    return next;
end $$;

-- Removes rows that nothing needs any more.
create function fleet.prune(age_us bigint) returns bigint language plpgsql as $$
declare
    before timestamptz := clock_timestamp() - age_us * interval '1 us';
    removed bigint;
    removed_messages bigint := 0;
begin
    delete from fleet.outbox o
        where o.state in ('delivered', 'failed', 'unknown', 'dead') and o.settled_at < before;
    get diagnostics removed = row_count;
    removed_messages := removed_messages + removed;
    delete from fleet.inbox m
        where m.position <= (select min(c.position) from fleet.consumer c) and m.recorded_at < before;
    get diagnostics removed = row_count;
    removed_messages := removed_messages + removed;
    delete from fleet.worker w
        where w.state = 'dead' and w.heartbeat < before
            and not exists (select from fleet.identity i where i.owner = w.id);
    return removed_messages;
end $$;
