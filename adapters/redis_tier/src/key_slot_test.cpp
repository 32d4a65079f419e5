// Goal: keys get the slots that the server gives them, and what a cluster says about its slots is
// understood or refused.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "key_slot.hpp"
#include "slot_map.hpp"
#include "test_store.hpp"

namespace lodestar::redis_tier {
namespace {

TEST(redis_key_slot, is_that_of_the_specification) {
  EXPECT_EQ(crc16("123456789"), 0x31C3);
  EXPECT_EQ(crc16(""), 0);
  EXPECT_EQ(key_slot("foo"), 12'182);
  EXPECT_EQ(key_slot("bar"), 5'061);
  EXPECT_EQ(key_slot("{user1000}.following"), key_slot("{user1000}.followers"));
  EXPECT_EQ(key_slot("{user1000}.following"), key_slot("user1000"));
  EXPECT_EQ(key_slot("foo{}{bar}"), crc16("foo{}{bar}") % slot_count);
  EXPECT_EQ(key_slot("foo{{bar}}zap"), key_slot("{bar"));
  EXPECT_EQ(key_slot("foo{bar}{zap}"), key_slot("bar"));
  EXPECT_EQ(key_slot("foo{bar"), crc16("foo{bar") % slot_count);
}

TEST(redis_key_slot, is_that_of_the_server) {
  const auto server = start_server({}, test::redis_server::kind::cluster);
  if (!server) return;
  std::mt19937_64 random(1);
  constexpr std::string_view bytes("{}ab\0\xff\r\n", 8);
  for (int round = 0; round < 300; ++round) {
    std::string key;
    for (auto left = random() % 12; left > 0; --left) key += bytes[random() % bytes.size()];
    EXPECT_EQ(server->ask({"CLUSTER", "KEYSLOT", key}), std::to_string(key_slot(key)));
  }
}

reply number(std::int64_t value) {
  return {.what = reply::kind::integer, .integer = value};
}
reply text(std::string bytes) {
  return {.what = reply::kind::bulk, .text = std::move(bytes)};
}
reply list(std::vector<reply> elements) {
  return {.what = reply::kind::array, .elements = std::move(elements)};
}

TEST(redis_slot_map, is_understood) {
  const address asked{"asked", 1};
  const auto ranges = slot_ranges_of(
      list({list({number(0), number(99), list({text("10.0.0.1"), number(7'000), text("id")}),
                  list({text("a replica"), number(1)})}),
            list({number(100), number(16'383), list({text(""), number(7'001)})}),
            list({number(5), number(5), list({reply{}, number(7'002)})})}),
      asked);
  ASSERT_TRUE(ranges.has_value());
  EXPECT_EQ(*ranges, (std::vector<slot_range>{{0, 99, {"10.0.0.1", 7'000}},
                                              {100, 16'383, {"asked", 7'001}},
                                              {5, 5, {"asked", 7'002}}}));
}

TEST(redis_slot_map, is_refused_where_it_is_none) {
  const reply node = list({text("a"), number(1)});
  for (const reply& wrong :
       {reply{}, text("slots"), list({}), list({text("a")}), list({list({number(0), number(1)})}),
        list({list({number(1), number(0), node})}), list({list({number(-1), number(0), node})}),
        list({list({number(0), number(16'384), node})}), list({list({text("0"), number(1), node})}),
        list({list({number(0), number(1), list({text("a"), number(0)})})}),
        list({list({number(0), number(1), list({text("a"), number(65'536)})})}),
        list({list({number(0), number(1), list({number(1), number(1)})})}),
        list({list({number(0), number(1), text("a")})})})
    EXPECT_FALSE(slot_ranges_of(wrong, {"asked", 1}).has_value());
}

TEST(redis_redirection, is_understood) {
  const address from{"from", 1};
  EXPECT_EQ(redirection_of("MOVED 3999 127.0.0.1:6381", from),
            (redirection{true, 3'999, {"127.0.0.1", 6'381}}));
  EXPECT_EQ(redirection_of("ASK 0 ::1:6381", from), (redirection{false, 0, {"::1", 6'381}}));
  EXPECT_EQ(redirection_of("MOVED 1 :6381", from), (redirection{true, 1, {"from", 6'381}}));
  for (const char* wrong : {"", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 host", "MOVED x host:1",
                            "MOVED 16384 host:1", "MOVED 1 host:0", "MOVED 1 host:65536",
                            "MOVED -1 host:1", "ERR MOVED 1 host:1", "MOVED host:1 2"})
    EXPECT_EQ(redirection_of(wrong, from), std::nullopt) << wrong;
}

}  // namespace
}  // namespace lodestar::redis_tier
