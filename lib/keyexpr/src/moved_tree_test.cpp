// bump against intersects, ownership of nodes, threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/keyexpr/moved_tree.hpp>

namespace lodestar::keyexpr {
namespace {

using node_pointer = std::shared_ptr<const moved_node>;

key_expression parsed(const std::string& text) {
  return key_expression::parse(text).value();
}

/// Few different chunks, so that random expressions meet often.
class random_expressions {
 public:
  explicit random_expressions(unsigned seed) : random_(seed) {}

  key_expression expression() {
    static const std::vector<std::string> chunks{"a",   "b",    "ab",    "ba",  "aab", "*",
                                                 "*",   "**",   "**",    "@a",  "@b",  "a$*",
                                                 "$*b", "a$*b", "$*a$*", "@a$*"};
    return parsed(join(chunks, 5));
  }
  std::string key() {
    static const std::vector<std::string> chunks{"a", "b", "ab", "ba", "aab", "abab", "@a", "@b"};
    return join(chunks, 6);
  }
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }

 private:
  std::string join(const std::vector<std::string>& chunks, std::size_t chunks_max) {
    std::string text;
    for (std::size_t left = 1 + below(chunks_max); left > 0; --left) {
      if (!text.empty()) text += '/';
      text += chunks[below(chunks.size())];
    }
    return text;
  }

  std::mt19937 random_;
};

TEST(moved_tree, bumps_what_matches) {
  moved_tree tree;
  const auto all = tree.acquire(parsed("events/**"));
  const auto airport = tree.acquire(parsed("events/Airport/ATL/*"));
  const auto other = tree.acquire(parsed("events/Airport/BOS/*"));
  EXPECT_EQ(tree.bump("events/Airport/ATL/7", 12), 2U);
  EXPECT_EQ(all->moved_at(), 12);
  EXPECT_EQ(airport->moved_at(), 12);
  EXPECT_EQ(other->moved_at(), 0);
  EXPECT_EQ(tree.bump("sessions/1", 13), 0U);
  EXPECT_EQ(all->moved_at(), 12);
}

TEST(moved_tree, gives_the_same_node_for_the_same_expression) {
  moved_tree tree;
  const auto first = tree.acquire(parsed("a/**/*"));
  const auto second = tree.acquire(parsed("a/*/**"));
  EXPECT_EQ(first, second);
  EXPECT_EQ(tree.size(), 1U);
}

TEST(moved_tree, starts_a_new_node_at_the_highest_position) {
  moved_tree tree;
  tree.bump("a/b", 41);
  EXPECT_EQ(tree.acquire(parsed("z"))->moved_at(), 41);
  // Released and acquired again: what it missed in between is unknown.
  {
    const auto node = tree.acquire(parsed("y"));
  }
  tree.bump("y", 42);
  EXPECT_EQ(tree.acquire(parsed("y"))->moved_at(), 42);
}

TEST(moved_tree, never_moves_a_node_back) {
  moved_tree tree;
  const auto node = tree.acquire(parsed("a"));
  tree.bump("a", 9);
  tree.bump("a", 9);
  EXPECT_EQ(node->moved_at(), 9);
  tree.bump("a", 3);
  EXPECT_EQ(node->moved_at(), 9);
}

TEST(moved_tree, lets_released_nodes_go) {
  moved_tree tree;
  auto inner = tree.acquire(parsed("a/b"));
  auto outer = tree.acquire(parsed("a/b/c/*/d$*/**"));
  EXPECT_EQ(tree.size(), 2U);
  inner.reset();
  EXPECT_EQ(tree.size(), 1U);
  EXPECT_EQ(tree.bump("a/b", 1), 0U);
  EXPECT_EQ(tree.bump("a/b/c/x/dd", 2), 1U);
  outer.reset();
  EXPECT_EQ(tree.size(), 0U);
}

TEST(moved_tree, may_be_outlived_by_its_nodes) {
  node_pointer node;
  {
    moved_tree tree;
    node = tree.acquire(parsed("a/*"));
    tree.bump("a/b", 5);
  }
  EXPECT_EQ(node->moved_at(), 5);
  EXPECT_EQ(node->expression().str(), "a/*");
}

TEST(moved_tree, bumps_a_set_of_keys_rather_than_missing_one) {
  moved_tree tree;
  const auto literal = tree.acquire(parsed("a/b"));
  const auto verbatim = tree.acquire(parsed("x/@a$*"));
  EXPECT_EQ(tree.bump("a/**", 1), 1U);
  EXPECT_EQ(literal->moved_at(), 1);
  EXPECT_EQ(tree.bump("x/@a$*", 2), 1U);
  EXPECT_EQ(verbatim->moved_at(), 2);
  EXPECT_EQ(tree.bump("not*valid", 3), 2U);
}

TEST(moved_tree, agrees_with_intersects_on_random_expressions) {
  random_expressions random(7);
  for (int round = 0; round < 60; ++round) {
    moved_tree tree;
    std::vector<node_pointer> nodes;
    std::int64_t position = 0;
    for (int step = 0; step < 200; ++step) {
      if (random.below(3) != 0) nodes.push_back(tree.acquire(random.expression()));
      if (!nodes.empty() && random.below(4) == 0) {
        nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(random.below(nodes.size())));
      }
      const std::string key = random.key();
      const auto parsed_key = parsed(key);
      std::vector<std::int64_t> expected;
      ++position;
      for (const auto& node : nodes) {
        expected.push_back(intersects(node->expression(), parsed_key) ? position
                                                                      : node->moved_at());
      }
      tree.bump(key, position);
      for (std::size_t index = 0; index < nodes.size(); ++index) {
        ASSERT_EQ(nodes[index]->moved_at(), expected[index])
            << nodes[index]->expression().str() << " and " << key << " at " << position;
      }
    }
    std::vector<std::string> distinct;
    for (const auto& node : nodes) distinct.push_back(node->expression().str());
    std::ranges::sort(distinct);
    const auto [end, last] = std::ranges::unique(distinct);
    ASSERT_EQ(tree.size(), static_cast<std::size_t>(end - distinct.begin()));
    nodes.clear();
    ASSERT_EQ(tree.size(), 0U);
  }
}

