// A cache in a program of its own, in its own language. It is started as
//   PROGRAM --keys FILE --capacity ENTRIES
// says one line, its version, when its cache is warm, and answers each line
//   run READERS WRITERS MILLISECONDS
// with
//   READS WRITES HITS SECONDS
// until its input ends.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "cache_throughput/subject.hpp"
#include "support/process.hpp"

namespace lodestar::bench {

/// The numbers of an answer; `place` names the peer in an error.
[[nodiscard]] result<cell_result> parse_answer(std::string_view line, std::string_view place);

struct peer_command {
  std::string name;
  std::filesystem::path program;
  std::filesystem::path keys;
  bool compiled_while_running = false;
  /// How long it may take to get ready, and to answer beyond the time that it is asked to run.
  std::chrono::milliseconds patience{60'000};
};

class peer_process final : public subject {
 public:
  [[nodiscard]] static result<std::unique_ptr<peer_process>> start(const peer_command& wanted);

  [[nodiscard]] pid_t process() const noexcept override { return process_->pid(); }
  [[nodiscard]] bool compiled_while_running() const noexcept override {
    return command_.compiled_while_running;
  }
  result<cell_result> run(const cell& wanted) override;

 private:
  peer_process(const peer_command& wanted, std::string version,
               std::unique_ptr<child_process> started);

  peer_command command_;
  std::unique_ptr<child_process> process_;
};

}  // namespace lodestar::bench
