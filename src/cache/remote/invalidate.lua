-- KEYS: the state. ARGV: an epoch, in case one is to begin; for how many milliseconds the names are unsettled; the
-- places of the names.
-- Returns the epoch and the number that this invalidation took, with a space between.
local fields = { 'history', 'epoch', 'sequence' }
for at = 3, #ARGV do
    fields[at + 1] = 'u' .. ARGV[at]
end
local state = redis.call('HMGET', KEYS[1], unpack(fields))
local epoch = state[1] == history and state[2] or ARGV[1]
-- next: no stamp is above the sequence number, so that this one raises each.
local sequence = number((state[3] or 0) + 1)
local set = { 'history', history, 'epoch', epoch, 'sequence', sequence }
local unsettled_until = tonumber(ARGV[2]) > 0 and now() + ARGV[2]
for at = 3, #ARGV do
    set[#set + 1] = ARGV[at]
    set[#set + 1] = sequence
    if unsettled_until and unsettled_until > tonumber(state[at + 1] or 0) then
        set[#set + 1] = 'u' .. ARGV[at]
        set[#set + 1] = number(unsettled_until)
    end
end
local done = redis.pcall('HSET', KEYS[1], unpack(set))
if type(done) == 'table' and done.err then
    -- No memory for a stamp: forget everything, which needs none.
    redis.call('DEL', KEYS[1])
end
return epoch .. ' ' .. sequence
