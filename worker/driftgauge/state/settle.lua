-- Move a share of a staged save's fields into the state hash. The save counts already (save.lua); until all is moved, the
-- state is what the two hashes say together. Repeating it moves the rest.
-- KEYS[1] {tag}:meta    KEYS[2] {tag}:state    KEYS[3] the pending hash
-- ARGV[1] token  [2] bytes to move at most, and a page more
-- Answers MORE | DONE | FENCED | GONE, see save.lua
local m = redis.call('HMGET', KEYS[1], 'own', 'pending')
if not m[1] then return 'GONE' end
if m[1] ~= ARGV[1] then return 'FENCED' end
if m[2] ~= KEYS[3] then return 'DONE' end
local moved, cursor = 0, '0'
repeat
  local page = redis.call('HSCAN', KEYS[3], cursor, 'COUNT', 16)
  cursor = page[1]
  for i = 1, #page[2], 2 do
    redis.call('HSET', KEYS[2], page[2][i], page[2][i + 1])
    redis.call('HDEL', KEYS[3], page[2][i])
    moved = moved + #page[2][i + 1]
  end
until cursor == '0' or moved >= tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[3]) == 1 then return 'MORE' end
redis.call('HSET', KEYS[1], 'fields', redis.call('HLEN', KEYS[2]))
redis.call('HDEL', KEYS[1], 'pending')
return 'DONE'
