// Whatever the bytes and however they are cut: no crash and the same requests. When a refusal
// comes, and for which of several faults, may depend on the cut. The first byte chooses the cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <lodestar/base/assert.hpp>

#include "request_parser.hpp"

namespace {

using namespace lodestar::web;

/// Feeds the bytes in pieces of at most `piece_bytes`; what was understood before the end or a
/// refusal, as text.
std::string parse(std::string_view bytes, std::size_t piece_bytes) {
  request_parser parser(1'024);
  std::string story;
  std::string pending;
  while (!bytes.empty()) {
    pending.append(bytes.substr(0, piece_bytes));
    bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
    for (;;) {
      std::size_t consumed = 0;
      const auto step = parser.feed(pending, consumed);
      LODESTAR_ASSERT(consumed <= pending.size(), "no more is consumed than there was");
      pending.erase(0, consumed);
      if (step == parse_step::refused) return story;
      if (step == parse_step::need_more) break;
      if (step != parse_step::complete) continue;
      const request message = parser.take();
      story += message.target + '\n' + message.path + '\n' + message.body + '\n';
      for (const auto& [name, value] : message.headers) story += name + ':' + value + '\n';
    }
  }
  return story;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  // The limits on an unfinished line and on the trailers may refuse a moment earlier or later when
  // they are exceeded.
  const bool small = size < 8'192;
  const std::string whole = parse(bytes, bytes.size() + 1);
  const std::string cut = parse(bytes, data[0] % 64 + 1u);
  LODESTAR_ASSERT(!small || whole == cut, "a request means the same however it is cut");
  return 0;
}
