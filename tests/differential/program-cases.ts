/** A command line that is run here and in QEMU. */
export interface ProgramCase {
  readonly program: 'busybox' | 'bash' | 'mksh-musl' | 'mksh-klibc' | 'musl';
  readonly args: readonly string[];
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

const POEM = `The quick brown fox
jumps over the lazy dog.
  Indented line\twith a tab

the quick brown fox
jumps again
`;
const NUMBERS = '10\n9\n2\n33\n1\n2\n10\n-4\n0.5\n';
const CSV =
  'name,age,city\nAda,36,London\nAlan,41,Manchester\nGrace,85,Arlington\nEdsger,72,Nuenen\n';
const BYTES = Uint8Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 3)) & 0xff);
const LINES = Array.from({ length: 3000 }, (_, i) => `line ${i} ${(i * 7919) % 3001}`).join('\n');

/** `applet argument argument` for arguments without spaces. */
const bb = (line: string, input?: ProgramCase['input'], env?: ProgramCase['env']): ProgramCase =>
  busybox(line.split(' '), input, env);

const busybox = (
  args: readonly string[],
  input?: ProgramCase['input'],
  env?: ProgramCase['env'],
): ProgramCase => ({
  program: 'busybox',
  args,
  ...(input !== undefined && { input }),
  ...(env !== undefined && { env }),
});

const awk = (script: string, input = CSV): ProgramCase => busybox(['awk', script], input);
const sed = (script: string, input = POEM, ...options: string[]): ProgramCase =>
  busybox(['sed', ...options, script], input);
/** Bash takes QEMU's standard input, which is a socket here, for a remote shell and would read ~/.bashrc. */
const SHELL_OPTIONS: Readonly<Record<ProgramCase['program'], readonly string[]>> = {
  busybox: ['sh'],
  bash: ['--norc'],
  'mksh-musl': [],
  'mksh-klibc': [],
  musl: [],
};
const sh = (program: ProgramCase['program'], script: string, input?: string): ProgramCase => ({
  program,
  args: [...SHELL_OPTIONS[program], '-c', script],
  ...(input !== undefined && { input }),
});

const PRINTING: readonly ProgramCase[] = [
  bb('echo hello world'),
  busybox(['echo', '-e', 'tab\\there\\nnew \\x41 \\0101 \\c not this']),
  bb('echo -n no newline'),
  busybox(['printf', '%s|%5d|%-5d|%05d|%x|%o|%c\\n', 'text', '42', '42', '42', '255', '8', 'zed']),
  busybox(['printf', '%f %e %g %.3f\\n', '3.14159', '31415.9', '0.00001', '2.0005']),
  busybox(['printf', '%b\\n', 'a\\tb']),
  busybox(['printf', '%d\\n', 'abc']),
  bb('seq 5'),
  bb('seq 1 0.25 2'),
  bb('seq -w 8 11'),
  bb('seq 10 -3 0'),
  busybox(['seq', '-s', ', ', '1', '2000']),
  bb('seq 1 x'),
  bb('yes --help'),
  bb('ascii'),
  bb('cal 2 2024'),
  bb('cal 2023'),
  bb('cal -m 10 1999'),
  busybox(['date', '-u', '-d', '@0']),
  busybox(['date', '-u', '-d', '@1234567890', '+%Y-%m-%dT%H:%M:%S %j %A %B %U']),
  busybox(['date', '-d', '@1700000000', '+%F %T %Z %z'], '', { TZ: 'EST5EDT' }),
  busybox(['date', '-u', '-d', 'not a date']),
  bb('uname -m'),
  bb('uname -s'),
  bb('basename /usr/lib/thing.so .so'),
  bb('dirname /usr/lib/thing.so'),
  bb('true'),
  bb('false'),
  bb('env', '', { OTHER: 'two words' }),
  bb('printenv OTHER', '', { NAME: 'value', OTHER: 'two words' }),
  bb('printenv ABSENT', '', { NAME: 'value' }),
  bb('sleep 0.05'),
  bb('usleep 2000'),
  bb('tty'),
  bb('ipcalc -n -b -m 192.168.7.9/20'),
  busybox(['mkpasswd', '-m', 'sha512', '-S', 'saltsalt', 'secret']),
  busybox(['getopt', '-o', 'ab:', '--long', 'alpha,beta:', '--', '-a', '--beta', 'x', 'rest']),
];

