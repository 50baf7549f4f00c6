-- wrk: sends the requests of a file in turn, and prints what came of it as a line of JSON. Arguments: FILE PATH, then
-- NAME=VALUE headers. A line of the file is a request: its unit, a tab, its body.

local requests, at = {}, 0

function init(arguments)
  local headers = {}
  for i = 3, #arguments do
    local name, value = arguments[i]:match("^([^=]+)=(.*)$")
    headers[name] = value
  end
  for line in io.lines(arguments[1]) do
    local unit, body = line:match("^([^\t]*)\t(.*)$")
    headers["x-user-id"] = unit
    requests[#requests + 1] = wrk.format("POST", arguments[2], headers, body ~= "" and body or nil)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  local bad = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('RESULT {"requests": %d, "seconds": %f, "bad": %d, "p50": %f, "p99": %f}\n', summary.requests,
    summary.duration / 1e6, bad, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
