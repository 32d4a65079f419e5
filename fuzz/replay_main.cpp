// Stands in for libFuzzer in ordinary builds: feeds every file of the given corpus folders to the
// fuzz target. A crash, an assertion or a sanitizer report ends the process, and the last name
// printed is the file that did it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

bool replay(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) {
    std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
    return false;
  }
  std::printf("%s: %zu bytes\n", file.c_str(), bytes.size());
  std::fflush(stdout);
  // A copy of exactly that size, so that AddressSanitizer sees a read past its end.
  const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
  return true;
}

int replay_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    std::fprintf(stderr, "%s: no such corpus folder\n", folder.c_str());
    return 1;
  }
  const auto files = files_below(folder);
  if (files.empty()) {
    std::fprintf(stderr, "%s: the corpus is empty; add at least one input\n", folder.c_str());
    return 1;
  }
  if (!std::ranges::all_of(files, replay)) {
    return 1;
  }
  std::printf("%s: replayed %zu inputs\n", folder.c_str(), files.size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER…\n", argv[0]);
    return 1;
  }
  int result = 0;
  for (int i = 1; i < argc; ++i) {
    result |= replay_folder(argv[i]);
  }
  return result;
}
