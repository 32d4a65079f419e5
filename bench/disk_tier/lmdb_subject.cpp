#include "disk_tier/lmdb_subject.hpp"

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include <lodestar/base/hash.hpp>

#include "disk_tier/threaded_gets.hpp"
#include "support/report.hpp"

namespace lodestar::bench {
namespace {

constexpr std::size_t checksum_bytes = sizeof(std::uint64_t);
constexpr std::size_t cache_line_bytes = 64;

void check(int code) {
  if (code != 0) throw std::runtime_error(mdb_strerror(code));
}

[[nodiscard]] MDB_val value_of(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

[[nodiscard]] bool has_checksum(std::string_view stored) {
  std::uint64_t expected = 0;
  std::memcpy(&expected, stored.data(), checksum_bytes);
  return hash_bytes_64(stored.substr(checksum_bytes)) == expected;
}

/// Reads a byte of each cache line: true unless all are zero.
[[nodiscard]] bool touch(std::string_view stored) {
  unsigned sum = 0;
  for (std::size_t at = checksum_bytes; at < stored.size(); at += cache_line_bytes)
    sum += static_cast<unsigned char>(stored[at]);
  return sum != 0;
}

/// A transaction for reading of one thread.
class reader {
 public:
  reader(MDB_env* environment, MDB_dbi table) : table_(table) {
    check(mdb_txn_begin(environment, nullptr, MDB_RDONLY, &inside_));
    mdb_txn_reset(inside_);
  }
  reader(reader&& other) noexcept
      : inside_(std::exchange(other.inside_, nullptr)), table_(other.table_) {}
  reader& operator=(reader&&) = delete;
  ~reader() {
    if (inside_ != nullptr) mdb_txn_abort(inside_);
  }
  template <class Use>
  [[nodiscard]] bool get(std::string_view key, const Use& use) {
    if (mdb_txn_renew(inside_) != 0) return false;
    MDB_val name = value_of(key);
    MDB_val stored{};
    const bool right =
        mdb_get(inside_, table_, &name, &stored) == 0 &&
        use(std::string_view(static_cast<const char*>(stored.mv_data), stored.mv_size));
    mdb_txn_reset(inside_);
    return right;
  }

 private:
  MDB_txn* inside_ = nullptr;
  MDB_dbi table_;
};

}  // namespace

lmdb_subject::lmdb_subject(const std::filesystem::path& file, const entries& all) : all_(all) {
  MDB_env* made = nullptr;
  check(mdb_env_create(&made));
  inside_.reset(made);
  check(mdb_env_set_mapsize(made, 1U << 30));
  constexpr unsigned flags = MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS | MDB_NORDAHEAD;
  check(mdb_env_open(made, file.c_str(), flags, 0600));
  MDB_txn* first = nullptr;
  check(mdb_txn_begin(made, nullptr, 0, &first));
  check(mdb_dbi_open(first, nullptr, 0, &table_));
  check(mdb_txn_commit(first));
}

double lmdb_subject::time_puts(std::size_t batch) {
  std::string value(all_.value_bytes, '\0');
  std::string stored(checksum_bytes + all_.value_bytes, '\0');
  const stopwatch time;
  for (std::size_t at = 0; at < all_.keys.size();) {
    MDB_txn* within = nullptr;
    check(mdb_txn_begin(inside_.get(), nullptr, 0, &within));
    for (const std::size_t end = std::min(at + batch, all_.keys.size()); at < end; ++at) {
      const std::string& key = all_.to_put(at);
      write_value(key, value);
      const std::uint64_t checksum = hash_bytes_64(value);
      std::memcpy(stored.data(), &checksum, checksum_bytes);
      value.copy(stored.data() + checksum_bytes, value.size());
      MDB_val name = value_of(key);
      MDB_val bytes = value_of(stored);
      check(mdb_put(within, table_, &name, &bytes, 0));
    }
    check(mdb_txn_commit(within));
  }
  return time.seconds();
}

double lmdb_subject::time_gets(unsigned threads, std::size_t gets, verification how) {
  const auto gets_with = [&](auto use) {
    return bench::time_gets(all_, threads, gets, [&] {
      return [from = reader(inside_.get(), table_), use](std::string_view key) mutable {
        return from.get(key, use);
      };
    });
  };
  return how == verification::checksum ? gets_with(has_checksum) : gets_with(touch);
}

}  // namespace lodestar::bench
