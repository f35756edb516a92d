-- Take a partition over. One hash tag per partition, so that every script touches one slot of a cluster.
-- KEYS[1] {namespace:v1:group:topic:partition}:meta   own, seq, pos, fields
-- ARGV[1] token of the new owner
-- Answers {seq, pos or '', number of fields}
redis.call('HSET', KEYS[1], 'own', ARGV[1])
local m = redis.call('HMGET', KEYS[1], 'seq', 'pos', 'fields')
return {m[1] or '0', m[2] or '', m[3] or '0'}
