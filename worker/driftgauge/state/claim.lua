-- Take a partition over. One hash tag per partition, so that every script touches one slot of a cluster.
-- KEYS[1] {namespace:v1:group:topic:partition}:meta
--     own, claimed: token of the owner, and when (s);  seq, by, saved: number of the last save, its token, and when
--     pos, topic, fields: its position, id of its topic, number of fields of the state hash
--     pending: key of a save that counts, but whose fields are still to be moved (settle.lua);  reset: see reset.lua
-- ARGV[1] token of the new owner
-- Answers {seq, pos or '', number of fields, topic id, key of the pending save or '', '1' if reset}
redis.call('HSET', KEYS[1], 'own', ARGV[1], 'claimed', redis.call('TIME')[1])
local m = redis.call('HMGET', KEYS[1], 'seq', 'pos', 'fields', 'topic', 'pending', 'reset')
return {m[1] or '0', m[2] or '', m[3] or '0', m[4] or '', m[5] or '', m[6] or ''}
