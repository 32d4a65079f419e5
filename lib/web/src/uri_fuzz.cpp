// Whatever the bytes: no crash, and a path that is accepted cannot leave its root.
#include <cstddef>
#include <cstdint>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/utf8.hpp>

#include "uri.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lodestar;
  const auto parts = web::split_target({reinterpret_cast<const char*>(data), size});
  if (!parts) return 0;
  if (const auto path = web::decode_path(parts->path)) {
    LODESTAR_ASSERT(path->starts_with('/'), "a path begins at the root");
    LODESTAR_ASSERT(("" + *path + "/").find("/../") == std::string::npos, "a path does not climb");
    LODESTAR_ASSERT(path->find_first_of(std::string_view("\\\0\r\n", 4)) == std::string::npos,
                    "a path is one name");
    LODESTAR_ASSERT(is_valid_utf8(*path), "a path is UTF-8");
  }
  if (const auto query = web::decode_query(parts->query)) {
    LODESTAR_ASSERT(query->size() <= web::query_parameters_max, "parameters are limited");
    for (const auto& [name, value] : *query)
      LODESTAR_ASSERT(is_valid_utf8(name + value), "parameters are UTF-8");
  }
  return 0;
}
