#include "fault_vfs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

#include <lodestar/base/assert.hpp>

namespace lodestar::test {
namespace {

// SQLite allocates szOsFile bytes for this, and behind it the real file.
struct wrapped_file {
  sqlite3_file base;
  fault_vfs* owner;
  std::string* path;
  sqlite3_file* real;
};

wrapped_file& self(sqlite3_file* file) {
  return *reinterpret_cast<wrapped_file*>(file);
}
fault_vfs& owner_of(sqlite3_vfs* vfs) {
  return *static_cast<fault_vfs*>(vfs->pAppData);
}
sqlite3_vfs* real_of(sqlite3_vfs* vfs) {
  return owner_of(vfs).real();
}

int close_file(sqlite3_file* file) {
  auto& mine = self(file);
  const int status = mine.real->pMethods->xClose(mine.real);
  delete mine.path;
  mine.path = nullptr;
  return status;
}
int read_file(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
  auto& mine = self(file);
  if (const int code = mine.owner->meet(disk::read, SQLITE_IOERR_READ)) return code;
  return mine.real->pMethods->xRead(mine.real, into, bytes, offset);
}
int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  auto& mine = self(file);
  if (const int code = mine.owner->meet(disk::write, SQLITE_IOERR_WRITE)) return code;
  mine.owner->note_write(mine.real, *mine.path, offset, bytes);
  return mine.real->pMethods->xWrite(mine.real, from, bytes, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  auto& mine = self(file);
  if (const int code = mine.owner->meet(disk::truncate, SQLITE_IOERR_TRUNCATE)) return code;
  mine.owner->note_truncate(mine.real, *mine.path, size);
  return mine.real->pMethods->xTruncate(mine.real, size);
}
int sync_file(sqlite3_file* file, int) {
  auto& mine = self(file);
  if (const int code = mine.owner->meet(disk::sync, SQLITE_IOERR_FSYNC)) return code;
  mine.owner->note_sync(mine.real, *mine.path);
  return SQLITE_OK;
}
int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  return self(file).real->pMethods->xFileSize(self(file).real, size);
}
int lock_file(sqlite3_file* file, int level) {
  auto& mine = self(file);
  if (const int code = mine.owner->meet(disk::lock, SQLITE_IOERR_LOCK)) return code;
  return mine.real->pMethods->xLock(mine.real, level);
}
int unlock_file(sqlite3_file* file, int level) {
  return self(file).real->pMethods->xUnlock(self(file).real, level);
}
int check_reserved_lock(sqlite3_file* file, int* out) {
  return self(file).real->pMethods->xCheckReservedLock(self(file).real, out);
}
int control_file(sqlite3_file* file, int operation, void* argument) {
  return self(file).real->pMethods->xFileControl(self(file).real, operation, argument);
}
int sector_size(sqlite3_file* file) {
  return self(file).real->pMethods->xSectorSize(self(file).real);
}
int device_characteristics(sqlite3_file* file) {
  return self(file).real->pMethods->xDeviceCharacteristics(self(file).real);
}
int map_shared(sqlite3_file* file, int region, int bytes, int extend, void volatile** out) {
  auto& mine = self(file);
  if (const int code = mine.owner->meet(disk::map, SQLITE_IOERR_SHMMAP)) return code;
  return mine.real->pMethods->xShmMap(mine.real, region, bytes, extend, out);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  auto& mine = self(file);
  const bool locks = (flags & SQLITE_SHM_LOCK) != 0;
  if (locks) {
    if (const int code = mine.owner->meet(disk::lock, SQLITE_IOERR_SHMLOCK)) return code;
  }
  return mine.real->pMethods->xShmLock(mine.real, offset, count, flags);
}
void barrier_shared(sqlite3_file* file) {
  self(file).real->pMethods->xShmBarrier(self(file).real);
}
int unmap_shared(sqlite3_file* file, int remove) {
  return self(file).real->pMethods->xShmUnmap(self(file).real, remove);
}

// Version 2: shared memory, but no memory-mapped reads, which would go past this layer.
const sqlite3_io_methods file_methods = {2,
                                         close_file,
                                         read_file,
                                         write_file,
                                         truncate_file,
                                         sync_file,
                                         size_of_file,
                                         lock_file,
                                         unlock_file,
                                         check_reserved_lock,
                                         control_file,
                                         sector_size,
                                         device_characteristics,
                                         map_shared,
                                         lock_shared,
                                         barrier_shared,
                                         unmap_shared,
                                         nullptr,
                                         nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& owner = owner_of(vfs);
  auto& mine = *new (file) wrapped_file{};
  if (const int code = owner.meet(disk::open, SQLITE_CANTOPEN)) return code;
  mine.owner = &owner;
  mine.real = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(wrapped_file));
  const int status = owner.real()->xOpen(owner.real(), name, mine.real, flags, out_flags);
  if (status != SQLITE_OK) return status;
  mine.path = new std::string(name == nullptr ? "" : name);
  mine.base.pMethods = &file_methods;
  owner.note_open(*mine.path);
  return SQLITE_OK;
}
int remove_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  auto& owner = owner_of(vfs);
  if (const int code = owner.meet(disk::remove, SQLITE_IOERR_DELETE)) return code;
  owner.note_remove(name);
  return owner.real()->xDelete(owner.real(), name, sync_folder);
}
int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
  return real_of(vfs)->xAccess(real_of(vfs), name, flags, out);
}
int full_pathname(sqlite3_vfs* vfs, const char* name, int bytes, char* out) {
  return real_of(vfs)->xFullPathname(real_of(vfs), name, bytes, out);
}
int randomness(sqlite3_vfs* vfs, int bytes, char* out) {
  return real_of(vfs)->xRandomness(real_of(vfs), bytes, out);
}
int pause(sqlite3_vfs* vfs, int microseconds) {
  return real_of(vfs)->xSleep(real_of(vfs), microseconds);
}
int current_time(sqlite3_vfs* vfs, double* out) {
  return real_of(vfs)->xCurrentTime(real_of(vfs), out);
}
int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}
int current_time_ms(sqlite3_vfs* vfs, sqlite3_int64* out) {
  return real_of(vfs)->xCurrentTimeInt64(real_of(vfs), out);
}

}  // namespace