const ARITHMETIC: readonly ProgramCase[] = [
  bb('expr 6 * 7'),
  bb('expr 17 % 5 + 2'),
  bb('expr 1 / 0'),
  busybox(['expr', 'foobar', ':', 'foo\\(.*\\)']),
  bb('expr length abcdef'),
  bb('expr 0'),
  bb('factor 1234567890 97 1 999999000001'),
  bb('factor', '12\n360\n65537\n'),
  bb('factor nonsense'),
  bb('test 3 -lt 5'),
  bb('test abc = abd'),
  bb('test -z text'),
  bb('[ 1 -eq 1 ]'),
  bb('[ 1 -eq 1'),
  bb('test 1 -eq x'),
  busybox(
    ['bc'],
    '2^100\nscale=20\n1/7\nsqrt(2)\ndefine f(x){if(x<2)return 1;return x*f(x-1)}\nf(25)\n',
  ),
  busybox(['bc', '-l'], 's(1)\nc(1)\na(1)*4\nl(10)\ne(1)\n'),
  busybox(['bc'], 'ibase=16\nFF\nobase=2\nA\n1/0\n'),
  busybox(['dc'], '5 3 + p 2 64 ^ p 10 k 2 v p [hello] p\n'),
  busybox(['dc', '-e', '16 i DEADBEEF p'], ''),
];

const TEXT: readonly ProgramCase[] = [
  bb('cat', POEM),
  bb('cat -n', POEM),
  bb('cat -A', POEM),
  bb('cat', BYTES),
  bb('wc', POEM),
  bb('wc -l', LINES),
  bb('wc -c', BYTES),
  bb('sort', POEM),
  bb('sort -n', NUMBERS),
  bb('sort -rn -u', NUMBERS),
  bb('sort -t, -k2n', CSV),
  bb('sort -k3n', LINES),
  bb('uniq', 'a\na\nb\nb\nb\na\n'),
  bb('uniq -c', 'a\na\nb\nb\nb\na\n'),
  bb('uniq -d', 'a\na\nb\nc\nc\n'),
  bb('head -n 2', POEM),
  bb('head -c 10', POEM),
  bb('tail -n 2', POEM),
  bb('tail -n +4', POEM),
  bb('tail -c 12', LINES),
  bb('tr a-z A-Z', POEM),
  busybox(['tr', '-d', 'aeiou'], POEM),
  busybox(['tr', '-s', '[:space:]', ' '], POEM),
  bb('cut -d, -f1,3', CSV),
  bb('cut -c 2-5', POEM),
  bb('grep quick', POEM),
  bb('grep -in THE', POEM),
  bb('grep -c o', POEM),
  bb('grep -v o', POEM),
  busybox(['grep', '-E', '^(The|jumps) .*(fox|dog)'], POEM),
  busybox(['grep', '-o', '[a-z]*o[a-z]*'], POEM),
  bb('grep nothing-like-that', POEM),
  busybox(['grep', '('], POEM),
  busybox(['grep', '-E', '('], POEM),
  bb('fgrep dog.', POEM),
  bb('fold -w 11', POEM),
  bb('fold -s -w 12', POEM),
  bb('rev', POEM),
  bb('tac', POEM),
  bb('nl', POEM),
  bb('nl -b a', POEM),
  bb('paste -s -', NUMBERS),
  bb('paste -d, - -', NUMBERS),
  bb('expand -t 4', POEM),
  bb('unexpand -a', 'a       b       c\n'),
  bb('dos2unix', 'one\r\ntwo\r\n'),
  bb('unix2dos', 'one\ntwo\n'),
  bb('strings -n 3', BYTES),
  bb('tee', POEM),
  bb('more', POEM),
  busybox(['ed'], 'a\nfirst\nsecond\n.\n1,2p\ns/second/2nd/\np\n=\nq\nq\n'),
];

