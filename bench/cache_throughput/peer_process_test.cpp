// Goal: a peer is asked and heard as the protocol says, and one that is broken, silent or gone is
// an error that names it, within a bounded time. The peers are shell scripts.
#include "cache_throughput/peer_process.hpp"

#include <gtest/gtest.h>

#include "support/files.hpp"

namespace lodestar::bench {
namespace {

using std::chrono::milliseconds;

class peer : public testing::Test {
 protected:
  /// A program of these lines of shell.
  result<std::unique_ptr<peer_process>> start(const std::string& script,
                                              milliseconds patience = milliseconds(60'000)) {
    const auto program = folder_.path() / "peer";
    write_texts(folder_.path(), {{"peer", "#!/bin/sh\n" + script}});
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return peer_process::start({.name = "fake",
                                .program = program,
                                .keys = folder_.path() / "keys",
                                .patience = patience});
  }
  [[nodiscard]] const temp_folder& folder() const { return folder_; }

 private:
  temp_folder folder_;
};

constexpr cell some_cell{.group = {2, 1}, .duration = milliseconds(500)};

TEST_F(peer, is_told_the_keys_and_the_bound) {
  const auto started = start("echo \"$1 $2 $3 $4\"\n");
  ASSERT_TRUE(started) << started.error().describe();
  EXPECT_EQ((*started)->version(), "--keys " + (folder().path() / "keys").string() +
                                       " --capacity " + std::to_string(capacity_entries));
}

TEST_F(peer, is_asked_for_a_cell_and_answers_each_time) {
  auto started = start(
      "echo fake 1.2\n"
      "while read -r verb readers writers milliseconds; do\n"
      "  [ \"$verb\" = run ] || exit 1\n"
      "  echo \"${readers}00 ${writers}0 199 0.$milliseconds\"\n"
      "done\n");
  ASSERT_TRUE(started) << started.error().describe();
  for (int time = 0; time < 2; ++time) {
    const auto done = (*started)->run(some_cell);
    ASSERT_TRUE(done) << done.error().describe();
    EXPECT_EQ(done->reads, 200U);
    EXPECT_EQ(done->writes, 10U);
    EXPECT_EQ(done->hits, 199U);
    EXPECT_DOUBLE_EQ(done->seconds, 0.5);
  }
}

TEST_F(peer, that_is_not_there_is_an_error) {
  const auto started = peer_process::start(
      {.name = "fake", .program = folder().path() / "missing", .keys = folder().path() / "keys"});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().place, (folder().path() / "missing").string());
}

TEST_F(peer, that_ends_is_an_error) {
  auto started = start("echo fake 1.2\nread -r line\n");
  ASSERT_TRUE(started) << started.error().describe();
  for (int time = 0; time < 2; ++time) EXPECT_FALSE((*started)->run(some_cell));
}

TEST_F(peer, that_says_nothing_is_an_error_in_time) {
  const auto started = start("read -r line\n", milliseconds(50));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, error_code::unavailable);
}

TEST(peer_answer, must_be_four_numbers) {
  for (const char* line : {"", "1 2 3", "1 2 3 4 5", "one 2 3 4", "1 2 3 4s", "1 2 3 0"}) {
    const auto parsed = parse_answer(line, "build/peers/bin/fake");
    ASSERT_FALSE(parsed) << line;
    EXPECT_EQ(parsed.error().place, "build/peers/bin/fake");
  }
}

}  // namespace
}  // namespace lodestar::bench
