// Transactions for reading that are kept and renewed: beginning one anew costs more than a look-up.
//
// Thread-safety: all members from any thread. Lifetimes: the environment outlives it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <expected>
#include <functional>
#include <thread>

#include <lmdb.h>

namespace lodestar::lmdb_tier {

class readers {
 public:
  explicit readers(MDB_env* environment) noexcept : environment_(environment) {}
  ~readers() {
    for (auto& each : kept_)
      if (MDB_txn* const left = each.transaction.load()) mdb_txn_abort(left);
  }
  readers(const readers&) = delete;
  readers& operator=(const readers&) = delete;

  /// Sees what was committed before; ends with its scope.
  class reading {
   public:
    reading(reading&& other) noexcept = delete;
    reading& operator=(reading&&) = delete;
    ~reading() {
      if (inside_ == nullptr) return;
      mdb_txn_reset(inside_);
      if (MDB_txn* const other = place_.exchange(inside_, std::memory_order_acq_rel))
        mdb_txn_abort(other);
    }
    /// 0, or why it could not begin.
    [[nodiscard]] int failure() const noexcept { return failure_; }
    [[nodiscard]] MDB_txn* get() const noexcept { return inside_; }

   private:
    friend class readers;
    reading(MDB_env* environment, std::atomic<MDB_txn*>& place) noexcept
        : place_(place), inside_(place.exchange(nullptr, std::memory_order_acq_rel)) {
      failure_ = inside_ != nullptr ? mdb_txn_renew(inside_)
                                    : mdb_txn_begin(environment, nullptr, MDB_RDONLY, &inside_);
      if (failure_ == 0 || inside_ == nullptr) return;
      mdb_txn_abort(inside_);
      inside_ = nullptr;
    }
    std::atomic<MDB_txn*>& place_;
    MDB_txn* inside_ = nullptr;
    int failure_ = 0;
  };

  [[nodiscard]] reading begin() noexcept {
    static thread_local const std::size_t mine =
        std::hash<std::thread::id>{}(std::this_thread::get_id()) % places;
    return reading(environment_, kept_[mine].transaction);
  }

 private:
  static constexpr std::size_t places = 64;
  struct alignas(64) place {
    std::atomic<MDB_txn*> transaction = nullptr;
  };
  MDB_env* const environment_;
  std::array<place, places> kept_;
};

}  // namespace lodestar::lmdb_tier
