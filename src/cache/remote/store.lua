-- KEYS: the state, and the key of the entry. ARGV: the entry; when its request began; until when the entry can be
-- of use: both by this server's clock, so that nothing depends on when this is run at last.
-- The decisions are those of stamps.rs, in its order: they must be made where the entry is written.
local entry = ARGV[1]
local run, s0 = string.sub(entry, 1, 16), tonumber(string.sub(entry, 17, 32), 16)
local fields = fields_of(entry, '', { 'history', 'epoch' })
local last_stamp = #fields
fields_of(entry, 'u', fields)
local state = redis.call('HMGET', KEYS[1], unpack(fields))
if state[1] ~= history or state[2] ~= run then
    return 'other run'
end
-- is_valid
for at = 3, last_stamp do
    if s0 < tonumber(state[at] or 0) then
        return 'invalidated'
    end
end
-- is_settled
local began = tonumber(ARGV[2])
for at = last_stamp + 1, #fields do
    if began < tonumber(state[at] or 0) then
        return 'unsettled'
    end
end
-- may_overwrite
local there = redis.call('GET', KEYS[2])
if there and string.sub(there, 1, 16) == run and s0 < tonumber(string.sub(there, 17, 32), 16) then
    return 'superseded'
end
local left = ARGV[3] - now()
if left <= 0 then
    return 'too late'
end
redis.call('SET', KEYS[2], entry, 'PX', number(left))
return 'stored'