TEST(moved_tree, stays_affordable_with_many_double_stars) {
  moved_tree tree;
  std::string expression = "**";
  for (int depth = 0; depth < 60; ++depth) expression += "/a/**";
  const auto node = tree.acquire(parsed(expression));
  std::string key = "a";
  for (int depth = 0; depth < 500; ++depth) key += "/a";
  EXPECT_EQ(tree.bump(key, 1), 1U);
  EXPECT_EQ(node->moved_at(), 1);
}

TEST(moved_tree, counts_a_node_once_however_it_is_reached) {
  moved_tree tree;
  const auto node = tree.acquire(parsed("**/a/**/a/**"));
  EXPECT_EQ(tree.bump("a/a/a/a", 1), 1U);
}

// Threads acquire and release the same few expressions while one bumps; at the end nothing is left.
TEST(moved_tree, survives_threads) {
  moved_tree tree;
  const auto always = tree.acquire(parsed("k/**"));
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&tree, seed] {
      random_expressions random(seed);
      std::vector<node_pointer> held(4);
      for (int step = 0; step < 4'000; ++step) {
        held[random.below(held.size())] = tree.acquire(
            parsed("k/" + std::string(1, static_cast<char>('a' + random.below(3))) + "/*"));
      }
    });
  }
  std::thread bumper([&tree, &stop] {
    for (std::int64_t position = 1; !stop.load(); ++position) tree.bump("k/a/1", position);
  });
  for (auto& each : threads) each.join();
  stop = true;
  bumper.join();
  EXPECT_EQ(tree.size(), 1U);
}

// What a reader relies on: a node that exists when the bump begins shows the position when the bump
// has returned.
TEST(moved_tree, shows_a_bump_to_every_thread_that_learns_of_it) {
  moved_tree tree;
  const auto node = tree.acquire(parsed("k/*"));
  std::atomic<std::int64_t> announced = 0;
  std::thread reader([&] {
    for (std::int64_t seen = 0; seen < 5'000;) {
      seen = announced.load(std::memory_order_acquire);
      ASSERT_GE(node->moved_at(), seen);
    }
  });
  for (std::int64_t position = 1; position <= 5'000; ++position) {
    tree.bump("k/1", position);
    announced.store(position, std::memory_order_release);
  }
  reader.join();
}

}  // namespace
}  // namespace lodestar::keyexpr
