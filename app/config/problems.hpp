// Collects what is wrong with a project, so that one run shows every mistake and not just the
// first.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lodestar/base/error.hpp>

namespace lodestar::app {

class problems {
 public:
  /// What was added before in the same words counts once: two tiles may share one mistake.
  void add(std::string place, std::string message, std::string hint = {}) {
    add(error{error_code::invalid_argument, std::move(message), std::move(place), std::move(hint)});
  }
  void add(error what);
  [[nodiscard]] bool empty() const noexcept { return errors_.empty(); }
  [[nodiscard]] const std::vector<error>& all() const noexcept { return errors_; }

 private:
  std::vector<error> errors_;
};

/// The hint for a word that is none of these: the one that was probably meant, or what is allowed.
[[nodiscard]] std::string suggest(std::string_view word,
                                  const std::vector<std::string_view>& candidates);

}  // namespace lodestar::app
