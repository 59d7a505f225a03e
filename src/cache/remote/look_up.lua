-- KEYS: the state, and the key of an entry, or none. ARGV: an epoch, or none at first.
-- Returns the time in seconds and microseconds, the epoch, the sequence number, and the stamps of the entry's names,
-- as decimal numbers; then a line feed and the entry, if there is one; with a space between each. It is one string,
-- for a list takes clients longer to read. Whether it is valid is judged by who asked. If an epoch is to begin and none
-- was given, nothing is returned, and it is asked again with one.
local entry = KEYS[2] and redis.call('GET', KEYS[2])
local fields = { 'history', 'epoch', 'sequence' }
if entry then
    fields_of(entry, '', fields)
end
local state = redis.call('HMGET', KEYS[1], unpack(fields))
if state[1] ~= history then
    if not ARGV[1] then
        return ''
    end
    state[2] = ARGV[1]
    redis.call('HSET', KEYS[1], 'history', history, 'epoch', ARGV[1], 'sequence', state[3] or 0)
end
local time = redis.call('TIME')
state[1] = time[1] .. ' ' .. time[2]
for at = 3, #fields do
    state[at] = state[at] or '0'
end
if entry then
    state[#fields + 1] = '\n'
    state[#fields + 2] = entry
end
return table.concat(state, ' ')
