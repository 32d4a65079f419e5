// The simulated objects: atomic, var, mutex, fences, allocation; see <verify/interleave.hpp>. They
// exist only inside of a scenario.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <verify/interleave/runtime.hpp>

namespace lodestar::interleave {

namespace detail {

template <class T>
concept fits_an_atomic = std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t);

template <fits_an_atomic T>
[[nodiscard]] std::uint64_t to_bits(const T& value) noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <fits_an_atomic T>
[[nodiscard]] T from_bits(std::uint64_t bits) noexcept {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T>
[[nodiscard]] constexpr value_format format_of() {
  using kind = value_format::kind;
  const auto what = std::is_same_v<T, bool> ? kind::truth
                    : std::is_pointer_v<T>  ? kind::pointer
                                            : kind::number;
  return {.what = what, .is_signed = std::is_signed_v<T>, .bytes = sizeof(T)};
}

/// As std::atomic does it: integers wrap around, pointers move by whole objects.
template <class T>
[[nodiscard]] T plus(T value, std::ptrdiff_t operand) {
  if constexpr (std::is_pointer_v<T>) {
    return value + operand;
  } else {
    return static_cast<T>(static_cast<std::uint64_t>(value) + static_cast<std::uint64_t>(operand));
  }
}

/// The failure order that goes with a success order.
[[nodiscard]] constexpr std::memory_order without_release(std::memory_order order) {
  if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
  if (order == std::memory_order_release) return std::memory_order_relaxed;
  return order;
}

}  // namespace detail

/// In place of std::atomic<T>, for trivially copyable T of up to 8 bytes. A `name` is what a report
/// calls the object; without one it goes by its place.
template <detail::fits_an_atomic T>
class atomic {
 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;

  atomic() noexcept : atomic(T{}) {}
  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic has it.
  atomic(T value, const char* name = nullptr) noexcept
      : self_(detail::add_atomic(this, detail::format_of<T>(), detail::to_bits(value), name)) {}
  ~atomic() { detail::remove_object(self_); }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  [[nodiscard]] T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
    return detail::from_bits<T>(detail::load(self_, order));
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    detail::store_value(self_, detail::to_bits(value), order);
  }
  T exchange(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return modify([](std::uint64_t, std::uint64_t operand) { return operand; },
                  detail::to_bits(value), order, "exchange");
  }

  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure) noexcept {
    return compare_exchange(expected, desired, {success, failure, true});
  }
  bool compare_exchange_weak(T& expected, T desired,
                             std::memory_order order = std::memory_order_seq_cst) noexcept {
    return compare_exchange(expected, desired, {order, detail::without_release(order), true});
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure) noexcept {
    return compare_exchange(expected, desired, {success, failure, false});
  }
  bool compare_exchange_strong(T& expected, T desired,
                               std::memory_order order = std::memory_order_seq_cst) noexcept {
    return compare_exchange(expected, desired, {order, detail::without_release(order), false});
  }

  using difference = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;
  T fetch_add(difference operand, std::memory_order order = std::memory_order_seq_cst) noexcept
    requires std::is_pointer_v<T> || (std::integral<T> && !std::same_as<T, bool>)
  {
    return modify(
        [](std::uint64_t value, std::uint64_t by) {
          return detail::to_bits(
              detail::plus(detail::from_bits<T>(value), static_cast<std::ptrdiff_t>(by)));
        },
        static_cast<std::uint64_t>(operand), order, "fetch_add");
  }
  T fetch_sub(difference operand, std::memory_order order = std::memory_order_seq_cst) noexcept
    requires std::is_pointer_v<T> || (std::integral<T> && !std::same_as<T, bool>)
  {
    return modify(
        [](std::uint64_t value, std::uint64_t by) {
          return detail::to_bits(
              detail::plus(detail::from_bits<T>(value), static_cast<std::ptrdiff_t>(0 - by)));
        },
        static_cast<std::uint64_t>(operand), order, "fetch_sub");
  }
  T fetch_and(T operand, std::memory_order order = std::memory_order_seq_cst) noexcept
    requires std::integral<T>
  {
    return modify([](std::uint64_t value, std::uint64_t by) { return value & by; },
                  detail::to_bits(operand), order, "fetch_and");
  }
  T fetch_or(T operand, std::memory_order order = std::memory_order_seq_cst) noexcept
    requires std::integral<T>
  {
    return modify([](std::uint64_t value, std::uint64_t by) { return value | by; },
                  detail::to_bits(operand), order, "fetch_or");
  }
  T fetch_xor(T operand, std::memory_order order = std::memory_order_seq_cst) noexcept
    requires std::integral<T>
  {
    return modify([](std::uint64_t value, std::uint64_t by) { return value ^ by; },
                  detail::to_bits(operand), order, "fetch_xor");
  }

  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic has it.
  operator T() const noexcept { return load(); }
  T operator=(T value) noexcept {
    store(value);
    return value;
  }
  T operator++() noexcept { return detail::plus(fetch_add(1), 1); }
  T operator++(int) noexcept { return fetch_add(1); }
  T operator--() noexcept { return detail::plus(fetch_sub(1), -1); }
  T operator--(int) noexcept { return fetch_sub(1); }

  [[nodiscard]] bool is_lock_free() const noexcept { return true; }
  void set_name(const char* name) noexcept { detail::set_name(self_, name); }

 private:
  T modify(detail::modification change, std::uint64_t operand, std::memory_order order,
           const char* name) noexcept {
    return detail::from_bits<T>(detail::modify(self_, change, operand, order, name));
  }
  bool compare_exchange(T& expected, T desired, const detail::exchange_orders& orders) noexcept {
    auto bits = detail::to_bits(expected);
    const bool done = detail::compare_exchange(self_, bits, detail::to_bits(desired), orders);
    if (!done) expected = detail::from_bits<T>(bits);
    return done;
  }

  detail::object_reference self_;
};

