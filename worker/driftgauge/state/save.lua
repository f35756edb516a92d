-- Save changed fields and the position, if the caller still owns the partition. Lua is not transactional: everything
-- that can refuse is checked before the first write (Redis itself refuses a script at its start when it is out of memory
-- or read-only), and the meta hash, which makes the save count, comes last.
-- KEYS[1] {tag}:meta, see claim.lua    KEYS[2] {tag}:state, field -> checksummed bytes
-- KEYS[3] {tag}:staged:…, where fields wait that are too many for one script; only if there are any
-- ARGV[1] token  [2] sequence the caller has seen  [3] position  [4] topic id  [5] '1': nothing stored before stays
--     [6] number of staged fields, 0: none  [7] number of changed fields
--     then name, bytes pairs of changed fields, then names of deleted ones
-- Answers OK | DUP (this very save was applied before: its answer got lost) | FENCED (another one has claimed it)
--     | GONE (nothing is stored) | RESET (reset.lua) | OLDER (it is the caller's, but saves of his are missing)
--     | PENDING (fields of the last save are still to be moved) | UNSTAGED (not all staged fields are there)
local m = redis.call('HMGET', KEYS[1], 'own', 'seq', 'by', 'pending', 'reset')
if not m[1] then return 'GONE' end
if m[1] ~= ARGV[1] then return m[5] == '1' and 'RESET' or 'FENCED' end
local seq = tonumber(m[2] or '0')
-- A claim that was given up and is carried out late makes a former owner the owner again: the next save may be another's.
if seq == tonumber(ARGV[2]) + 1 and m[3] == ARGV[1] then return 'DUP' end
if seq < tonumber(ARGV[2]) then return 'OLDER' end
if seq > tonumber(ARGV[2]) then return 'FENCED' end
if m[4] then return 'PENDING' end
local staged = tonumber(ARGV[6])
if staged > 0 and redis.call('HLEN', KEYS[3]) ~= staged then return 'UNSTAGED' end
local changed = tonumber(ARGV[7])
if ARGV[5] == '1' then redis.call('UNLINK', KEYS[2]) end
local i = 8
for _ = 1, changed do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  i = i + 2
end
while i <= #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
  i = i + 1
end
if staged > 0 then
  redis.call('PERSIST', KEYS[3])
  redis.call('HSET', KEYS[1], 'pending', KEYS[3])
end
redis.call('HDEL', KEYS[1], 'reset')
redis.call('HSET', KEYS[1], 'seq', seq + 1, 'by', ARGV[1], 'pos', ARGV[3], 'topic', ARGV[4],
  'fields', redis.call('HLEN', KEYS[2]), 'saved', redis.call('TIME')[1])
return 'OK'
