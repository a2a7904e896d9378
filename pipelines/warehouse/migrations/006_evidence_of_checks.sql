-- What a check saw, and how to find the rows that deviate. Each load of a window keeps its own results.
alter table ops.check_result
    add column expectation text,
    add column observed text,
    add column query text,
    add column window_start date,
    add column window_end date;

comment on table ops.check_result is 'One row per rule and time that it was asked. It holds no value of a row.';
comment on column ops.check_result.expectation is 'The type of Great Expectations; `uji data` for a test of dbt.';
comment on column ops.check_result.observed is 'What the rule saw: counts and sizes, never a value of a row.';
comment on column ops.check_result.query is 'Finds the rows that deviate; null where the rule passed or no query can.';
comment on column ops.check_result.window_start is 'First day of the window that was loaded; null for a load without one.';
comment on column ops.check_result.window_end is 'Last day of the window, included.';
