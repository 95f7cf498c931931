-- Calls and numbers: a recursive function, closures, and the motion of bodies.
local function fib(n)
  return n < 2 and n or fib(n - 1) + fib(n - 2)
end

local function counter(step)
  local count = 0
  return function()
    count = count + step
    return count
  end
end

local function orbit(steps)
  local bodies = {}
  for i = 1, 4 do
    bodies[i] = { x = i, y = 0, vx = 0, vy = 1 / i, mass = 1 / (i * i) }
  end
  for _ = 1, steps do
    for i, a in ipairs(bodies) do
      for j = i + 1, #bodies do
        local b = bodies[j]
        local dx, dy = a.x - b.x, a.y - b.y
        local force = 0.001 / (dx * dx + dy * dy + 0.01) ^ 1.5
        a.vx, a.vy = a.vx - dx * b.mass * force, a.vy - dy * b.mass * force
        b.vx, b.vy = b.vx + dx * a.mass * force, b.vy + dy * a.mass * force
      end
    end
    for _, body in ipairs(bodies) do
      body.x, body.y = body.x + 0.001 * body.vx, body.y + 0.001 * body.vy
    end
  end
  return bodies[1].x
end

for round = 1, size do
  local next = counter(round)
  for _ = 1, 20000 do next() end
  print(round, fib(20), next(), string.format("%.9f", orbit(500)))
end
