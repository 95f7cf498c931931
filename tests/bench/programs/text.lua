-- Tables and text: words are made, counted, sorted, searched and put together.
local function words(count, seed)
  local list = {}
  for i = 1, count do
    seed = (seed * 1103515245 + 12345) % 2147483648
    list[i] = string.format("w%x", seed // 65536 % 5000)
  end
  return list
end

for round = 1, size do
  local list, counts = words(4000, round), {}
  for _, word in ipairs(list) do
    counts[word] = (counts[word] or 0) + 1
  end
  local keys = {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    return counts[a] > counts[b] or (counts[a] == counts[b] and a < b)
  end)
  local text = table.concat(list, " ")
  local found = 0
  for _ in text:gmatch("w%x*f%f[%s]") do found = found + 1 end
  local changed = text:gsub("w1(%x+)", "<%1>"):upper()
  print(round, #keys, keys[1], found, #changed)
end
