-- Take the state of a partition away, by an operator's hand. Whoever owns it is fenced off, and the next one to claim it
-- is told that this was meant.
-- KEYS[1] {tag}:meta    KEYS[2] {tag}:state    KEYS[3] the pending hash, if there is one
-- ARGV[1] a token that nobody holds
-- Answers OK | PENDING (another hash is pending by now)
local pending = redis.call('HGET', KEYS[1], 'pending')
if pending and pending ~= KEYS[3] then return 'PENDING' end
redis.call('UNLINK', unpack(KEYS, 2))
redis.call('HDEL', KEYS[1], 'pos', 'topic', 'fields', 'pending', 'claimed', 'saved')
redis.call('HSET', KEYS[1], 'own', ARGV[1], 'reset', '1')
redis.call('HINCRBY', KEYS[1], 'seq', 1)
return 'OK'
