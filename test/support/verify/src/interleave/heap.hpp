// The objects that a scenario makes and destroys. Memory is given back only when the execution
// ends, so that a use after destroy is found instead of being undefined; then the same memory is
// handed out again in the same order, so that an execution repeats its addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <vector>

namespace lodestar::interleave::detail {

struct allocation {
  const std::byte* begin = nullptr;
  std::size_t bytes = 0;
  const std::type_info* type = nullptr;
  bool alive = true;
  std::uint8_t made_by = 0;
  std::uint32_t made_at = 0;
};

class heap {
 public:
  void reset();
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment,
                               const std::type_info& type);
  [[nodiscard]] std::vector<allocation>& all() noexcept { return allocations_; }
  /// The one that begins there; null when there is none.
  [[nodiscard]] allocation* find(const void* address);
  /// "node#2", "node#2+8" inside of it; empty when the address is in none.
  [[nodiscard]] std::string describe(const void* address) const;
  /// The same with the offset of what begins where the allocation does: "node#2+0".
  [[nodiscard]] std::string describe_member(const void* address) const;

 private:
  struct block {
    std::unique_ptr<std::byte[]> memory;
    std::size_t bytes = 0;
  };
  [[nodiscard]] std::byte* take(std::size_t bytes, std::size_t alignment);

  std::vector<block> blocks_;
  std::size_t block_ = 0;  // The one that is being handed out, and how much of it is.
  std::size_t used_ = 0;
  std::vector<allocation> allocations_;
};

}  // namespace lodestar::interleave::detail
