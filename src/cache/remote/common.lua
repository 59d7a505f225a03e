-- What all scripts of the validator cache share.
-- KEYS[1] is the state, one hash: the epoch, the history in which it was made, the sequence number, and for each place
-- of names (2 octets) the stamp, and after a u, until when it is unsettled. One key, so that whatever makes the server
-- forget some of it (an eviction, a deletion) makes it forget all: then there is another epoch, and everything is a
-- miss.
-- An entry begins with its run, which is the epoch (16 hexadecimal digits), its S0 (16) and how many names it has (2
-- octets); then come their places.

-- Which history of which server this is: the server takes another id when it starts and when it is promoted.
local info = redis.call('INFO', 'replication')
local history = string.match(info, 'role:master.-master_replid:(%x+)')
if not history then
    if string.find(info, 'role:master', 1, true) then
        return redis.error_reply('ERR this server does not tell its replication id')
    end
    return redis.error_reply('READONLY the validator cache is asked of a primary only')
end

local function fields_of(entry, letter, fields)
    local high, low = string.byte(entry, 33, 34)
    for at = 35, 34 + 2 * (256 * high + low), 2 do
        fields[#fields + 1] = letter .. string.sub(entry, at, at + 1)
    end
    return fields
end
