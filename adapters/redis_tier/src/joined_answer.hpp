// One answer for several commands: the first error of them, or success when all have ended.
//
//   const auto all = std::make_shared<joined_answer>(2, std::move(done));
//   send({…, .done = joined_answer::part(all)});
//   send({…, .done = joined_answer::part(all)});
//
// Thread-safety: the loop's thread, after it was made.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <lodestar/swr/store.hpp>

#include "command.hpp"
#include "server_error.hpp"

namespace lodestar::redis_tier {

/// MOVED and ASK reach a caller only when they cannot be followed.
[[nodiscard]] inline result<void> ended_well(const result<reply>& answer) {
  if (!answer) return std::unexpected(answer.error());
  if (answer->what == reply::kind::error)
    return std::unexpected(server_error_of(answer->text, {}).what);
  return {};
}

class joined_answer {
 public:
  joined_answer(std::size_t parts, swr::store::ended done) : open_(parts), done_(std::move(done)) {}

  [[nodiscard]] static command::answered part(std::shared_ptr<joined_answer> of) {
    return [of = std::move(of)](const result<reply>& answer) { of->note(ended_well(answer)); };
  }

 private:
  void note(result<void> outcome) {
    if (outcome_ && !outcome) outcome_ = std::move(outcome);
    if (--open_ == 0) done_(std::move(outcome_));
  }

  std::size_t open_;
  result<void> outcome_;
  swr::store::ended done_;
};

}  // namespace lodestar::redis_tier
