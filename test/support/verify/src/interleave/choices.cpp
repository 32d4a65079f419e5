#include "choices.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <type_traits>
#include <utility>
#include <variant>

#include <lodestar/base/assert.hpp>

namespace lodestar::interleave::detail {
namespace {

/// SplitMix64: one that is seeded at no cost, for each execution anew.
class small_random {
 public:
  explicit small_random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t mixed = (state_ += 0x9E37'79B9'7F4A'7C15U);
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58'476D'1CE4'E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D0'49BB'1331'11EBU;
    return mixed ^ (mixed >> 31);
  }
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }

 private:
  std::uint64_t state_;
};

class random_chooser final : public chooser {
 public:
  explicit random_chooser(const random_walk& how)
      : seed_(how.seed), left_(how.executions), random_(0) {}
  [[nodiscard]] std::uint64_t seed() const override { return seed_ - 1; }

 private:
  /// Some faults need many switches, others long stretches without one: each execution has rates
  /// of its own.
  bool next() override {
    if (left_ == 0) return false;
    --left_;
    random_ = small_random(seed_++);
    for (auto& rate : one_in_) rate = std::size_t{2} << random_.below(5);
    return true;
  }
  std::size_t answer(choice what, std::size_t count) override {
    if (what == choice::thread) return random_.below(count);
    if (random_.below(one_in_[static_cast<std::size_t>(what)]) != 0) return 0;
    return 1 + random_.below(count - 1);
  }

  std::uint64_t seed_;
  std::uint64_t left_;
  small_random random_;
  std::array<std::size_t, 4> one_in_{};
};

/// Depth first, with as few preemptions as possible: all executions without one, then all with up
/// to one, and so on. What it finds is therefore short.
class exhaustive_chooser final : public chooser {
 public:
  explicit exhaustive_chooser(const context_bound& how) : bounds_(how) {}

 private:
  struct branch {
    choice what = choice::thread;
    std::uint16_t taken = 0;
    std::uint16_t count = 0;
  };

  bool next() override {
    // What an execution asks is what the one before it was asked up to where they part.
    if (asked() != path_.size()) set_diverged();
    if (began_ && !advance()) {
      if (!wants_more_ || preemptions_ >= bounds_.preemptions_max) return false;
      ++preemptions_;
      wants_more_ = false;
    }
    began_ = true;
    left_ = {0, preemptions_, bounds_.stale_reads_max, bounds_.spurious_failures_max};
    return true;
  }
  bool advance() {
    while (!path_.empty() && path_.back().taken + 1 >= path_.back().count) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().taken;
    return true;
  }
  std::size_t answer(choice what, std::size_t count) override {
    int& left = left_[static_cast<std::size_t>(what)];
    const bool free = what == choice::thread;
    if (what == choice::preemption && left == 0) wants_more_ = true;
    const auto open = static_cast<std::uint16_t>(free || left > 0 ? count : 1);
    if (asked() == path_.size()) path_.push_back({.what = what, .taken = 0, .count = open});
    const auto& here = path_[asked()];
    if (here.what != what || here.count != open) set_diverged();
    if (here.taken != 0 && !free) --left;
    return here.taken;
  }

  context_bound bounds_;
  int preemptions_ = 0;
  bool wants_more_ = false;  // Some execution could have had another preemption.
  bool began_ = false;
  std::array<int, 4> left_{};
  std::vector<branch> path_;
};

class replay_chooser final : public chooser {
 public:
  explicit replay_chooser(const replay& how) : answers_(read_schedule(how.schedule)) {}

 private:
  bool next() override {
    if (began_ && asked() < answers_.size()) set_diverged();
    return !std::exchange(began_, true);
  }
  std::size_t answer(choice, std::size_t) override {
    return asked() < answers_.size() ? answers_[asked()] : 0;
  }

  std::vector<std::uint16_t> answers_;
  bool began_ = false;
};

}  // namespace

bool chooser::begin() {
  const bool more = next();
  answers_.clear();
  return more;
}

std::size_t chooser::choose(choice what, std::size_t count) {
  if (count <= 1) return 0;
  auto answered = answer(what, count);
  if (answered >= count) {
    set_diverged();
    answered = 0;
  }
  answers_.push_back(static_cast<std::uint16_t>(answered));
  return answered;
}

std::string chooser::schedule() const {
  return write_schedule(answers_);
}

std::unique_ptr<chooser> make_chooser(const search& how) {
  return std::visit(
      []<class How>(const How& each) -> std::unique_ptr<chooser> {
        if constexpr (std::is_same_v<How, random_walk>) {
          return std::make_unique<random_chooser>(each);
        } else if constexpr (std::is_same_v<How, context_bound>) {
          return std::make_unique<exhaustive_chooser>(each);
        } else {
          return std::make_unique<replay_chooser>(each);
        }
      },
      how);
}

std::string write_schedule(const std::vector<std::uint16_t>& answers) {
  std::size_t end = answers.size();
  while (end > 0 && answers[end - 1] == 0) --end;
  std::string text;
  for (std::size_t begin = 0; begin < end;) {
    std::size_t run = 1;
    while (begin + run < end && answers[begin + run] == answers[begin]) ++run;
    if (!text.empty()) text += '.';
    text +=
        run == 1 ? fmt::format("{}", answers[begin]) : fmt::format("{}x{}", run, answers[begin]);
    begin += run;
  }
  return text.empty() ? "-" : text;
}

std::vector<std::uint16_t> read_schedule(std::string_view text) {
  constexpr std::size_t answers_max = 1'000'000;
  std::vector<std::uint16_t> answers;
  if (text == "-") return answers;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&] {
    std::size_t value = 0;
    const auto parsed = std::from_chars(at, end, value);
    LODESTAR_ASSERT(parsed.ec == std::errc{}, "a schedule is numbers, as a report prints them");
    at = parsed.ptr;
    return value;
  };
  while (at < end) {
    std::size_t run = 1, value = number();
    if (at < end && *at == 'x') {
      ++at;
      run = std::exchange(value, 0);
      value = number();
    }
    LODESTAR_ASSERT(at == end || *at == '.', "a schedule's runs are separated by dots");
    if (at < end) ++at;
    LODESTAR_ASSERT(answers.size() + run <= answers_max, "a schedule has an end");
    answers.insert(answers.end(), run, static_cast<std::uint16_t>(value));
  }
  return answers;
}

}  // namespace lodestar::interleave::detail
