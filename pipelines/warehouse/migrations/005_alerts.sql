-- What operators are told: the problems that are known, the messages about them, and what became of each message.
create table ops.alert (
    kind text not null,
    subject text not null,
    message text not null,
    mark text not null,
    run_id text,
    dataset text,
    first_at timestamptz not null,
    last_at timestamptz not null,
    times integer not null default 1,
    delivered jsonb not null default '{}',
    resolved_at timestamptz,
    primary key (kind, subject)
);
comment on table ops.alert is 'Problems of which operators are told: a row per kind and subject.';
comment on column ops.alert.mark is 'The occurrence that was counted last; the same mark is not counted again.';
comment on column ops.alert.first_at is 'When the problem was first seen since it was last resolved.';
comment on column ops.alert.delivered is 'By channel, when a message about this problem alone arrived.';
comment on column ops.alert.resolved_at is 'When the problem was over; empty while it is not.';

create table ops.alert_message (
    message_id bigint generated always as identity primary key,
    key text not null unique,
    kind text not null check (kind in ('digest', 'urgent')),
    document jsonb not null,
    created_at timestamptz not null default clock_timestamp()
);
comment on table ops.alert_message is 'Digests of nights and urgent messages, also digests that were not to be sent.';
comment on column ops.alert_message.key is 'The night, or the problem and its begin: what has a key is written once.';

create table ops.alert_delivery (
    message_id bigint not null references ops.alert_message on delete cascade,
    channel text not null check (channel in ('surel', 'webhook', 'telegram')),
    recipient text not null default '',
    tries integer not null default 0,
    next_try_at timestamptz not null default clock_timestamp(),
    delivered_at timestamptz,
    error text,
    primary key (message_id, channel, recipient)
);
comment on table ops.alert_delivery is 'A message on its way to one recipient by one channel.';
comment on column ops.alert_delivery.recipient is 'The address of a mail; empty for the other channels.';
comment on column ops.alert_delivery.delivered_at is 'When the channel took the message over; empty until then.';
create index alert_delivery_pending on ops.alert_delivery (next_try_at) where delivered_at is null;
