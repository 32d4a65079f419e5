// A program in another language that scripts/bench-peers builds into build/peers/bin
// (bench/peers/README.md). It is started with options, says one line, its name and version, when it
// is ready, and answers each line with a number until its input ends.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/process.hpp"
#include "support/report.hpp"

namespace lodestar::bench {

class peer {
 public:
  /// Null when it has not been built, which a note says. Throws when it does not get ready.
  [[nodiscard]] static std::unique_ptr<peer> start(report& out, const std::string& name,
                                                   const std::vector<std::string>& options);
  /// The number that it answers with; throws when it ends, or takes longer than a minute.
  [[nodiscard]] double ask(std::string_view request);

 private:
  explicit peer(const std::vector<std::string>& command);
  [[nodiscard]] std::string next_line();

  const std::string program_;
  child_process process_;
};

}  // namespace lodestar::bench