/// Data that is not atomic: two accesses of which neither happens before the other, one of them a
/// write, are a data race. Reads and writes like a T; where that is not enough, read() and write()
/// give the T itself, to be used at once.
template <class T>
class var {
 public:
  var() : var(T{}) {}
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a T.
  var(T value, const char* name = nullptr)
      : self_(detail::add_variable(this, name)), value_(std::move(value)) {}
  ~var() { detail::remove_object(self_); }
  var(const var& other) : var(other.read()) {}
  var& operator=(const var& other) {
    write() = other.read();
    return *this;
  }
  var& operator=(T value) {
    write() = std::move(value);
    return *this;
  }

  // NOLINTNEXTLINE(google-explicit-constructor): stands for a T.
  operator const T&() const noexcept { return read(); }
  [[nodiscard]] const T& read() const noexcept {
    detail::read_variable(self_);
    return value_;
  }
  [[nodiscard]] T& write() noexcept {
    detail::write_variable(self_);
    return value_;
  }
  void set_name(const char* name) noexcept { detail::set_name(self_, name); }

 private:
  detail::object_reference self_;
  T value_;
};

/// In place of std::mutex. A deadlock is found. As the standard allows it, a try_lock that fails
/// may have seen a holder that has unlocked meanwhile, and synchronises with nobody.
class mutex {
 public:
  mutex() noexcept : mutex(nullptr) {}
  explicit mutex(const char* name) noexcept : self_(detail::add_mutex(this, name)) {}
  ~mutex() { detail::remove_object(self_); }
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock() noexcept { detail::lock(self_); }
  [[nodiscard]] bool try_lock() noexcept { return detail::try_lock(self_); }
  void unlock() noexcept { detail::unlock(self_); }
  void set_name(const char* name) noexcept { detail::set_name(self_, name); }

 private:
  detail::object_reference self_;
};

/// An object whose use after destroy(), second destroy() and leak are found. Its memory is not used
/// again in the same execution.
template <class T, class... Arguments>
[[nodiscard]] T* make(Arguments&&... arguments) {
  return new (detail::allocate(sizeof(T), alignof(T), typeid(T)))
      T(std::forward<Arguments>(arguments)...);
}

/// What the object's atomics and variables were used for must happen before.
template <class T>
void destroy(T* object) noexcept {
  if (object == nullptr) return;
  detail::release(object);
  object->~T();
}

/// What must hold; the text says so in a report.
inline void check(bool condition, const char* text) noexcept {
  detail::check(condition, text);
}

/// The policy that takes the place of lodestar::std_atomics.
struct atomics {
  template <class T>
  using atomic = interleave::atomic<T>;
  template <class T>
  using var = interleave::var<T>;
  using mutex = interleave::mutex;

  static void light_fence() noexcept { detail::light_fence(); }
  static void heavy_fence() noexcept { detail::heavy_fence(); }
  static void thread_fence(std::memory_order order) noexcept { detail::fence(order); }
  /// The thread rests until another one has changed something, or none else can go on.
  static void yield() noexcept { detail::yield(); }
  static void pause() noexcept { detail::yield(); }

  template <class T>
  [[nodiscard]] static const T& read(const interleave::var<T>& data) noexcept {
    return data.read();
  }
  template <class T>
  [[nodiscard]] static T& write(interleave::var<T>& data) noexcept {
    return data.write();
  }
  template <class T, class... Arguments>
  [[nodiscard]] static T* make(Arguments&&... arguments) {
    return interleave::make<T>(std::forward<Arguments>(arguments)...);
  }
  template <class T>
  static void destroy(T* object) noexcept {
    interleave::destroy(object);
  }
};

}  // namespace lodestar::interleave
