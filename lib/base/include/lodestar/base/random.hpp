// Randomness is passed in, like time. A random_source is not thread-safe unless its class says so.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include <lodestar/base/clock.hpp>

namespace lodestar {

class random_source {
 public:
  virtual ~random_source() = default;
  [[nodiscard]] virtual std::uint64_t next() = 0;
};

/// The operating system's generator (getrandom, read in blocks of 256 bytes a thread). Thread-safe.
/// A process that forks must exec before it uses this: the child would repeat the rest of a block.
[[nodiscard]] random_source& system_random() noexcept;

/// A repeatable source for tests and simulations. Not thread-safe.
class seeded_random final : public random_source {
 public:
  explicit seeded_random(std::uint64_t seed) : engine_(seed) {}
  [[nodiscard]] std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

/// A UUID version 7 (RFC 9562): 48 bits of milliseconds since 1970, then randomness; text of 36
/// characters that sorts by time of creation.
[[nodiscard]] std::string make_uuid_v7(const clock& time, random_source& random);

}  // namespace lodestar
