#include <lodestar/cache/snapshot_codec.hpp>

#include <fmt/format.h>

namespace lodestar::cache::detail {

std::string plain_format(std::size_t bytes, std::size_t alignment) {
  return fmt::format("plain {} {}", bytes, alignment);
}

std::unexpected<error> wrong_size(std::size_t bytes, std::size_t expected) {
  return fail(error_code::corrupt,
              fmt::format("a value of {} bytes was expected, not of {}", expected, bytes), {},
              "load it with the types that it was saved with");
}

}  // namespace lodestar::cache::detail
