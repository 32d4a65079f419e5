// LMDB with owners: an environment of one file and one table, its transactions, its errors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <lmdb.h>

#include <lodestar/base/error.hpp>

namespace lodestar::lmdb_tier {

/// As an error of the store.
[[nodiscard]] error error_of(int code, std::string_view doing);

[[nodiscard]] inline MDB_val value_of(std::string_view bytes) noexcept {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
[[nodiscard]] inline std::string_view bytes_of(const MDB_val& value) noexcept {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// Ends with its scope, without effect unless it was committed.
class transaction {
 public:
  transaction(transaction&& other) noexcept : inside_(std::exchange(other.inside_, nullptr)) {}
  transaction& operator=(transaction&&) = delete;
  ~transaction() {
    if (inside_ != nullptr) mdb_txn_abort(inside_);
  }
  [[nodiscard]] MDB_txn* get() const noexcept { return inside_; }
  /// The code of LMDB; 0 when it has taken effect.
  [[nodiscard]] int commit() noexcept { return mdb_txn_commit(std::exchange(inside_, nullptr)); }

 private:
  friend class environment;
  explicit transaction(MDB_txn* inside) noexcept : inside_(inside) {}
  MDB_txn* inside_;
};

/// Thread-safety: begin_write() by one thread, all else by any.
class environment {
 public:
  /// Opens or creates the file; its table is there then.
  [[nodiscard]] static std::expected<environment, int> open(const std::filesystem::path& file,
                                                            std::size_t bytes_max);
  environment(environment&&) noexcept = default;
  environment& operator=(environment&&) noexcept = default;

  [[nodiscard]] MDB_env* get() const noexcept { return inside_.get(); }
  [[nodiscard]] MDB_dbi table() const noexcept { return table_; }
  [[nodiscard]] std::expected<transaction, int> begin_write();
  /// Of all pages that it may have, the share that holds something, from 0 to 1.
  [[nodiscard]] double fullness(const transaction& within) const;

 private:
  struct closing {
    void operator()(MDB_env* inside) const noexcept { mdb_env_close(inside); }
  };
  explicit environment(MDB_env* inside) noexcept : inside_(inside) {}

  std::unique_ptr<MDB_env, closing> inside_;
  MDB_dbi table_ = 0;
  std::size_t bytes_max_ = 0;
};

}  // namespace lodestar::lmdb_tier
