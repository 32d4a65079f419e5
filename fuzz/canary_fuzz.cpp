// The canary of the replay: a target that fails on its one input. Were it to pass, no failure of any
// fuzz target would be seen.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <lodestar/base/assert.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  LODESTAR_ASSERT(std::string_view(reinterpret_cast<const char*>(data), size) != "canary",
                  "the canary sings");
  return 0;
}
