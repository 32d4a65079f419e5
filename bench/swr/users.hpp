// What the scenarios cache: users of a database that takes its time.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/base/random.hpp>
#include <lodestar/swr/cache.hpp>

namespace lodestar::bench {

struct user {
  std::uint64_t id = 0;
  std::string name = {};
  std::string email = {};
  std::uint64_t score = 0;
};

[[nodiscard]] user make_user(std::uint64_t id);
/// "user:0" and so on, made beforehand.
[[nodiscard]] std::vector<std::string> make_user_keys(std::size_t users);

/// Of the mixed workload: 80 % of the reads are of the hot ones, which come first.
inline constexpr std::size_t mixed_users = 500;
inline constexpr std::size_t mixed_hot_users = 400;
[[nodiscard]] std::size_t draw_mixed(random_source& random);

using user_cache = swr::cache<std::string, user>;

/// The origin. Its callers do not wait on a thread: the timer answers them.
class user_database {
 public:
  explicit user_database(std::int64_t latency_ms) : latency_ms_(latency_ms) {}
  /// A loader of that user. The database must outlive the load.
  [[nodiscard]] user_cache::loader load(std::uint64_t id) {
    return [this, id](user_cache::done done) { answer(id, std::move(done)); };
  }
  [[nodiscard]] std::uint64_t loads() const { return loads_.load(); }

 private:
  void answer(std::uint64_t id, user_cache::done done);
  const std::int64_t latency_ms_;
  std::atomic<std::uint64_t> loads_{0};
};

/// Asks and waits for the answer. Throws when it is an error or another user.
void read_user(user_cache& users, const std::string& key, std::uint64_t id,
               const swr::call_options& how, user_database& origin);

}  // namespace lodestar::bench

namespace lodestar::swr {

template <>
struct codec<bench::user> {
  static constexpr std::string_view name = "bench user/1";
  static void encode(const bench::user& value, std::string& bytes);
  static std::optional<bench::user> decode(std::string_view bytes);
};

}  // namespace lodestar::swr