const SCRIPTS: readonly ProgramCase[] = [
  sed('s/quick/slow/'),
  sed('s/\\(quick\\) \\(brown\\)/\\2 \\1/g'),
  sed('2,3d'),
  sed('/fox/p', POEM, '-n'),
  sed('$!N;s/\\n/ + /'),
  sed('y/abc/xyz/;s/o/0/2'),
  sed('1!G;h;$!d'),
  sed('s/([a-z]+) ([a-z]+)/[\\2-\\1]/g', POEM, '-E'),
  sed(':a;s/^\\(.\\{1,29\\}\\)$/ \\1/;ta'),
  sed('/jumps/{i\\\nbefore\na\\\nafter\n}'),
  sed('s/x'),
  sed('='),
  awk('{ print NR ": " $0 }'),
  busybox(['awk', '-F,', 'NR>1 { s += $2; n++ } END { print s, n, s / n }'], CSV),
  busybox(['awk', '-F,', '{ a[$3] = $1 } END { for (k in a) n++; print n, a["London"] }'], CSV),
  busybox(
    ['awk', '-v', 'x=7', 'BEGIN { printf "%d %5.2f %s %c\\n", x * 6, x / 3, "str", 65 }'],
    '',
  ),
  awk(
    'BEGIN { print length("hello"), substr("hello", 2, 3), index("hello", "l"), toupper("abc") }',
  ),
  awk('{ gsub(/[aeiou]/, "*"); print }'),
  awk('BEGIN { print sin(1), cos(1), atan2(1, 1), exp(1), log(10), sqrt(2), int(-3.7) }'),
  awk('function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { print f(15) }'),
  awk('BEGIN { while ((getline line) > 0) n++; print n }'),
  awk('BEGIN { n = split("a:b:c", p, ":"); for (i = n; i > 0; i--) printf "%s ", p[i]; print "" }'),
  awk('BEGIN { print substr("x", 0), 1e300 * 1e300, -1 / 3, 2 ** 53 + 1, 0x10, "10" + 5 }'),
  awk('BEGIN { if (match("foobar", /o+/)) print RSTART, RLENGTH; exit 3 }'),
  awk('BEGIN { print strftime("%Y-%m-%d", 86400 * 365, 1) }'),
  awk('{ n += length($0) } END { print n, NR }', LINES),
  awk('BEGIN { print 1 +'),
];

const BINARY: readonly ProgramCase[] = [
  ...['md5sum', 'sha1sum', 'sha256sum', 'sha512sum', 'sha3sum', 'crc32'].map((name) =>
    bb(name, BYTES),
  ),
  bb('sha256sum', LINES),
  bb('md5sum', ''),
  bb('base64', BYTES),
  bb('base64 -w 30', POEM),
  bb('base64 -d', 'aGVsbG8gd29ybGQK\n'),
  bb('base64 -d', 'not!valid'),
  bb('uuencode name', POEM),
  busybox(['uudecode', '-o', '-'], 'begin 644 x\n#86)C\n`\nend\n'),
  bb('od', BYTES),
  bb('od -A x -t x1 -N 40', BYTES),
  bb('od -t d4', BYTES),
  bb('od -c', POEM),
  bb('od -t f8 -N 64', BYTES),
  bb('hexdump -C', BYTES),
  bb('hexdump', POEM),
  bb('xxd', BYTES),
  bb('xxd -p', POEM),
  bb('xxd -r -p', '68656c6c6f0a'),
  bb('gzip -c', LINES),
  bb('gzip -1 -c', BYTES),
  bb('gzip -d -c', Buffer.from('H4sIAAAAAAAAA8tIzcnJVyjPL8pJ4QIALTsIrwwAAAA=', 'base64')),
  bb('gunzip -c', 'not gzip at all'),
  bb('bzip2 -c', POEM),
  bb('bunzip2 -c', 'BZh9 broken'),
  bb('unxz -c', 'nothing'),
  bb('dd bs=16 count=2 skip=1 status=none', BYTES),
  bb('dd conv=ucase status=none', POEM),
  bb('dd bs=x', POEM),
  bb('cmp - /dev/null', POEM),
  bb('cmp - /dev/null', ''),
  bb('split --help'),
  bb('tar -t', Buffer.alloc(10240)),
  bb(
    'cpio -t',
    'rubbish that is no archive, but long enough to be a header of one, is it not so? '.repeat(3),
  ),
];

const FAILING: readonly ProgramCase[] = [
  bb('no-such-applet'),
  bb('head -x', POEM),
  bb('cut', POEM),
  bb('cat /nonexistent'),
  bb('sort -k', POEM),
  bb('wc --nonsense'),
  bb('seq'),
  bb('sleep forever'),
  bb('tr', POEM),
  bb('ls /nonexistent'),
  bb('cal 13 2024'),
  bb('stty -a', ''),
  bb('dd --help'),
];

const FIB =
  'f() { [ $1 -lt 2 ] && r=$1 && return; f $(( $1 - 1 )); local a=$r; f $(( $1 - 2 )); r=$(( r + a )); }; f 11; echo $r';
