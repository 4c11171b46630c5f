-- The functions for passwords and keys: the attempts to sign in, the removal of an identity with its secrets, and the replacement of
-- a key.

-- Records that the owner is about to send the password. Returns 0, or the time in microseconds for which the owner must not send
-- it, because a former owner may have died with the result.
create function fleet.begin_password_attempt(worker_id bigint, identity_id bigint, lease_fence bigint)
returns bigint language plpgsql as $$
declare
    now timestamptz;
    attempt fleet.identity;
    rest interval;
begin
    if cardinality(fleet.lock_leases(array[worker_id], array[identity_id], array[lease_fence])) = 0 then
        perform fleet.fail('FL002', 'the lease is lost', identity_id::text);
    end if;
    now := clock_timestamp();
    select * into attempt from fleet.identity i where i.id = identity_id;
    -- A clock that is set back makes the time longer, and not shorter.
    rest := least(attempt.attempted_at, now) + (select s.password_pause from fleet.settings s) - now;
    if attempt.attempt_fence <> lease_fence and rest > '0 s' then
        update fleet.identity i set attempted_at = least(i.attempted_at, now) where i.id = identity_id;
        return greatest((extract(epoch from rest) * 1000000)::bigint, 1);
    end if;
    update fleet.identity i set attempt_fence = lease_fence, attempted_at = now where i.id = identity_id;
    return 0;
end $$;

-- Records that the server has answered the owner's attempt, and has not refused the password.
create function fleet.end_password_attempt(worker_id bigint, identity_id bigint, lease_fence bigint)
returns void language plpgsql as $$
begin
    if cardinality(fleet.lock_leases(array[worker_id], array[identity_id], array[lease_fence])) = 0 then
        perform fleet.fail('FL002', 'the lease is lost', identity_id::text);
    end if;
    update fleet.identity i set attempt_fence = null, attempted_at = null
        where i.id = identity_id and i.attempt_fence = lease_fence;
end $$;

-- Removes an identity with everything that belongs to it. Unless `is_forced`, the error FL006 says how many messages would be lost.
create function fleet.remove_identity(identity_uri text, is_forced boolean) returns void language plpgsql as $$
declare
    found_id bigint;
    unsent bigint;
    unread bigint;
begin
    -- The lock also waits for the messages that other transactions add.
    select i.id into found_id from fleet.identity i where i.sip_key = lower(identity_uri collate "C") for update;
    if not found then
        perform fleet.fail('FL003', 'the fleet has no such identity', identity_uri);
    end if;
    if not is_forced then
        select count(*) into unsent from fleet.outbox o
            where o.identity = found_id and o.state in ('queued', 'posting', 'posted');
        select count(*) into unread from fleet.inbox m
            where m.identity = found_id
                and (m.position is null or m.position > (select coalesce(min(c.position), 0) from fleet.consumer c));
        if unsent + unread > 0 then
            perform fleet.fail('FL006', 'messages of the identity would be lost', unsent || ' ' || unread);
        end if;
    end if;
    delete from fleet.credential c where c.identity = found_id;
    delete from fleet.checkpoint c where c.identity = found_id;
    delete from fleet.outbox o where o.identity = found_id;
    delete from fleet.inbox m where m.identity = found_id;
    delete from fleet.identity i where i.id = found_id;
end $$;

-- The sealed values of the identities with higher numbers, in order.
create function fleet.sealed_values(after_identity bigint, max_identities bigint)
returns table (identity bigint, sip_uri text, credential bytea, checkpoint bytea) language sql stable as $$
    select i.id, i.sip_uri, c.sealed, p.sealed from fleet.identity i
    left join fleet.credential c on c.identity = i.id
    left join fleet.checkpoint p on p.identity = i.id
    where i.id > after_identity order by i.id limit max_identities
$$;

-- Replaces sealed values that nothing has changed since they were read. Returns the places of these.
create function fleet.replace_sealed(identities bigint[], purposes text[], olds bytea[], news bytea[])
returns bigint[] language sql as $$
    with credentials as (
        update fleet.credential c set sealed = v.new
        from unnest(identities, purposes, olds, news) with ordinality as v(identity, purpose, old, new, place)
        where v.purpose = 'credential' and c.identity = v.identity and c.sealed = v.old returning v.place
    ), checkpoints as (
        update fleet.checkpoint p set sealed = v.new
        from unnest(identities, purposes, olds, news) with ordinality as v(identity, purpose, old, new, place)
        where v.purpose = 'checkpoint' and p.identity = v.identity and p.sealed = v.old returning v.place
    )
    select coalesce(array_agg(r.place order by r.place), '{}') from (
        select place from credentials union all select place from checkpoints
    ) r
$$;
