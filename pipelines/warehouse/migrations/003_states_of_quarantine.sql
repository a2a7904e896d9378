-- An entry is open or resolved. Nothing has ever set the third state, `resubmitted`.
update quarantine.row set state = 'open' where state = 'resubmitted';
alter table quarantine.row drop constraint if exists row_state_check;
alter table quarantine.row add constraint row_state_check check (state in ('open', 'resolved'));
