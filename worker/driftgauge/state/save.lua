-- Save changed fields and the position, if the caller still owns the partition. Lua is not transactional: everything
-- that can refuse is checked before the first write, and the meta hash, which makes the save count, comes last.
-- KEYS[1] {tag}:meta   own, seq, pos, fields      KEYS[2] {tag}:state   field -> checksummed bytes
-- ARGV[1] token  [2] sequence the caller has seen  [3] position  [4] number of changed fields
--     then name, bytes pairs of changed fields, then names of deleted ones
-- Answers OK | DUP (this very save was applied before: its answer got lost) | FENCED
local m = redis.call('HMGET', KEYS[1], 'own', 'seq')
if m[1] ~= ARGV[1] then return 'FENCED' end
local seq = tonumber(m[2] or '0')
if seq == tonumber(ARGV[2]) + 1 then return 'DUP' end
if seq ~= tonumber(ARGV[2]) then return 'FENCED' end
local changed = tonumber(ARGV[4])
local i = 5
for _ = 1, changed do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  i = i + 2
end
while i <= #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
  i = i + 1
end
redis.call('HSET', KEYS[1], 'seq', seq + 1, 'pos', ARGV[3], 'fields', redis.call('HLEN', KEYS[2]))
return 'OK'
