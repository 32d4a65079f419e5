// main() of every unit-test program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace {

// Says which exception nobody caught; the default handler of a noexcept function or a thread may
// print less.
[[noreturn]] void report_and_abort() noexcept {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  std::fprintf(stderr, "std::terminate in test %s.%s: ",
               info != nullptr ? info->test_suite_name() : "(none)",
               info != nullptr ? info->name() : "(none)");
  try {
    if (const auto error = std::current_exception()) {
      std::rethrow_exception(error);
    }
    std::fputs("no exception in flight (a joinable thread destroyed, or called directly)\n",
               stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "uncaught exception: %s\n", error.what());
  } catch (...) {
    std::fputs("uncaught exception that is not a std::exception\n", stderr);
  }
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate(report_and_abort);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
