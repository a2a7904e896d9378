-- The sensor turunan_pemuatan asks every ten seconds which loads have ended lately.
create index load_batch_finished on ops.load_batch (finished_at) where state = 'loaded';
