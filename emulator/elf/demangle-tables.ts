/*
 * The fixed codes of the Itanium C++ ABI (https://itanium-cxx-abi.github.io/cxx-abi/abi.html, section
 * 5.1): built-in types, operators, the abbreviations of the standard library. Spelled as GNU c++filt
 * spells them.
 */

/** 5.1.5.2, "Builtin types". */
export const BUILTIN_TYPES: ReadonlyMap<string, string> = new Map([
  ['v', 'void'],
  ['w', 'wchar_t'],
  ['b', 'bool'],
  ['c', 'char'],
  ['a', 'signed char'],
  ['h', 'unsigned char'],
  ['s', 'short'],
  ['t', 'unsigned short'],
  ['i', 'int'],
  ['j', 'unsigned int'],
  ['l', 'long'],
  ['m', 'unsigned long'],
  ['x', 'long long'],
  ['y', 'unsigned long long'],
  ['n', '__int128'],
  ['o', 'unsigned __int128'],
  ['f', 'float'],
  ['d', 'double'],
  ['e', 'long double'],
  ['g', '__float128'],
  ['z', '...'],
  ['Dd', 'decimal64'],
  ['De', 'decimal128'],
  ['Df', 'decimal32'],
  ['Dh', 'half'],
  ['Di', 'char32_t'],
  ['Ds', 'char16_t'],
  ['Du', 'char8_t'],
  ['Da', 'auto'],
  ['Dc', 'decltype(auto)'],
  ['Dn', 'decltype(nullptr)'],
]);

/** Literals of these types are written as a number with a suffix; others carry their type. */
export const LITERAL_SUFFIXES: ReadonlyMap<string, string> = new Map([
  ['int', ''],
  ['unsigned int', 'u'],
  ['long', 'l'],
  ['unsigned long', 'ul'],
  ['long long', 'll'],
  ['unsigned long long', 'ull'],
]);

/** 5.1.3.1, "Operator Encodings": the operator and, in expressions, how many operands it takes. */
export const OPERATORS: ReadonlyMap<string, readonly [text: string, operands: number]> = new Map([
  ['nw', [' new', 3]],
  ['na', [' new[]', 3]],
  ['dl', [' delete', 1]],
  ['da', [' delete[]', 1]],
  ['aw', [' co_await', 1]],
  ['ps', ['+', 1]],
  ['ng', ['-', 1]],
  ['ad', ['&', 1]],
  ['de', ['*', 1]],
  ['co', ['~', 1]],
  ['pl', ['+', 2]],
  ['mi', ['-', 2]],
  ['ml', ['*', 2]],
  ['dv', ['/', 2]],
  ['rm', ['%', 2]],
  ['an', ['&', 2]],
  ['or', ['|', 2]],
  ['eo', ['^', 2]],
  ['aS', ['=', 2]],
  ['pL', ['+=', 2]],
  ['mI', ['-=', 2]],
  ['mL', ['*=', 2]],
  ['dV', ['/=', 2]],
  ['rM', ['%=', 2]],
  ['aN', ['&=', 2]],
  ['oR', ['|=', 2]],
  ['eO', ['^=', 2]],
  ['ls', ['<<', 2]],
  ['rs', ['>>', 2]],
  ['lS', ['<<=', 2]],
  ['rS', ['>>=', 2]],
  ['eq', ['==', 2]],
  ['ne', ['!=', 2]],
  ['lt', ['<', 2]],
  ['gt', ['>', 2]],
  ['le', ['<=', 2]],
  ['ge', ['>=', 2]],
  ['ss', ['<=>', 2]],
  ['nt', ['!', 1]],
  ['aa', ['&&', 2]],
  ['oo', ['||', 2]],
  ['pp', ['++', 1]],
  ['mm', ['--', 1]],
  ['cm', [',', 2]],
  ['pm', ['->*', 2]],
  ['pt', ['->', 2]],
  ['cl', ['()', 2]],
  ['ix', ['[]', 2]],
  ['qu', ['?', 3]],
]);

const CHAR_STREAM = '<char, std::char_traits<char> >';

/** 5.1.10, "Compression": what `Sa` and its like stand for, and the name of its constructors. */
export const STANDARD_NAMES: ReadonlyMap<string, readonly [text: string, base: string]> = new Map([
  ['t', ['std', 'std']],
  ['a', ['std::allocator', 'allocator']],
  ['b', ['std::basic_string', 'basic_string']],
  ['s', ['std::basic_string<char, std::char_traits<char>, std::allocator<char> >', 'basic_string']],
  ['i', [`std::basic_istream${CHAR_STREAM}`, 'basic_istream']],
  ['o', [`std::basic_ostream${CHAR_STREAM}`, 'basic_ostream']],
  ['d', [`std::basic_iostream${CHAR_STREAM}`, 'basic_iostream']],
]);

/** 5.1.4.1 to 5.1.4.5: what the compiler makes beside the program's own functions and variables. */
export const SPECIAL_NAMES: ReadonlyMap<string, readonly [text: string, of: 'type' | 'name']> =
  new Map([
    ['TV', ['vtable for ', 'type']],
    ['TT', ['VTT for ', 'type']],
    ['TI', ['typeinfo for ', 'type']],
    ['TS', ['typeinfo name for ', 'type']],
    ['TF', ['typeinfo fn for ', 'type']],
    ['TH', ['TLS init function for ', 'name']],
    ['TW', ['TLS wrapper function for ', 'name']],
    ['GV', ['guard variable for ', 'name']],
  ]);
