#include "unlink_commands.hpp"

#include <map>
#include <string_view>

#include "format_command.hpp"

namespace lodestar::redis_tier {
namespace {

constexpr std::size_t keys_at_once = 512;

}  // namespace

std::vector<unlink_command> unlink_commands(std::span<const std::string> keys, const router& by) {
  std::vector<unlink_command> made;
  std::map<std::uint32_t, std::vector<std::string_view>> words_of;
  const auto finish = [&](std::uint32_t route, std::vector<std::string_view>& words) {
    if (words.size() > 1) made.push_back({format_command(words), route});
    words = {"UNLINK"};
  };
  for (const std::string& key : keys) {
    const std::uint32_t route = by.route_of(key);
    auto& words = words_of.try_emplace(route, 1, "UNLINK").first->second;
    words.push_back(key);
    if (words.size() > keys_at_once) finish(route, words);
  }
  for (auto& [route, words] : words_of) finish(route, words);
  return made;
}

}  // namespace lodestar::redis_tier
