// Goal: a peer that is not there, cannot be built or does not start is left out, with a line that
// says what would help, and the others take part.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cache_throughput/subjects.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace lodestar::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(peer_catalogue, says_how_to_get_what_is_not_there) {
  const temp_folder folder;
  participants found;
  add_peer_processes(found, folder.path(), folder.path() / "keys");
  EXPECT_TRUE(found.all.empty());
  EXPECT_THAT(found.left_out, ElementsAre(StartsWith("caffeine"), StartsWith("quick_cache"),
                                          StartsWith("moka"), StartsWith("otter")));
  EXPECT_THAT(found.left_out, testing::Each(HasSubstr("scripts/bench-peers builds it with")));
}

TEST(peer_catalogue, goes_on_without_one_that_does_not_start) {
  const temp_folder folder;
  write_texts(folder.path(), {{"moka", "#!/bin/sh\nexit 1\n"},
                              {"otter", "#!/bin/sh\necho otter 2\nread -r line\n"}});
  for (const char* each : {"moka", "otter"})
    std::filesystem::permissions(folder.path() / each, std::filesystem::perms::owner_all);
  participants found;
  add_peer_processes(found, folder.path(), folder.path() / "keys");
  ASSERT_EQ(found.all.size(), 1U);
  EXPECT_EQ(found.all[0].runs->name(), "otter");
  EXPECT_EQ(found.all[0].runs->version(), "otter 2");
  ASSERT_EQ(found.left_out.size(), 3U);
  EXPECT_THAT(found.left_out[2], HasSubstr((folder.path() / "moka").string()));
}

/// A folder with links to what the script needs of the system, and with no toolchain.
void link_system_programs(const std::filesystem::path& folder) {
  for (const char* name : {"bash", "dirname", "mkdir", "paste", "sed"}) {
    const auto program = find_program(name);
    ASSERT_TRUE(program) << name;
    std::filesystem::create_symlink(*program, folder / name);
  }
}

TEST(bench_peers_script, names_the_toolchains_that_are_missing) {
  const temp_folder folder;
  link_system_programs(folder.path());
  const auto script = source_folder() / "scripts/bench-peers";
  const auto done =
      run_to_end({"/usr/bin/env", "-i", "PATH=" + folder.path().string(), "bash", script});
  EXPECT_EQ(done.exit_code, 0) << done.output;
  EXPECT_THAT(done.output, HasSubstr("left out: caffeine needs Maven"));
  EXPECT_THAT(done.output, HasSubstr(" and a JDK"));
  EXPECT_THAT(done.output, HasSubstr("left out: quick_cache needs cargo"));
  EXPECT_THAT(done.output, HasSubstr("left out: moka needs cargo"));
  EXPECT_THAT(done.output, HasSubstr("left out: otter needs Go"));
}

TEST(bench_peers_script, refuses_a_name_that_it_does_not_know) {
  const auto done = run_to_end({source_folder() / "scripts/bench-peers", "memcached"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.output, HasSubstr("there are: caffeine quick_cache moka otter"));
}

}  // namespace
}  // namespace lodestar::bench
