// Goal: every round runs every subject once in every case, the figures of a cold start are dropped,
// and no figure is ever taken from a cache that loses entries or gives wrong values.
#include "cache_throughput/interleaved_run.hpp"

#include <gtest/gtest.h>

#include "cache_throughput/in_process_subject.hpp"
#include "cache_throughput/scrambled_zipfian.hpp"
#include "cache_throughput/sharded_lru.hpp"

namespace lodestar::bench {
namespace {

using std::chrono::milliseconds;

key_numbers some_keys() {
  return std::make_shared<const std::vector<std::uint64_t>>(draw_keys(key_count, item_count, 1));
}

/// Writes down when it is asked for what.
class scribe final : public subject {
 public:
  scribe(std::string name, bool compiles, std::string& out)
      : subject(std::move(name), "1"), compiles_(compiles), out_(out) {}
  [[nodiscard]] bool compiled_while_running() const noexcept override { return compiles_; }
  result<cell_result> run(const cell& wanted) override {
    out_ += fmt::format("{} {} {}, ", name(), wanted.group.name(), wanted.duration.count());
    return cell_result{.reads = 1, .writes = 0, .hits = 1, .seconds = 1};
  }

 private:
  bool compiles_;
  std::string& out_;
};

/// A cache that has lost a key.
class forgetful_lru : public sharded_lru {
 public:
  using sharded_lru::sharded_lru;
  std::optional<std::uint64_t> get(std::uint64_t key) {
    return key == 1 ? std::nullopt : sharded_lru::get(key);
  }
};

/// A cache that mixes up its values.
class confused_lru : public sharded_lru {
 public:
  using sharded_lru::sharded_lru;
  std::optional<std::uint64_t> get(std::uint64_t key) {
    const auto value = sharded_lru::get(key);
    return value ? std::optional(*value + 1) : value;
  }
};

constexpr auto no_notes = [](unsigned) {};

template <class Store>
result<std::vector<measured_case>> run_one(std::vector<thread_group> groups) {
  std::vector<participant> subjects;
  subjects.push_back(
      {role::peer, std::make_unique<in_process_subject<Store>>("one", "1", some_keys())});
  return run_interleaved({.groups = std::move(groups),
                          .rounds = 1,
                          .cell = milliseconds(1),
                          .warm_up = milliseconds(1),
                          .compilation = milliseconds(1)},
                         subjects, no_notes);
}

TEST(interleaved_run, alternates_the_subjects_and_lets_compiled_ones_compile_first) {
  std::string said;
  std::vector<participant> subjects;
  subjects.push_back({role::lodestar, std::make_unique<scribe>("a", false, said)});
  subjects.push_back({role::peer, std::make_unique<scribe>("b", true, said)});
  const auto cases =
      run_interleaved({.groups = {{1, 0}, {0, 2}},
                       .rounds = 2,
                       .cell = milliseconds(20),
                       .warm_up = milliseconds(1),
                       .compilation = milliseconds(300)},
                      subjects, [&](unsigned round) { said += fmt::format("round {}, ", round); });
  ASSERT_TRUE(cases);
  EXPECT_EQ(said,
            "b read-1t 300, b write-2t 300, "
            "round 0, "
            "a read-1t 1, a read-1t 20, "
            "b read-1t 1, b read-1t 20, b read-1t 20, "
            "a write-2t 1, a write-2t 20, "
            "b write-2t 1, b write-2t 20, b write-2t 20, "
            "round 1, "
            "a read-1t 1, a read-1t 20, b read-1t 1, b read-1t 20, "
            "a write-2t 1, a write-2t 20, b write-2t 1, b write-2t 20, ");
  ASSERT_EQ(cases->size(), 2U);
  for (const auto& each : *cases) {
    ASSERT_EQ(each.subjects.size(), 2U);
    EXPECT_EQ(each.subjects[0].size(), 2U);
    EXPECT_EQ(each.subjects[1].size(), 2U);
  }
}

TEST(interleaved_run, counts_what_readers_and_writers_do) {
  const auto cases = run_one<sharded_lru>({{1, 0}, {0, 1}, {2, 1}});
  ASSERT_TRUE(cases) << cases.error().describe();
  const auto result_of = [&](std::size_t index) { return (*cases)[index].subjects[0][0]; };
  EXPECT_GT(result_of(0).reads, 0U);
  EXPECT_EQ(result_of(0).writes, 0U);
  EXPECT_EQ(result_of(1).reads, 0U);
  EXPECT_GT(result_of(1).writes, 0U);
  EXPECT_GT(result_of(2).reads, 0U);
  EXPECT_GT(result_of(2).writes, 0U);
  EXPECT_EQ((*cases)[2].group.name(), "read-2t-write-1t");
  for (const std::size_t index : {0U, 1U, 2U}) {
    EXPECT_GT(result_of(index).processor_seconds, 0);
    EXPECT_GT(result_of(index).seconds, 0.001);
  }
}

TEST(interleaved_run, ends_when_a_read_misses) {
  const auto cases = run_one<forgetful_lru>({{1, 0}});
  ASSERT_FALSE(cases);
  EXPECT_EQ(cases.error().place, "one, read-1t");
  EXPECT_TRUE(cases.error().message.contains("missed")) << cases.error().describe();
}

TEST(interleaved_run, ends_when_a_read_gives_a_wrong_value) {
  const auto cases = run_one<confused_lru>({{1, 0}});
  ASSERT_FALSE(cases);
  EXPECT_TRUE(cases.error().message.contains("never written")) << cases.error().describe();
}

}  // namespace
}  // namespace lodestar::bench
