import type { ProgramInput } from './program-runner';

/** A command line of a dynamic program, which finds its libraries in Debian's folder. */
export interface RootedCase extends ProgramInput {
  /** Path in the guest. */
  readonly program: string;
}

const ENVIRONMENT = { LC_ALL: 'C', HOME: '/tmp', PATH: '/usr/bin:/bin' };

const at =
  (program: string, ...options: string[]) =>
  (...args: string[]): RootedCase => ({
    program: `/usr/bin/${program}`,
    args: [...options, ...args],
    input: '',
    env: ENVIRONMENT,
  });

const feed = (item: RootedCase, input: string | Uint8Array): RootedCase => ({ ...item, input });

const lua = at('lua5.4', '-e');
const python = at('python3.13', '-c');
const sqlite = at('sqlite3', ':memory:');
const gawk = at('gawk');
const perl = at('perl', '-e');
const jq = at('jq');
const bc = at('bc', '-q');

const WORDS = Array.from({ length: 4000 }, (_, i) => `w${(i * 7919) % 997} ${i}`).join('\n');
const JSON_TEXT = JSON.stringify(
  Array.from({ length: 300 }, (_, i) => ({ id: i, name: `n${i % 7}`, value: (i * i) % 101 })),
);

const LUA: readonly RootedCase[] = [
  lua('print(1, 2.5, "three", nil, true)'),
  lua('for i = 1, 5 do io.write(i, " ", i ^ 2, " ", i // 2, "\\n") end'),
  lua('print(string.format("%5.2f|%-8s|%08x|%q", math.pi, "left", 48879, "a\\nb"))'),
  lua(
    'local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 1009 end table.sort(t) print(#t, t[1], t[1000], table.concat(t, ",", 1, 20))',
  ),
  lua('print(pcall(error, 7)) print(select("#", pcall(error)))'),
  lua('local function f(n) return n < 2 and n or f(n - 1) + f(n - 2) end print(f(24))'),
  lua(
    'print(("The quick brown fox"):gsub("%w+", string.upper)) print(("key = value"):match("(%w+)%s*=%s*(%w+)"))',
  ),
  lua(
    'local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co())',
  ),
  lua('print(os.time({year=2024, month=2, day=29, hour=12}), os.date("!%Y-%m-%d %H:%M:%S", 0))'),
  lua(
    'local name = "/tmp/hartscope-lua" local f = assert(io.open(name, "w")) f:write("one\\ntwo\\n") f:close() for line in io.lines(name) do print(line) end print(os.remove(name), os.remove(name))',
  ),
  lua('error("it went wrong")'),
  lua('print(io.open("/nonexistent/file"))'),
  feed(lua('for line in io.lines() do print(#line, line:reverse()) end'), 'alpha\nbeta\n\ngamma'),
  at('lua5.4')('-v'),
  at('lua5.4')('/nonexistent.lua'),
];

/** Few runs, since Python takes 10⁸ instructions to start. */
const PYTHON: readonly RootedCase[] = [
  python(`import sys, math, struct, time, zlib, _random
print("hello", 2**100, 10/3)
print(sys.version_info[:2], sys.byteorder, sys.maxsize, sys.platform)
print(sorted({"b": 1, "a": 2}.items()), [x * x for x in range(10) if x % 3])
print(math.factorial(50), math.sin(1), math.gcd(84, 36), math.e)
def f(n):
    return n if n < 2 else f(n-1) + f(n-2)
print(f(18))
random = _random.Random(42)
print([random.getrandbits(20) for _ in range(8)])
print("%.10g %s %r %x" % (1/3, "s", "r", 255), f"{3.14159:.2f}", "caf\\u00e9".encode())
print(time.strftime("%Y-%m-%d", time.gmtime(86400 * 365)))
print(struct.pack("<IHd", 1, 2, 3.5).hex(), zlib.crc32(b"hello"))
try: 1/0
except ZeroDivisionError as e: print(e)
try: import no_such_module
except ImportError as e: print(e)`),
  python(
    'class A:\n    def __repr__(self): return "<A>"\nprint([A(), A()])\nraise ValueError("no good")',
  ),
  feed(
    python(
      'import sys\nfor number, line in enumerate(sys.stdin): print(number, line.rstrip()[::-1])',
    ),
    'one\ntwo\nthree\n',
  ),
  python(`import os
print(os.getpid() > 0, os.sep, os.name, sorted(os.listdir("/usr/lib/python3.13"))[:6])
name = "/tmp/hartscope-python"
with open(name, "w") as f: f.write("text\\n" * 3)
print(os.stat(name).st_size, open(name).read().split())
os.rename(name, name + "2"); os.unlink(name + "2")
try: open(name)
except OSError as e: print(e)`),
  python(`import _thread, time
lock, count, done = _thread.allocate_lock(), [0], [0]
def work():
    for i in range(500):
        with lock: count[0] += i
    with lock: done[0] += 1
for i in range(8): _thread.start_new_thread(work, ())
while done[0] < 8: time.sleep(0.001)
print(count[0])`),
  at('python3.13')('-S', '-V'),
];

