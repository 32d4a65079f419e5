// The program as a user calls it: what it prints and the code it ends with.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>

#include "hit_ratio/temporary_folder.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct outcome {
  int code;
  std::string out;
};

/// The standard error is read with the output only where a test asks for it.
outcome run(const std::string& arguments, const std::string& redirection = "2>&1") {
  const std::string line = std::string(HIT_RATIO_PROGRAM " ") + arguments + " " + redirection;
  std::FILE* const pipe = ::popen(line.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string out;
  std::array<char, 4'096> chunk{};
  for (std::size_t got = 0; (got = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
    out.append(chunk.data(), got);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out};
}

TEST(command, help_names_policies_and_generators) {
  const outcome help = run("--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("lodestar s3fifo 2q"), HasSubstr("gen:loop:ITEMS")));
}

TEST(command, csv_is_the_whole_output) {
  const outcome csv =
      run("--csv --policies lru,belady --capacities 4,5 gen:loop:5:100", "2>/dev/null");
  EXPECT_EQ(csv.code, 0);
  EXPECT_EQ(csv.out,
            "trace,policy,capacity,hit_percent\n"
            "gen:loop:5:100,lru,4,0.0000\n"
            "gen:loop:5:100,belady,4,72.0000\n"
            "gen:loop:5:100,lru,5,95.0000\n"
            "gen:loop:5:100,belady,5,95.0000\n");
}

TEST(command, files_are_named_without_extensions) {
  const temporary_folder folder;
  const auto file = folder.write("web.txt", "1\n1\n2\n1\n");
  const outcome csv = run("--csv --policies lru --capacities 1 " + file.string(), "2>/dev/null");
  EXPECT_EQ(csv.out, "trace,policy,capacity,hit_percent\nweb,lru,1,25.0000\n");
}

TEST(command, the_table_is_printed_without_options) {
  const outcome table = run("--jobs 2 --threads 2 gen:zipf:0.9:1000:5000");
  EXPECT_EQ(table.code, 0);
  EXPECT_THAT(table.out, AllOf(StartsWith("hit ratio, %"), HasSubstr("row wins")));
  EXPECT_THAT(table.out, Not(HasSubstr("\r"))) << "progress is for terminals";
}

TEST(command, json_holds_the_rows) {
  const temporary_folder folder;
  const auto file = folder.path() / "out.json";
  EXPECT_EQ(run("--policies lru --capacities 5 --json " + file.string() + " gen:loop:5:100").code,
            0);
  std::ifstream stream(file);
  const std::string json{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_THAT(json, HasSubstr(R"("name":"hit_ratio")"));
  EXPECT_THAT(json, HasSubstr(R"({"subject":"lru","case":"gen:loop:5:100, 5 entries",)"
                              R"("metric":"hit ratio","unit":"%","value":95.0000})"));
}

TEST(command, a_quick_run_needs_no_trace) {
  const outcome quick = run("--quick --only loop: --policies lru");
  EXPECT_EQ(quick.code, 0);
  EXPECT_THAT(quick.out, AllOf(HasSubstr("gen:loop:"), Not(HasSubstr("gen:zipf"))));
}

struct mistake {
  std::string arguments, explained;
};

void PrintTo(const mistake& shown, std::ostream* out) {
  *out << shown.arguments;
}

class command_mistakes : public testing::TestWithParam<mistake> {};

TEST_P(command_mistakes, end_with_2_and_an_explanation) {
  const outcome found = run("--csv " + GetParam().arguments);
  EXPECT_EQ(found.code, 2) << found.out;
  EXPECT_THAT(found.out, HasSubstr(GetParam().explained));
  EXPECT_THAT(found.out, Not(HasSubstr("trace,policy"))) << "found before anything is measured";
}

INSTANTIATE_TEST_SUITE_P(
    all, command_mistakes,
    testing::Values(mistake{"--policies siev", "did you mean sieve?"},
                    mistake{"--policies lru,", "there is no policy \"\""},
                    mistake{"--capacities 0", "\"0\" is not a whole number of entries"},
                    mistake{"--capacities 10,x", "\"x\" is not a whole number of entries"},
                    mistake{"--threads 0", "--threads"}, mistake{"--jobs many", "--jobs"},
                    mistake{"--unknown", "--unknown"},
                    mistake{"--quick --only nothing", "no trace's name contains \"nothing\""},
                    mistake{"gen:loop:5:100 /nowhere.u64", "/nowhere.u64: cannot be opened"},
                    mistake{"gen:loop:5:100 gen:lop:5:100", "did you mean loop?"}));

TEST(command, a_truncated_file_is_a_mistake) {
  const temporary_folder folder;
  const outcome found = run(folder.write("cut.u64", "12345678123").string());
  EXPECT_EQ(found.code, 2);
  EXPECT_THAT(found.out, HasSubstr("cut.u64: is truncated: 3 bytes"));
}

}  // namespace
}  // namespace lodestar::bench::hit_ratio
