// When what is sent is written: at the end of the handler that sends it, together with all else
// that it sends. A server is woken once, and begins before the loop looks for what came meanwhile.
//
//   const turns::turn now(around.turns);   // in a handler of the loop that answers callers
//
// What is sent in no turn is written in one that comes at once.
//
// Thread-safety: the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>

#include "asio.hpp"

namespace lodestar::redis_tier {

/// Has something to write.
class writer {
 public:
  virtual void write() = 0;

 protected:
  ~writer() = default;
};

class turns {
 public:
  /// `collect` sends what callers have handed over.
  turns(asio::io_context& context, std::move_only_function<void()> collect)
      : context_(context), collect_(std::move(collect)) {}

  class [[nodiscard]] turn {
   public:
    explicit turn(turns& of) : of_(of) { of_.begin(); }
    ~turn() { of_.end(); }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

   private:
    turns& of_;
  };

  /// What callers hand over now is collected by the end of this turn.
  [[nodiscard]] bool will_collect() const noexcept { return phase_ == phase::handling; }
  /// Once per turn for each.
  void plan(std::shared_ptr<writer> what) {
    writers_.push_back(std::move(what));
    if (phase_ == phase::outside && writers_.size() == 1)
      asio::post(context_, [this] { const turn written(*this); });
  }

 private:
  enum class phase : std::uint8_t { outside, handling, collecting };

  void begin() {
    LODESTAR_ASSERT(phase_ == phase::outside, "a handler does not run inside of another");
    phase_ = phase::handling;
  }
  void end() {
    phase_ = phase::collecting;
    collect_();
    phase_ = phase::outside;
    // A writer may plan, when it fails.
    std::vector<std::shared_ptr<writer>> planned = std::exchange(spare_, {});
    planned.swap(writers_);
    for (const auto& each : planned) each->write();
    planned.clear();
    spare_ = std::move(planned);
  }

  asio::io_context& context_;
  std::move_only_function<void()> collect_;
  phase phase_ = phase::outside;
  std::vector<std::shared_ptr<writer>> writers_;
  std::vector<std::shared_ptr<writer>> spare_;  // memory for those of the next turn
};

}  // namespace lodestar::redis_tier
