#include "format_command.hpp"

#include <memory>
#include <vector>

#include <hiredis/hiredis.h>

#include <lodestar/base/assert.hpp>

namespace lodestar::redis_tier {

std::string format_command(std::span<const std::string_view> words) {
  std::vector<const char*> begins;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    begins.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* made = nullptr;
  const int size =
      redisFormatCommandArgv(&made, static_cast<int>(words.size()), begins.data(), sizes.data());
  LODESTAR_ASSERT(size > 0, "there is memory for a command");
  const std::unique_ptr<char, decltype(&redisFreeCommand)> owned(made, &redisFreeCommand);
  return {made, static_cast<std::size_t>(size)};
}

std::string format_command(std::initializer_list<std::string_view> words) {
  return format_command(std::span<const std::string_view>(words.begin(), words.size()));
}

}  // namespace lodestar::redis_tier
