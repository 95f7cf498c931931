import { describe, expect, test } from 'vitest';
import { demangle } from '../../../emulator/elf/demangle';

const full = (mangled: string): string | undefined => demangle(mangled)?.full;

describe('a mangled C++ name', () => {
  test('gives the function with its parameters, and its bare name', () => {
    expect(demangle('_Z3dotPfi')).toEqual({ full: 'dot(float*, int)', name: 'dot' });
    expect(demangle('_Z4stopv')).toEqual({ full: 'stop()', name: 'stop' });
    expect(demangle('_ZN3geo5Point5countE')).toEqual({
      full: 'geo::Point::count',
      name: 'geo::Point::count',
    });
  });

  test('of a template has its arguments, its result and what its parameters stand for', () => {
    expect(full('_Z5applyIiET_PFS0_S0_ES0_')).toBe('int apply<int>(int (*)(int), int)');
    expect(full('_ZNK3geo4GridIfLi4EE3sumEv')).toBe('geo::Grid<float, 4>::sum() const');
    expect(full('_Z4manyIJidRA2_cEEiDpOT_')).toBe(
      'int many<int, double, char (&) [2]>(int&&, double&&, char (&) [2])',
    );
    expect(demangle('_ZN2ns4manyIiEEiT_')).toMatchObject({
      name: 'ns::many<int>',
      template: 'ns::many',
    });
    expect(full('_Z1fI1AIS0_IiEEEvT_')).toBe('void f<A<A<int> > >(A<A<int> >)');
  });

  test('repeats by substitution, of its own parts and of the standard library', () => {
    expect(full('_ZN3geo5PointplERKS0_S2_')).toBe(
      'geo::Point::operator+(geo::Point const&, geo::Point const&)',
    );
    expect(full('_ZSt4swapRSaIcES0_')).toBe(
      'std::swap(std::allocator<char>&, std::allocator<char>&)',
    );
    expect(full('_ZNSsC1Ev')).toMatch(/^std::basic_string<char, .* >::basic_string\(\)$/);
  });

  test('names constructors, destructors, operators and conversions', () => {
    expect(full('_ZN3geo5PointC2Edd')).toBe('geo::Point::Point(double, double)');
    expect(full('_ZN3geo4GridIfLi4EED0Ev')).toBe('geo::Grid<float, 4>::~Grid()');
    expect(full('_ZdlPvm')).toBe('operator delete(void*, unsigned long)');
    expect(full('_ZNK3geo5PointcvbEv')).toBe('geo::Point::operator bool() const');
    expect(full('_ZlsIiEvT_')).toBe('void operator<< <int>(int)');
  });

  test('names what is local to a function: variables, lambdas, unnamed namespaces', () => {
    expect(full('_ZZ4mainE5calls_0')).toBe('main::calls');
    expect(full('_ZZ4mainENKUliE_clEi')).toBe('main::{lambda(int)#1}::operator()(int) const');
    expect(full('_ZN12_GLOBAL__N_16hiddenEPiRKc')).toBe(
      '(anonymous namespace)::hidden(int*, char const&)',
    );
  });

  test('names what the compiler makes: tables, type information, thunks, guards, clones', () => {
    expect(full('_ZTV1C')).toBe('vtable for C');
    expect(full('_ZTI1C')).toBe('typeinfo for C');
    expect(full('_ZTC1D0_1C')).toBe('construction vtable for C-in-D');
    expect(full('_ZThn8_N1C1gEv')).toBe('non-virtual thunk to C::g()');
    expect(full('_ZTv0_n24_N1CD1Ev')).toBe('virtual thunk to C::~C()');
    expect(full('_ZGVZ4mainE1x')).toBe('guard variable for main::x');
    expect(demangle('_Z3dotPfi.isra.0.cold')).toEqual({
      full: 'dot(float*, int) [clone .isra.0] [clone .cold]',
      name: 'dot',
    });
  });

  test('has pointers to members, arrays and functions around their names', () => {
    expect(full('_Z5arrayRA3_iM1AFiiEM1Cd')).toBe(
      'array(int (&) [3], int (A::*)(int), double C::*)',
    );
    expect(full('_Z1fPA2_A3_KiPFvvEPKS3_')).toMatch(
      /^f\(int const \(\*\) \[2\]\[3\], void \(\*\)\(\)/,
    );
    expect(full('_Z1fILb1ELj5ELc97ELin3EEvv')).toBe('void f<true, 5u, (char)97, -3>()');
  });
});

describe('a name that is not understood', () => {
  test('stays as it is', () => {
    for (const name of ['main', '_Z', '_Z3do', '_ZZ', '_ZN', '_Z1fS_', '_Z1fT_', '_Z1f$', '_ZTV']) {
      expect(demangle(name), name).toBeUndefined();
    }
  });

  test('takes neither deep recursion nor long time', () => {
    expect(demangle(`_Z1f${'P'.repeat(4000)}i`)).toBeUndefined();
    expect(demangle(`_Z${'Z'.repeat(4000)}`)).toBeUndefined();
    expect(demangle(`_Z1f${'i'.repeat(5000)}`)).toBeUndefined();
    // Each parameter is a pair of the one before it: 60 of them hold 2^60 names.
    const pairs = (count: number): string =>
      Array.from({ length: count }, (_, i) => (2 * i).toString(36).toUpperCase())
        .map((last) => `1AIS${last}_S${last}_E`)
        .join('');
    expect(full(`_Z1fP1B${pairs(2)}`)).toBe('f(B*, A<B*, B*>, A<A<B*, B*>, A<B*, B*> >)');
    expect(demangle(`_Z1fP1B${pairs(60)}`)).toBeUndefined();
    expect(demangle(`_Z1fv${'.1'.repeat(30)}!`)).toBeUndefined();
  });

  test('never throws, whatever a name is cut or changed to', () => {
    const name = '_ZNSt6vectorIS_IiSaIiEESaIS1_EE17_M_realloc_insertIJRKS1_EEEvN9__gnu_cxx2EOT_';
    for (let i = 2; i < name.length; i++) {
      for (const put of ['', 'E', 'I', 'S_', 'Z', 'Dp', '9', 'n']) {
        const changed = name.slice(0, i) + put + name.slice(i + 1);
        expect(() => demangle(changed), changed).not.toThrow();
      }
    }
  });
});
