-- A last result is repeated only for the same rule: another limit under the same name is asked anew.
alter table ops.check_result add column rule text;

comment on column ops.check_result.rule is
    'Hash of the rule: its type, arguments and severity. Null for a check that is no expectation, and for older rows.';
