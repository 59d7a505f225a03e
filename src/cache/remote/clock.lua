-- What scripts share that reckon with times; a look-up does without, for each function takes time to make.
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function number(n)
    return string.format('%.0f', n)
end