/** `_signal`, since `signal` has Python compile a thousand lines of its library first. */
const PYTHON_SIGNALS: readonly RootedCase[] = [
  python(`import _signal as signal, os, time
n = []
signal.signal(signal.SIGUSR1, lambda s, f: n.append(s))
os.kill(os.getpid(), signal.SIGUSR1)
signal.signal(signal.SIGALRM, lambda s, f: n.append(s))
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
while len(n) < 4: pass
signal.setitimer(signal.ITIMER_REAL, 0)
print(n[:4], signal.getitimer(signal.ITIMER_REAL))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigpending(), signal.sigwaitinfo({signal.SIGUSR2}).si_signo, signal.sigtimedwait({signal.SIGUSR2}, 0.01))
class Late(Exception): pass
def late(s, f): raise Late
signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try: time.sleep(100)
except Late: print("late")`),
];

/** What only a soak has the time for. */
const LONG_PYTHON: readonly RootedCase[] = [
  python(
    'import json, re; print(json.dumps({"list": [1, 2.5, None, True], "text": "\\u00e9"}, sort_keys=True), re.findall(r"(\\w+)=(\\d+)", "a=1, bb=22, c=x"))',
  ),
  python('import sys; sys.stderr.write("to stderr\\n"); sys.exit(7)'),
  python(
    'import _signal as signal, os, time\ntry: os.kill(os.getpid(), signal.SIGINT); time.sleep(1)\nexcept KeyboardInterrupt: print("interrupted", flush=True)\nos.kill(os.getpid(), signal.SIGTERM); time.sleep(1)',
  ),
  python(
    'import _signal as signal, time, threading\ndef handler(s, f): print(threading.current_thread().name)\nsignal.signal(signal.SIGALRM, handler)\nthread = threading.Thread(target=lambda: time.sleep(0.3)); thread.start()\nsignal.setitimer(signal.ITIMER_REAL, 0.1); thread.join(); print("joined")',
  ),
  python('import os; print("before", flush=True); os.abort()'),
];

const SQLITE: readonly RootedCase[] = [
  sqlite('select 1+1, sqlite_version() > "3", typeof(1.5), upper("abc"), printf("%.3f", 1.0/3);'),
  sqlite(
    'create table t(a integer primary key, b text); insert into t(b) values("x"),("y"),("z"); select * from t order by b desc;',
  ),
  sqlite(
    'with recursive n(i) as (select 1 union all select i+1 from n where i < 5000) select count(*), sum(i), avg(i), max(i*i % 997) from n;',
  ),
  sqlite(
    'create table t(k,v); create index i on t(k); with recursive n(i) as (select 1 union all select i+1 from n where i < 5000) insert into t select (i*7919)%10007, i from n; select count(distinct k), sum(v) from t where k between 100 and 2000;',
  ),
  at('sqlite3')(
    '-header',
    '-column',
    ':memory:',
    'select 1 as one, "two" as two union select 3, "four";',
  ),
  at('sqlite3')('-json', ':memory:', 'select 1 as a, null as b, "x" as c;'),
  sqlite('select * from missing;'),
  feed(
    at('sqlite3')(':memory:'),
    '.mode csv\ncreate table p(n,v);\ninsert into p values(1,"a,b");\nselect * from p;\n.schema\n',
  ),
  at('sqlite3')(
    '/tmp/hartscope.db',
    'create table if not exists t(a); insert into t values(1); select count(*) from t; drop table t; vacuum;',
  ),
  at('sqlite3')('/nonexistent/dir/x.db', 'select 1; create table t(a);'),
];

