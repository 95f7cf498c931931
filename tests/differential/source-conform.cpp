// C++ for comparing with gdb: namespaces, classes with bases, templates, references, scoped enumerations.
#include <cstdint>
#include <cstdio>

int counter = 0;

extern "C" __attribute__((noinline)) void checkpoint(int number) {
  counter += number;
  __asm__ volatile("" : : "r"(number) : "memory");
}

namespace geometry {

enum class Unit : std::uint8_t { metre, foot = 7 };

struct Point {
  double x = 0, y = 0;
  static int made;
  double length(Unit unit) const {
    checkpoint(static_cast<int>(unit));
    return x * x + y * y;
  }
};
int Point::made = 3;

class Shape {
public:
  explicit Shape(int id) : id_(id) {}
  virtual ~Shape() = default;
  virtual double area() const = 0;

protected:
  int id_;
};

class Square final : public Shape {
public:
  Square(int id, Point corner, double side) : Shape(id), corner_(corner), side_(side) {}
  __attribute__((noinline)) double area() const override {
    double result = side_ * side_;
    checkpoint(id_);
    return result + corner_.x;
  }

private:
  Point corner_;
  double side_;
};

template <typename T, int N> struct Array {
  T items[N];
  __attribute__((noinline)) T sum(const T &start) const {
    T total = start;
    for (int i = 0; i < N; i++) total += items[i];
    checkpoint(N);
    return total;
  }
};

namespace {
__attribute__((noinline)) int hidden(Point &by_reference, Point &&moved, bool flag) {
  int local = flag ? 1 : 2;
  checkpoint(local);
  by_reference.x += moved.y;
  return local;
}
} // namespace

class Base {
public:
  int kept = 2;
  static int shared;
  static const int limit = 12;
  inline static double rate = 2.5;
  struct Inner {
    int a;
    static long deep;
  };
  static Inner inner;
};
int Base::shared = 5;
Base::Inner Base::inner{7};
long Base::Inner::deep = 99;

template <typename T> struct Derived : Base {
  static T last;
  int own = 1;
  __attribute__((noinline)) int sum() {
    checkpoint(100);
    return own + shared + limit + static_cast<int>(rate + last) + inner.a;
  }
};
template <typename T> T Derived<T>::last = 42;

} // namespace geometry

geometry::Point *volatile escaped;

__attribute__((noinline)) long statics() {
  geometry::Derived<int> object;
  return object.sum() + geometry::Base::Inner::deep;
}

int main() {
  double total = 0;
  geometry::Point point{3, 4};
  escaped = &point;
  geometry::Square square(9, point, 2.5);
  const geometry::Shape &shape = square;
  geometry::Array<long, 3> array{{1, 2, 3}};
  total += point.length(geometry::Unit::foot);
  total += shape.area();
  total += array.sum(10);
  total += geometry::hidden(point, geometry::Point{1, 2}, true);
  total += static_cast<double>(statics());
  std::printf("%g %d\n", total, counter);
  return 0;
}
