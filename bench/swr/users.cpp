#include "swr/users.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

namespace lodestar::bench {

user make_user(std::uint64_t id) {
  return {.id = id,
          .name = fmt::format("User {}", id),
          .email = fmt::format("user{}@example.com", id),
          .score = id % 1'000};
}

std::vector<std::string> make_user_keys(std::size_t users) {
  std::vector<std::string> keys;
  for (std::size_t id = 0; id < users; ++id) keys.push_back(fmt::format("user:{}", id));
  return keys;
}

std::size_t draw_mixed(random_source& random) {
  if (random.next() % 10 < 8) return random.next() % mixed_hot_users;
  return mixed_hot_users + random.next() % (mixed_users - mixed_hot_users);
}

void user_database::answer(std::uint64_t id, user_cache::done done) {
  ++loads_;
  if (latency_ms_ == 0) return done(swr::loaded<user>{.value = make_user(id)});
  // The timer may copy its tasks.
  const auto later = std::make_shared<user_cache::done>(std::move(done));
  const bool taken =
      system_timer().post_at(system_clock().now() + milliseconds(latency_ms_),
                             [later, id] { (*later)(swr::loaded<user>{.value = make_user(id)}); });
  if (!taken) throw std::runtime_error("the timer is full");
}

void read_user(user_cache& users, const std::string& key, std::uint64_t id,
               const swr::call_options& how, user_database& origin) {
  struct answer {
    std::atomic<bool> came{false};
    bool right = false;
  };
  // The one who answers may still be notifying when we are gone.
  const auto waiting = std::make_shared<answer>();
  users.get_or_load(key, how, {}, origin.load(id), [waiting, id](const auto& got) {
    waiting->right = got && got->value.id == id;
    waiting->came = true;
    waiting->came.notify_one();
  });
  waiting->came.wait(false);
  if (!waiting->right) throw std::runtime_error("a read failed or gave another user");
}

}  // namespace lodestar::bench

namespace lodestar::swr {

void codec<bench::user>::encode(const bench::user& value, std::string& bytes) {
  codec<std::uint64_t>::encode(value.id, bytes);
  codec<std::uint64_t>::encode(value.score, bytes);
  codec<std::uint64_t>::encode(value.name.size(), bytes);
  bytes += value.name;
  bytes += value.email;
}

std::optional<bench::user> codec<bench::user>::decode(std::string_view bytes) {
  constexpr std::size_t number = sizeof(std::uint64_t);
  if (bytes.size() < 3 * number) return std::nullopt;
  const auto read = [&](std::size_t at) {
    return *codec<std::uint64_t>::decode(bytes.substr(at, number));
  };
  const std::uint64_t name_bytes = read(2 * number);
  const std::string_view texts = bytes.substr(3 * number);
  if (name_bytes > texts.size()) return std::nullopt;
  return bench::user{.id = read(0),
                     .name = std::string(texts.substr(0, name_bytes)),
                     .email = std::string(texts.substr(name_bytes)),
                     .score = read(number)};
}

}  // namespace lodestar::swr
