// For what threads may still use while the process ends: a static of this kind is never destroyed,
// and takes no memory from the heap.
#pragma once

#include <cstddef>
#include <new>

namespace lodestar {

template <class T>
class immortal {
 public:
  immortal() : value_(new (memory_) T) {}
  immortal(const immortal&) = delete;
  immortal& operator=(const immortal&) = delete;
  [[nodiscard]] T& value() noexcept { return *value_; }

 private:
  alignas(T) std::byte memory_[sizeof(T)];
  T* const value_;
};

}  // namespace lodestar
