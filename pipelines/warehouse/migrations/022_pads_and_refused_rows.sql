-- Functions that loads no longer call: a pseudonym takes the pads of its key as arguments, and the stage itself says
-- which rows are refused.
drop function if exists ops.pseudonim(text, text);
drop function if exists ops.tolak(tid);
