#include "ingest/event_batch.hpp"

#include <charconv>
#include <string_view>

#include <fmt/format.h>

namespace lodestar::app {

error batch_places::name(error failure) const {
  constexpr std::string_view before = "events[";
  std::string_view rest = failure.place;
  if (!rest.starts_with(before)) return failure;
  rest.remove_prefix(before.size());
  std::size_t index = 0;
  const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
  if (status != std::errc() || index >= numbers.size()) return failure;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (!rest.starts_with(']')) return failure;
  rest.remove_prefix(1);
  // A server counts the lines of the request, which are not those of the file.
  if (rest.starts_with(" (line ")) rest.remove_prefix(std::min(rest.find(')') + 1, rest.size()));
  failure.place = fmt::format("{}{}{}", prefix, numbers[index], rest);
  return failure;
}

}  // namespace lodestar::app
