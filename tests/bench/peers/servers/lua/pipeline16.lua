-- SPDX-License-Identifier: MIT
-- wrk: sixteen requests in one write.
local requests

init = function(args)
    local all = {}
    for i = 1, 16 do
        all[i] = wrk.format(nil, wrk.path)
    end
    requests = table.concat(all)
end

request = function()
    return requests
end
