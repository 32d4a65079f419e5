#include <gtest/gtest.h>

#include <set>
#include <string>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/error.hpp>

namespace lodestar {
namespace {

constexpr error_code all_codes[] = {
    error_code::invalid_argument,  error_code::not_found,         error_code::conflict,
    error_code::already_exists,    error_code::too_large,         error_code::unsupported,
    error_code::permission_denied, error_code::deadline_exceeded, error_code::cancelled,
    error_code::unavailable,       error_code::storage_full,      error_code::corrupt,
    error_code::internal};

TEST(error_test, every_code_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (const auto code : all_codes) names.insert(to_string(code));
  EXPECT_EQ(names.size(), std::size(all_codes));
  EXPECT_EQ(to_string(error_code::invalid_argument), "invalid_argument");
}

TEST(error_test, what_may_succeed_later_is_retryable) {
  std::set<error_code> retryable;
  for (const auto code : all_codes) {
    if (is_retryable(code)) retryable.insert(code);
  }
  EXPECT_EQ(retryable, (std::set{error_code::deadline_exceeded, error_code::cancelled,
                                 error_code::unavailable, error_code::storage_full}));
}

TEST(error_test, describes_what_is_known) {
  EXPECT_EQ((error{error_code::not_found, "no query", {}, {}}.describe()), "no query");
  EXPECT_EQ((error{error_code::not_found, "no query", "a.sql:3", {}}.describe()),
            "a.sql:3: no query");
  EXPECT_EQ((error{error_code::not_found, "no query", "a.sql:3", "add it"}.describe()),
            "a.sql:3: no query (hint: add it)");
}

TEST(error_test, fail_makes_the_unexpected_side) {
  const result<int> outcome = fail(error_code::conflict, "message", "place", "hint");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error(), (error{error_code::conflict, "message", "place", "hint"}));
}

TEST(assert_death_test, ends_the_process_with_the_reason) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  LODESTAR_ASSERT(true, "nothing happens");
  EXPECT_DEATH(LODESTAR_ASSERT(1 == 2, "one is not two"), "1 == 2 \\(one is not two\\)");
}

}  // namespace
}  // namespace lodestar