const TOOLS: readonly RootedCase[] = [
  gawk(
    'BEGIN { for (i = 1; i <= 5; i++) printf "%d %.4f %s\\n", i, sqrt(i), substr("abcdefgh", i, 2) }',
  ),
  feed(
    gawk(
      '{ count[$1]++ } END { n = asorti(count, keys); for (i = 1; i <= 10; i++) print keys[i], count[keys[i]] }',
    ),
    WORDS,
  ),
  feed(gawk('-F,', 'NR > 1 { sum += $2 } END { print sum, NR }'), 'a,1\nb,2\nc,3.5\n'),
  gawk(
    'BEGIN { print strftime("%Y-%m-%d", 0, 1), toupper("x"), length("four"), index("abc", "c") }',
  ),
  gawk('BEGIN { print > "/nonexistent/x" }'),
  gawk('--version'),
  feed(bc(), '2^200\nscale=20\n4*a(1)\nsqrt(2)\n1/3\n'),
  feed(at('bc', '-ql')(), 's(1)\nc(1)\ne(1)\nl(2)\n'),
  feed(
    bc(),
    'define f(n) { if (n < 2) return (n); return (f(n-1) + f(n-2)); }\nf(18)\nibase=16\nFF\n1/0\n',
  ),
  perl('print join(",", map { $_ ** 2 } 1 .. 10), "\\n"; printf "%s %vd\\n", $0 eq "-e", $^V;'),
  feed(
    perl(
      'while (<>) { my ($w) = split; $c{$w}++ } print "$_ $c{$_}\\n" for (sort { $c{$b} <=> $c{$a} || $a cmp $b } keys %c)[0 .. 9];',
    ),
    WORDS,
  ),
  perl(
    'open(my $f, ">", "/tmp/hartscope-perl") or die; print $f "x" x 5000; close $f; print -s "/tmp/hartscope-perl", "\\n"; unlink "/tmp/hartscope-perl"; print -e "/tmp/hartscope-perl" ? "there" : "gone", "\\n";',
  ),
  perl('die "no\\n"'),
  jq('-n', '[range(10)] | map(. * 2) | add'),
  feed(jq('-c', 'group_by(.name) | map({name: .[0].name, total: map(.value) | add})'), JSON_TEXT),
  feed(jq('.[3] | keys'), JSON_TEXT),
  feed(jq('.'), '{"broken": '),
  feed(at('sort')('-k2n', '-s'), WORDS),
  feed(at('sort')('-u', '-k1,1'), WORDS),
  feed(at('sed')('-n', '/w1[0-9] /{s/w/W/;p}'), WORDS),
  feed(at('grep')('-c', 'w99'), WORDS),
  feed(at('grep')('-nE', '^w(12|13) [0-9]{3}$'), WORDS),
  feed(at('sha256sum')(), WORDS),
  feed(at('md5sum')(), ''),
  at('sha256sum')('/usr/bin/python3.13'),
  at('wc')('/usr/lib/python3.13/os.py'),
  at('od')('-A', 'x', '-t', 'x1z', '-N', '64', '/usr/bin/lua5.4'),
  at('head')('-n', '5', '/usr/lib/python3.13/os.py'),
  at('diff')('/usr/lib/python3.13/stat.py', '/usr/lib/python3.13/posixpath.py'),
  at('find')('/usr/lib/python3.13/collections', '-type', 'f', '-name', '*.py'),
  at('cat')('/nonexistent', '/usr/bin'),
  at('date')('-u', '-d', '@1700000000'),
  at('expr')('6', '*', '7'),
  at('factor')('600851475143', '97'),
  at('seq')('-s', ',', '1', '2000'),
  feed(at('tr')('a-z', 'A-Z'), 'the quick brown fox\n'),
  feed(at('cut')('-d', ' ', '-f', '2'), WORDS),
  feed(at('uniq')('-c'), 'a\na\nb\nb\nb\nc\n'),
  feed(
    at('base64')(),
    Uint8Array.from({ length: 500 }, (_, i) => (i * 31) & 255),
  ),
  at('printf')('%s %05d %x\\n', 'text', '42', '255'),
  at('test')('-d', '/usr/lib/python3.13'),
  at('env')('-i', 'NAME=value'),
  at('pwd')('--version'),
];

/** The same three loops, short (but for Python's) and long. */
const loops = (million: number): readonly RootedCase[] => [
  python(
    `total = 0\nfor i in range(${6 * million}):\n    total = (total * 31 + i) % 1000003\nprint(total)`,
  ),
  sqlite(
    `create table t(k,v); with recursive n(i) as (select 1 union all select i+1 from n where i < ${million / 10}) insert into t select (i*7919)%100003, i from n; create index i on t(k); select count(*), min(k), max(k), sum(v) from t indexed by i where k between 1000 and 90000;`,
  ),
  lua(`local sum = 0 for i = 1, ${5 * million} do sum = (sum * 31 + i) % 1000003 end print(sum)`),
];

export const ROOTED_CASES: readonly RootedCase[] = [
  ...LUA,
  ...PYTHON,
  ...PYTHON_SIGNALS,
  ...SQLITE,
  ...TOOLS,
  ...loops(50_000).slice(1),
];

/** 10⁹ instructions of Python, an index on 10⁵ rows. */
export const LONG_ROOTED_CASES: readonly RootedCase[] = [...LONG_PYTHON, ...loops(1_000_000)];