const LOOP = 'i=0; s=0; while [ $i -lt 500 ]; do s=$((s + i * i)); i=$((i + 1)); done; echo $s';
const READ = 'n=0; while read -r a b; do n=$((n+1)); echo "$n:$b:$a"; done; echo "$n lines"';
const CASES =
  'for w in apple banana cherry; do case $w in a*) echo A;; *n*) echo "has n";; *) echo "$w";; esac; done';
const EXPANSIONS =
  'v=path/to/file.tar.gz; echo ${v##*/} ${v%.*} ${v%%.*} ${#v} ${none:-default} ${v:+set}';

/** Signals that a shell sends to itself. */
const TRAPS: readonly string[] = [
  'kill -TERM $$',
  'kill -SEGV $$; echo never',
  'trap "echo caught" USR1; kill -USR1 $$; echo after',
  'trap "" TERM; kill -TERM $$; echo alive',
  'trap "echo bye" EXIT; echo first; exit 3',
  'trap "echo int; exit 5" INT; kill -INT $$; echo never',
  'trap "echo one" USR1; trap "echo two" USR2; kill -USR2 $$; kill -USR1 $$; trap - USR1; kill -USR1 $$',
  'n=0; trap "n=\\$((n+1))" HUP; while [ $n -lt 5 ]; do kill -HUP $$; done; echo $n',
  'kill -WINCH $$; kill -CHLD $$; kill -CONT $$; echo nothing',
  'kill -0 $$ && echo there; kill -0 99999999 2>/dev/null || echo nobody',
  'trap "kill -TERM $$" USR1; kill -USR1 $$; echo never',
];

const SHELLS: readonly ProgramCase[] = [
  ...(['busybox', 'bash', 'mksh-musl', 'mksh-klibc'] as const).flatMap((shell) => [
    sh(shell, 'echo "hello from $0"; exit 7'),
    sh(shell, FIB),
    sh(shell, LOOP),
    sh(shell, READ, POEM),
    sh(shell, CASES),
    sh(shell, EXPANSIONS),
    sh(shell, 'echo to-error >&2; false || true && ! true'),
    sh(shell, 'set -e; false; echo never'),
    sh(shell, 'echo "unclosed'),
  ]),
  ...(['busybox', 'bash', 'mksh-musl', 'mksh-klibc'] as const).flatMap((shell) =>
    TRAPS.map((script) => sh(shell, script)),
  ),
  sh('bash', 'kill -l; trap -p; trap "echo x" USR1 HUP; trap -p'),
  sh('bash', 'trap "echo debug" DEBUG; a=1; b=2; trap - DEBUG; echo $a$b'),
  sh('bash', 'f() { trap "echo leaving" RETURN; echo in; }; f; echo out'),
  sh('bash', 'read -t 0.05 line; echo $(( $? > 128 ))', ''),
  sh('mksh-musl', 'trap; trap "echo x" USR1; trap'),
  sh('busybox', 'printf "%s\\n" {a,b}; echo $((0x1f + 010)); test -e /nonexistent || echo none'),
  sh(
    'bash',
    'declare -A m=([x]=1 [y]=2); echo ${m[x]} ${#m[@]}; printf "%q %08.3f\\n" "a b" 3.14159',
  ),
  sh(
    'bash',
    'a=(3 1 2); echo "${a[@]:1}" ${#a[*]} {1..5} $((2**62)); [[ abc123 =~ ([0-9]+) ]] && echo ${BASH_REMATCH[1]}',
  ),
  sh(
    'bash',
    'echo $BASH_VERSINFO $MACHTYPE; printf "%(%F)T\\n" 0; trap "echo bye" EXIT; ((1/0))',
    '',
  ),
  { program: 'bash', args: ['--version'] },
  { program: 'bash', args: ['--no-such-option'] },
  sh(
    'mksh-musl',
    'typeset -Uui16 x=255; print -r -- $x; print -n done; set -A a 1 2 3; print ${#a[*]}',
  ),
  sh('mksh-klibc', 'print $((7 / 2)) $((-7 % 3)); print ${KSH_VERSION%% *}'),
  { program: 'musl', args: [] },
  { program: 'musl', args: ['--help'] },
  { program: 'musl', args: ['/nonexistent'] },
];

export const PROGRAM_CASES: readonly ProgramCase[] = [
  ...PRINTING,
  ...ARITHMETIC,
  ...TEXT,
  ...SCRIPTS,
  ...BINARY,
  ...FAILING,
  ...SHELLS,
];
