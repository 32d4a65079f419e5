// Whatever an execution leaves open is asked here: which thread goes on, which store a load
// returns, whether a weak compare-exchange fails. A search is a way of answering; the answers of an
// execution are its schedule, which repeats it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <verify/interleave/explore.hpp>

namespace lodestar::interleave::detail {

/// What is asked. Answer 0 is always the ordinary one; the others of the last three are bounded.
enum class choice : std::uint8_t {
  thread,      // The running one cannot go on.
  preemption,  // 0: the running one goes on.
  stale,       // 0: the newest store.
  spurious,    // 0: it succeeds.
};

class chooser {
 public:
  virtual ~chooser() = default;
  /// An execution; false when there is none left.
  [[nodiscard]] bool begin();
  /// Less than `count`.
  [[nodiscard]] std::size_t choose(choice what, std::size_t count);

  [[nodiscard]] std::string schedule() const;
  /// Of this execution; 0 when it has none.
  [[nodiscard]] virtual std::uint64_t seed() const { return 0; }
  /// Whether an execution was asked something else than its schedule says: the code does not repeat
  /// what it did. Known at the latest when the next one begins.
  [[nodiscard]] bool diverged() const noexcept { return diverged_; }

 protected:
  [[nodiscard]] virtual bool next() = 0;
  [[nodiscard]] virtual std::size_t answer(choice what, std::size_t count) = 0;
  /// How often in this execution, and until the next one has begun in the last one.
  [[nodiscard]] std::size_t asked() const noexcept { return answers_.size(); }
  void set_diverged() noexcept { diverged_ = true; }

 private:
  std::vector<std::uint16_t> answers_;
  bool diverged_ = false;
};

[[nodiscard]] std::unique_ptr<chooser> make_chooser(const search& how);

/// "3x0.2.1x0.1": runs of equal answers, without the zeros at the end; "-" when all are 0.
[[nodiscard]] std::string write_schedule(const std::vector<std::uint16_t>& answers);
[[nodiscard]] std::vector<std::uint16_t> read_schedule(std::string_view text);

}  // namespace lodestar::interleave::detail
