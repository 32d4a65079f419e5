// Allocators that tell how many bytes the containers of the standard library really take, which
// nobody else can know.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace lodestar {

/// Counts what is allocated at the moment. The count outlives everything that was allocated.
template <class T>
class counting_allocator {
 public:
  using value_type = T;

  explicit counting_allocator(std::atomic<std::size_t>& bytes) noexcept : bytes_(&bytes) {}
  template <class Other>
  counting_allocator(const counting_allocator<Other>& other) noexcept : bytes_(other.bytes_) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    T* const memory = std::allocator<T>().allocate(count);
    bytes_->fetch_add(count * sizeof(T), std::memory_order_relaxed);
    return memory;
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    bytes_->fetch_sub(count * sizeof(T), std::memory_order_relaxed);
    std::allocator<T>().deallocate(memory, count);
  }
  template <class Other>
  [[nodiscard]] bool operator==(const counting_allocator<Other>& other) const noexcept {
    return bytes_ == other.bytes_;
  }

 private:
  template <class>
  friend class counting_allocator;
  std::atomic<std::size_t>* bytes_;
};

/// Notes how much was allocated at once, when that happens and not later.
template <class T>
class noting_allocator {
 public:
  using value_type = T;

  explicit noting_allocator(std::size_t& bytes) noexcept : bytes_(&bytes) {}
  template <class Other>
  noting_allocator(const noting_allocator<Other>& other) noexcept : bytes_(other.bytes_) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    *bytes_ = count * sizeof(T);
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    std::allocator<T>().deallocate(memory, count);
  }
  template <class Other>
  [[nodiscard]] bool operator==(const noting_allocator<Other>&) const noexcept {
    return true;
  }

 private:
  template <class>
  friend class noting_allocator;
  std::size_t* bytes_;
};

/// As std::make_shared; the bytes that it takes.
template <class T, class... Arguments>
[[nodiscard]] std::pair<std::shared_ptr<T>, std::size_t> make_measured(Arguments&&... arguments) {
  std::size_t bytes = 0;
  auto made =
      std::allocate_shared<T>(noting_allocator<T>(bytes), std::forward<Arguments>(arguments)...);
  return {std::move(made), bytes};
}

}  // namespace lodestar
