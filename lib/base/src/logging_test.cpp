#include <gmock/gmock.h>

#include <lodestar/base/logging.hpp>

namespace lodestar {
namespace {

using testing::HasSubstr;
using testing::Not;

// The logger's sink keeps the process's standard error, which is what is captured here.
std::string captured(auto&& write) {
  testing::internal::CaptureStderr();
  write();
  set_log_level(log_level::info);
  log_warning("test", "flush");
  return testing::internal::GetCapturedStderr();
}

TEST(logging_test, one_event_is_one_line_with_fields) {
  const auto text = captured([] { log_info("log", "opened", {{"file", "a.db"}, {"events", 3}}); });
  EXPECT_THAT(text, HasSubstr("log: opened file=a.db events=3\n"));
}

TEST(logging_test, values_cannot_forge_lines_or_fields) {
  const auto text = captured([] {
    log_info("log", "bad\nmessage",
             {{"a", "x y"}, {"b", "\"q\"\n\x1b[31m"}, {"c", ""}, {"d", "k=v"}});
  });
  EXPECT_THAT(text, HasSubstr(R"(bad\nmessage a="x y" b="\"q\"\n\x1b[31m" c="" d="k=v")"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(logging_test, the_level_drops_what_is_below) {
  const auto text = captured([] {
    log_debug("log", "not by default");
    set_log_level(log_level::error);
    log_warning("log", "nor this");
    log_error("log", "but this");
  });
  EXPECT_THAT(text, Not(HasSubstr("not by default")));
  EXPECT_THAT(text, Not(HasSubstr("nor this")));
  EXPECT_THAT(text, HasSubstr("but this"));
}

}  // namespace
}  // namespace lodestar
