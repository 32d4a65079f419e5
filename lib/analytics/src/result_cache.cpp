#include "result_cache.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "arrow_result.hpp"

namespace lodestar::analytics {

// The bytes themselves, JSON and CSV that may be rendered from them, and the bookkeeping. Both
// texts together may be far larger than the bytes: a column of booleans is a bit a row there.
std::size_t weight_of(const request_key& key, const query_result_ptr& value) {
  return value->arrow().size() + 2 * rendered_bytes_estimate(*value) + key.query->canonical.size() +
         1024;
}

swr::value_codec<query_result_ptr> result_codec(std::size_t bytes_max) {
  return {.format = hash_bytes_64("lodestar arrow/1"),
          .encode = [](const query_result_ptr& value,
                       std::string& bytes) { bytes += value->arrow().view(); },
          .decode = [bytes_max](std::string_view bytes) -> std::optional<query_result_ptr> {
            auto read = read_query_result(shared_bytes(std::string(bytes)), bytes_max);
            return read ? std::optional(*std::move(read)) : std::nullopt;
          }};
}

swr::key_codec<request_key> request_codec() {
  return {.encode = [](const request_key& key) { return key.query->canonical; },
          .decode = [](std::string_view) { return std::optional<request_key>(); }};
}

}  // namespace lodestar::analytics
