#include "environment.hpp"

#include <cerrno>
#include <string>

#include <fmt/format.h>

namespace lodestar::lmdb_tier {
namespace {

constexpr unsigned readers_max = 512;

}  // namespace

error error_of(int code, std::string_view doing) {
  std::string message = fmt::format("{}: {}", doing, mdb_strerror(code));
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return {error_code::storage_full, std::move(message), {}, "free space on this disk"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {error_code::permission_denied,
              std::move(message),
              {},
              "give this user write access to the folder, or choose another one"};
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
      return {error_code::corrupt,
              std::move(message),
              {},
              "open the store again: a damaged file is set aside then"};
    default: return {error_code::unavailable, std::move(message), {}, {}};
  }
}

std::expected<environment, int> environment::open(const std::filesystem::path& file,
                                                  std::size_t bytes_max) {
  MDB_env* made = nullptr;
  if (const int code = mdb_env_create(&made); code != 0) return std::unexpected(code);
  environment opened(made);
  opened.bytes_max_ = bytes_max;
  int code = mdb_env_set_mapsize(made, bytes_max);
  if (code == 0) code = mdb_env_set_maxreaders(made, readers_max);
  // Not synced: the file is disposable. A transaction for reading belongs to no thread, so that it
  // can be renewed by another one.
  constexpr unsigned flags = MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS | MDB_NORDAHEAD;
  if (code == 0) code = mdb_env_open(made, file.c_str(), flags, 0600);
  if (code != 0) return std::unexpected(code);
  int dead = 0;
  static_cast<void>(mdb_reader_check(made, &dead));
  auto first = opened.begin_write();
  if (!first) return std::unexpected(first.error());
  code = mdb_dbi_open(first->get(), nullptr, 0, &opened.table_);
  if (code == 0) code = first->commit();
  if (code != 0) return std::unexpected(code);
  return opened;
}

std::expected<transaction, int> environment::begin_write() {
  MDB_txn* begun = nullptr;
  if (const int code = mdb_txn_begin(get(), nullptr, 0, &begun); code != 0)
    return std::unexpected(code);
  return transaction(begun);
}

double environment::fullness(const transaction& within) const {
  MDB_stat found{};
  if (mdb_stat(within.get(), table_, &found) != 0) return 1;
  const std::size_t pages =
      found.ms_branch_pages + found.ms_leaf_pages + found.ms_overflow_pages + 2;
  return static_cast<double>(pages * found.ms_psize) / static_cast<double>(bytes_max_);
}

}  // namespace lodestar::lmdb_tier
