#include <lodestar/base/clock.hpp>

namespace lodestar {
namespace {

class machine_clock final : public clock {
 public:
  [[nodiscard]] steady_time now() const noexcept override {
    return std::chrono::steady_clock::now();
  }
  [[nodiscard]] std::int64_t wall_us() const noexcept override {
    return std::chrono::duration_cast<microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

clock& system_clock() noexcept {
  static machine_clock instance;
  return instance;
}

}  // namespace lodestar