fault_vfs::fault_vfs(std::string name) : name_(std::move(name)), real_(sqlite3_vfs_find(nullptr)) {
  vfs_.iVersion = 2;
  vfs_.szOsFile = static_cast<int>(sizeof(wrapped_file)) + real_->szOsFile;
  vfs_.mxPathname = real_->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = open_file;
  vfs_.xDelete = remove_file;
  vfs_.xAccess = access_file;
  vfs_.xFullPathname = full_pathname;
  vfs_.xRandomness = randomness;
  vfs_.xSleep = pause;
  vfs_.xCurrentTime = current_time;
  vfs_.xGetLastError = last_error;
  vfs_.xCurrentTimeInt64 = current_time_ms;
  LODESTAR_ASSERT(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK, "a VFS can be registered");
}

fault_vfs::~fault_vfs() {
  sqlite3_vfs_unregister(&vfs_);
}

void fault_vfs::fail_at(std::uint64_t nth, unsigned kinds, int code, repeat how_often) {
  const std::lock_guard lock(mutex_);
  operations_ = 0;
  nth_ = nth;
  kinds_ = kinds;
  code_ = code;
  how_often_ = how_often;
  hit_ = false;
}

void fault_vfs::heal() {
  fail_at(0, 0, 0, repeat::once);
}

bool fault_vfs::hit() const {
  const std::lock_guard lock(mutex_);
  return hit_;
}

int fault_vfs::meet(unsigned kind, int fitting_error) {
  const std::lock_guard lock(mutex_);
  if ((kinds_ & kind) == 0) return SQLITE_OK;
  ++operations_;
  const bool now = how_often_ == repeat::once ? operations_ == nth_ : operations_ >= nth_;
  if (!now) return SQLITE_OK;
  hit_ = true;
  return code_ != 0 ? code_ : fitting_error;
}

void fault_vfs::note_open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  struct stat facts{};
  const bool exists = stat(path.c_str(), &facts) == 0;
  files_.try_emplace(path, unsynced{exists ? facts.st_size : 0, {}, {}});
}

void fault_vfs::keep_old(sqlite3_file* real, unsynced& file, std::int64_t begin, std::int64_t end) {
  for (std::int64_t at = begin / sector_bytes * sector_bytes; at < end; at += sector_bytes) {
    if (at >= file.durable_size) {
      file.new_sectors[at] = true;
    } else if (!file.old_sectors.contains(at)) {
      std::vector<char> content(static_cast<std::size_t>(sector_bytes));
      // A short read fills the rest with zeros.
      static_cast<void>(
          real->pMethods->xRead(real, content.data(), static_cast<int>(sector_bytes), at));
      file.old_sectors.emplace(at, std::move(content));
    }
  }
}

void fault_vfs::note_write(sqlite3_file* real, const std::string& path, std::int64_t offset,
                           std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  keep_old(real, files_[path], offset, offset + bytes);
}

void fault_vfs::note_truncate(sqlite3_file* real, const std::string& path, std::int64_t size) {
  const std::lock_guard lock(mutex_);
  auto& file = files_[path];
  if (size < file.durable_size) keep_old(real, file, size, file.durable_size);
}

void fault_vfs::note_sync(sqlite3_file* real, const std::string& path) {
  const std::lock_guard lock(mutex_);
  auto& file = files_[path];
  sqlite3_int64 size = 0;
  static_cast<void>(real->pMethods->xFileSize(real, &size));
  file = unsynced{size, {}, {}};
}

void fault_vfs::note_remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_.erase(path);
}

void fault_vfs::lose_unsynced(random_source& random, unsigned keep_percent) {
  const std::lock_guard lock(mutex_);
  for (const auto& [path, file] : files_) lose(path, file, random, keep_percent);
  files_.clear();
}

void fault_vfs::lose(const std::string& path, const unsynced& file, random_source& random,
                     unsigned keep_percent) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat facts{};
  LODESTAR_ASSERT(fstat(descriptor, &facts) == 0, "an open file has a size");
  const auto kept = [&] { return random.next() % 100 < keep_percent; };
  std::int64_t size = std::min<std::int64_t>(facts.st_size, file.durable_size);
  for (const auto& [at, content] : file.old_sectors) {
    if (kept()) {
      size = std::max(size, std::min<std::int64_t>(facts.st_size, at + sector_bytes));
      continue;
    }
    LODESTAR_ASSERT(pwrite(descriptor, content.data(), content.size(), at) == sector_bytes,
                    "the test's disk has space");
    size = std::max(size, std::min(file.durable_size, at + sector_bytes));
  }
  const std::vector<char> zeros(static_cast<std::size_t>(sector_bytes));
  for (const auto& [at, written] : file.new_sectors) {
    if (at >= facts.st_size) continue;
    if (kept()) {
      size = std::max(size, std::min<std::int64_t>(facts.st_size, at + sector_bytes));
    } else {
      LODESTAR_ASSERT(pwrite(descriptor, zeros.data(), zeros.size(), at) == sector_bytes,
                      "the test's disk has space");
    }
  }
  LODESTAR_ASSERT(ftruncate(descriptor, size) == 0, "the test's disk can be truncated");
  ::close(descriptor);
}

}  // namespace lodestar::test
