// kill -9 while the cache file is written. A child process (this program again, with the argument
// "child") writes and removes entries from several threads and tells in a pipe how far it is. The
// parent kills it after a random number of such messages, opens the file and checks: it opens
// within a second and was not set aside, what is there is right, and nothing is there that was
// removed with an answer and not written since.
//
//   cache_file_crash_test [--kills=N]
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <lodestar/lmdb_tier/lmdb_tier.hpp>
#include <lodestar/swr/testing/blocking_store.hpp>

#include "temp_folder.hpp"

namespace lodestar {
namespace {

using std::chrono::seconds;

constexpr int pipe_in_child = 3;
constexpr int child_threads = 3;
constexpr int removed_keys = 50;
constexpr std::size_t bytes_max = 4U << 20;  // full soon: entries are evicted, too

int kills = 100;

std::unique_ptr<swr::store> open_file(const std::filesystem::path& file) {
  const auto before = system_clock().now();
  auto opened = lmdb_tier::open({.file = file, .bytes_max = bytes_max});
  EXPECT_TRUE(opened.has_value()) << opened.error().describe();
  if (!opened) return nullptr;
  EXPECT_LT(system_clock().now() - before, seconds(1));
  EXPECT_FALSE(opened->set_aside.has_value()) << opened->set_aside->describe();
  return std::move(opened->store);
}

std::string value_for(std::string_view key, std::size_t bytes) {
  std::string value(key);
  value += ':';
  value.append(bytes, key.back());
  return value;
}

// --- the child

[[noreturn]] void write_until_killed(const std::filesystem::path& file) {
  const auto opened = lmdb_tier::open({.file = file, .bytes_max = bytes_max});
  if (!opened) _exit(2);
  swr::testing::blocking_store calls(*opened->store);
  // One after the other, so that the parent knows which ones are gone for good.
  for (int number = 0; number < removed_keys; ++number)
    if (!calls.remove({"removed " + std::to_string(number)})) _exit(3);
  const auto work = [&](unsigned seed) {
    std::mt19937_64 random(seed);
    for (int round = 0;; ++round) {
      const std::string key = "key " + std::to_string(random() % 2'000);
      if (random() % 8 == 0) {
        if (!calls.remove({key})) _exit(4);
      } else if (!calls.set(key, value_for(key, random() % 6'000))) {
        _exit(5);
      }
      if (round % 20 == 0 && write(pipe_in_child, "+", 1) != 1) _exit(6);
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned seed = 0; seed < child_threads; ++seed)
    threads.emplace_back(work, static_cast<unsigned>(getpid()) * 10 + seed);
  for (;;) pause();
}

// --- the parent

class child {
 public:
  explicit child(const std::filesystem::path& file) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
    const std::string name = file.string();
    process_ = fork();
    if (process_ == 0) {
      // Only calls that are allowed between fork and exec.
      if (dup2(ends[1], pipe_in_child) < 0) _exit(7);
      execl("/proc/self/exe", "cache_file_crash_test", "child", name.c_str(), nullptr);
      _exit(8);
    }
    close(ends[1]);
    messages_ = ends[0];
  }
  ~child() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    close(messages_);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  /// False when it ended before it had said so much.
  [[nodiscard]] bool wait_for(std::size_t messages) {
    std::array<char, 64> place{};
    while (messages > 0) {
      const ssize_t got = read(messages_, place.data(), std::min(messages, place.size()));
      if (got <= 0) return false;
      messages -= static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  pid_t process_ = -1;
  int messages_ = -1;
};

TEST(cache_file_crash, a_killed_process_leaves_a_file_that_is_right) {
  const test::temp_folder folder;
  const std::filesystem::path file = folder / "cache.lmdb";
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::size_t present = 0;
  for (int cycle = 0; cycle < kills; ++cycle) {
    {
      const auto store = open_file(file);
      ASSERT_NE(store, nullptr);
      swr::testing::blocking_store calls(*store);
      for (int number = 0; number < removed_keys; ++number)
        EXPECT_TRUE(calls.set("removed " + std::to_string(number), "old").has_value());
    }
    {
      child writing(file);
      ASSERT_TRUE(writing.wait_for(1 + random() % 60)) << "it ended by itself";
    }
    const auto store = open_file(file);
    ASSERT_NE(store, nullptr);
    swr::testing::blocking_store calls(*store);
    for (int number = 0; number < removed_keys; ++number)
      EXPECT_EQ(calls.get("removed " + std::to_string(number)), std::nullopt);
    for (int number = 0; number < 2'000; ++number) {
      const std::string key = "key " + std::to_string(number);
      const auto found = calls.get(key);
      ASSERT_TRUE(found.has_value()) << found.error().describe();
      if (!*found) continue;
      ++present;
      EXPECT_EQ(**found, value_for(key, (*found)->size() - key.size() - 1));
    }
  }
  EXPECT_GT(present, 100U * static_cast<unsigned>(kills));
}

}  // namespace
}  // namespace lodestar

int main(int count, char** words) {
  if (count == 3 && std::string_view(words[1]) == "child") lodestar::write_until_killed(words[2]);
  testing::InitGoogleTest(&count, words);
  constexpr std::string_view option = "--kills=";
  for (int index = 1; index < count; ++index) {
    const std::string_view word = words[index];
    if (word.starts_with(option))
      std::from_chars(word.data() + option.size(), word.data() + word.size(), lodestar::kills);
  }
  return RUN_ALL_TESTS();
}
