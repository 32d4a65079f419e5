// LMDB alone, through its own interface: each value with its checksum in front, opened with the
// options of Lodestar's store, a transaction for reading on each thread that is renewed for each
// get.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include <lmdb.h>

#include "disk_tier/entries.hpp"

namespace lodestar::bench {

enum class verification { touched, checksum };

class lmdb_subject {
 public:
  lmdb_subject(const std::filesystem::path& file, const entries& all);

  /// Puts every entry, so many in a transaction. Seconds.
  [[nodiscard]] double time_puts(std::size_t batch);
  /// Looks keys up and reads a byte of each cache line, or all of them. Seconds of the slowest
  /// thread.
  [[nodiscard]] double time_gets(unsigned threads, std::size_t gets, verification how);

 private:
  struct closing {
    void operator()(MDB_env* inside) const noexcept { mdb_env_close(inside); }
  };
  const entries& all_;
  std::unique_ptr<MDB_env, closing> inside_;
  MDB_dbi table_ = 0;
};

}  // namespace lodestar::bench
