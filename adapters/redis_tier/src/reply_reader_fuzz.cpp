// Whatever comes is read as the same replies byte by byte as at once, within the limits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/base/assert.hpp>

#include "reply_reader.hpp"

namespace {

using lodestar::redis_tier::reply;

constexpr lodestar::redis_tier::reply_limits limits{
    .text_bytes_max = 4'096, .line_bytes_max = 256, .elements_max = 1'000};

struct outcome {
  std::vector<reply> replies;
  bool failed = false;
  friend bool operator==(const outcome&, const outcome&) = default;
};

std::size_t elements_of(const reply& whole) {
  std::size_t count = whole.elements.size();
  for (const reply& each : whole.elements) count += elements_of(each);
  return count;
}

outcome read(std::string_view bytes, std::size_t piece_bytes) {
  lodestar::redis_tier::reply_reader reader(limits);
  outcome seen;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    reader.feed(piece);
    while (true) {
      auto next = reader.next();
      seen.failed = !next;
      if (!next) return seen;
      if (!*next) break;
      LODESTAR_ASSERT(elements_of(**next) <= limits.elements_max, "the limit holds");
      LODESTAR_ASSERT((*next)->text.size() <= limits.text_bytes_max, "the limit holds");
      seen.replies.push_back(**std::move(next));
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const outcome at_once = read(bytes, size);
  LODESTAR_ASSERT(read(bytes, 1) == at_once, "byte by byte it is the same");
  LODESTAR_ASSERT(read(bytes, 13) == at_once, "in pieces it is the same");
  return 0;
}
