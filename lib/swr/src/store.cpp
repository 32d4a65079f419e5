#include <lodestar/swr/store.hpp>

namespace lodestar::swr {

std::string stored_key(std::string_view name_space, std::string_view key) {
  std::string whole;
  whole.reserve(name_space.size() + 1 + key.size());
  for (const char each : name_space) {
    if (each == ':') {
      whole += "%3A";
    } else if (each == '%') {
      whole += "%25";
    } else {
      whole += each;
    }
  }
  whole += ':';
  whole += key;
  return whole;
}

}  // namespace lodestar::swr
