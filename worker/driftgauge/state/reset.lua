-- Take the state of a partition away, by an operator's hand. Whoever owns it is fenced off, and the next one to claim it
-- is told that this was meant. What another program has put in its place goes too.
-- KEYS[1] {tag}:meta    KEYS[2] {tag}:state    KEYS[3] the pending hash, if there is one
-- ARGV[1] a token that nobody holds; '': there is no such partition, so that nothing is to be told to anybody
-- Answers OK | the key of the pending hash, where it is not KEYS[3]
local pending = redis.pcall('HGET', KEYS[1], 'pending')
if type(pending) == 'table' and pending.err then
  if not string.find(pending.err, 'WRONGTYPE', 1, true) then return pending end
  redis.call('UNLINK', KEYS[1])
elseif pending and pending ~= KEYS[3] then
  return pending
end
redis.call('UNLINK', unpack(KEYS, 2))
if ARGV[1] == '' then
  redis.call('UNLINK', KEYS[1])
  return 'OK'
end
redis.call('HDEL', KEYS[1], 'pos', 'topic', 'fields', 'pending', 'claimed', 'saved')
redis.call('HSET', KEYS[1], 'own', ARGV[1], 'reset', '1')
redis.call('HINCRBY', KEYS[1], 'seq', 1)
return 'OK'
