-- The tables of a fleet. Programs use the functions of 0003_client_functions.sql instead.

create table fleet.settings (
    is_only boolean primary key default true check (is_only),
    -- A worker whose last heartbeat is older is dead.
    lease_time interval not null default '5 s' check (lease_time > '0 s'),
    -- The time after which a password is sent again whose result a dead worker may have known.
    password_pause interval not null default '10 min' check (password_pause >= '0 s')
);
insert into fleet.settings default values;

create table fleet.worker (
    id bigint generated always as identity primary key,
    name text not null,
    version text not null,
    capacity bigint not null,
    state text not null default 'live' check (state in ('live', 'draining', 'dead')),
    heartbeat timestamptz not null default clock_timestamp(),
    -- The begin of the heartbeats without a gap.
    live_since timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

create table fleet.identity (
    id bigint generated always as identity primary key,
    sip_uri text collate "C" not null check (octet_length(sip_uri) between 1 and 500),
    sip_key text collate "C" not null generated always as (lower(sip_uri)) stored unique,
    root text,
    -- The endpoint ID and the user agent never change: the server knows the application by them.
    endpoint_id uuid not null default gen_random_uuid(),
    user_agent text not null,
    state text not null default 'free' check (state in ('free', 'leased', 'ready', 'releasing', 'suspended')),
    reason text,
    owner bigint references fleet.worker,
    fence bigint not null default 0,
    -- The number of the last batch of the lease.
    batch bigint not null default 0,
    claimed_at timestamptz,
    -- No worker claims the identity in this time. A clock that is set back leaves it.
    pause tstzrange,
    -- A worker may have sent the password then, in the lease with this fence, and has not recorded the result.
    attempt_fence bigint,
    attempted_at timestamptz,
    -- The identity has not polled since then. Null while it polls, while it is suspended, and before its first claim.
    silent_since timestamptz,
    check ((owner is null) = (state in ('free', 'suspended')))
) with (fillfactor = 50);
create index identity_owner on fleet.identity (owner) where owner is not null;
create index identity_free on fleet.identity (claimed_at nulls first, id) where state = 'free';

-- Sealed by keys that only the workers have. In tables of their own, since they are longer than the rest of a row.
create table fleet.credential (
    identity bigint primary key references fleet.identity,
    sealed bytea not null
);
create table fleet.checkpoint (
    identity bigint primary key references fleet.identity,
    sealed bytea not null
) with (fillfactor = 50);
alter table fleet.checkpoint alter column sealed set storage external;

create table fleet.outbox (
    number bigint generated always as identity,
    identity bigint not null references fleet.identity,
    key text collate "C" not null check (octet_length(key) between 1 and 200),
    peer text collate "C" not null check (octet_length(peer) between 1 and 1000),
    -- The messages of an identity and a peer have an order, whatever the case of the address.
    lane text collate "C" not null generated always as (lower(peer)) stored,
    media_type text not null check (media_type in ('text/plain', 'text/html')),
    body text not null,
    operation text collate "C" not null default gen_random_uuid()::text unique,
    state text not null default 'queued'
        check (state in ('queued', 'posting', 'posted', 'delivered', 'failed', 'unknown', 'dead')),
    href text,
    reason text,
    deadline timestamptz,
    queued_at timestamptz not null default clock_timestamp(),
    posting_at timestamptz,
    settled_at timestamptz,
    primary key (identity, key)
);
create index outbox_open on fleet.outbox (identity, lane, number) where state in ('queued', 'posting', 'posted');
create index outbox_queued on fleet.outbox (number) where state = 'queued';
create index outbox_deadline on fleet.outbox (deadline) where state = 'queued' and deadline is not null;
create index outbox_dead_letter on fleet.outbox (settled_at) where state in ('failed', 'unknown', 'dead');

create table fleet.inbox (
    id bigint generated always as identity primary key,
    -- Set by the first reader, in the order of the commits. The order of the IDs is not enough: a transaction with a lower ID
    -- may commit after a reader has acknowledged a higher one.
    position bigint unique,
    identity bigint not null references fleet.identity,
    href text not null,
    -- A hash, because an index entry has a maximal length.
    href_hash bytea not null,
    thread_id text,
    sender text not null,
    media_type text not null,
    body text not null,
    written_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    unique (identity, href_hash)
);
create index inbox_without_position on fleet.inbox (id) where position is null;

-- The last position. Its row lock admits one transaction at a time that sets positions.
create table fleet.inbox_end (
    is_only boolean primary key default true check (is_only),
    position bigint not null default 0
);
insert into fleet.inbox_end default values;

create table fleet.consumer (
    name text collate "C" primary key check (octet_length(name) between 1 and 200),
    -- The last acknowledged position.
    position bigint not null default 0
);
