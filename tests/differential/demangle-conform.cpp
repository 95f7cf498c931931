// Names of many kinds, for the comparison of demangled names with c++filt's. It is never run.
#include <iostream>
#include <map>
#include <string>
#include <vector>
#include <functional>
#include <tuple>
#include <memory>
#include <algorithm>
#include <thread>
namespace { int hidden(int *p, char const &c) { return *p + c; } }
namespace geo { 
struct Point { double x, y; Point(double a, double b); ~Point(); Point operator+(Point const &) const; operator bool() const; static int count; };
int Point::count;
Point::Point(double a, double b) : x(a), y(b) { count++; } Point::~Point() { count--; }
Point Point::operator+(Point const &o) const { return Point(x + o.x, y + o.y); }
Point::operator bool() const { return x != 0; }
template <class T, int N> struct Grid { T cells[N]; T sum() const { T s{}; for (auto &c : cells) s += c; return s; } };
template struct Grid<float, 4>;
template struct Grid<unsigned long, 3>;
}
struct A { virtual ~A() {} virtual int f(int) { return 1; } }; struct B { virtual ~B() {} virtual int g() { return 2; } };
struct C : virtual A, B { int f(int) override { return 3; } int g() override { return 4; } };
struct D : C { int g() override { return 5; } };
float dot(float *v, int n) { float s = 0; for (int i = 0; i < n; i++) s += v[i]; return s; }
template <class... T> int many(T &&...t) { return sizeof...(t); }
template <class T> auto sum(T a, T b) -> decltype(a + b) { return a + b; }
template <class T, class = std::enable_if_t<(sizeof(T) > 2)>> auto sizeOf(T a) -> decltype(a.size()) { return a.size(); }
template <auto V> int constant() { return sizeof(V); }
template <template <class...> class L, class... T> void lists(L<T...> const &, T (*...f)(T)) {}
int operator""_km(unsigned long long n) { return int(n); }
template <class T> struct Node { template <class U> Node &operator=(U const &) { return *this; } template <class U> operator U *() const; static T zero; T Node::*next; };
template <class T> T Node<T>::zero;
thread_local std::string perThread = "x";
int locals(int n) { struct Local { int get() { return 1; } }; static std::string once = "once"; return Local().get() + n + int(once.size()); }
template <class T> T apply(T (*f)(T), T x) { return f(x); }
int twice(int x) { return 2 * x; }
int array(int (&a)[3], int (A::*m)(int), double C::*) { return a[0]; }
int main() {
  int n = 3; char c = 'x'; float v[2] = {1, 2}; int a[3] = {};
  auto add = [&](int x) { static int calls = 0; return x + n + ++calls; };
  std::map<std::string, std::vector<int>> m; m["a"].push_back(add(1));
  std::function<int(int)> f = add; std::tuple<int, std::string> t(1, "x");
  std::sort(v, v + 2, [](auto p, auto q) { return p < q; });
  std::thread th(twice, 1); th.join();
  auto shared = std::make_shared<D>();
  Node<int> node; node = 2.5; Node<int>::zero++; lists(std::tuple<int, char>(), +[](int x) { return x; }, +[](char x) { return x; });
  std::cout << sum(1, 2) << sizeOf(std::string()) << constant<'c'>() << constant<twice>() << constant<-3l>() << 5_km << perThread << locals(1) << hidden(&n, c) << dot(v, 2) << many(1, 2.0, std::string("x"), n) << apply(twice, 2) << array(a, &A::f, nullptr) << f(1) << std::get<0>(t) << shared->g() << (geo::Point(1, 2) + geo::Point(1, 2)).x;
}
