#include "cache_throughput/in_process_subject.hpp"
#include "cache_throughput/lodestar_store.hpp"
#include "cache_throughput/sharded_lru.hpp"
#include "cache_throughput/subjects.hpp"

#ifdef LODESTAR_BENCH_ROCKSDB
#include <rocksdb/version.h>

#include "cache_throughput/hyper_clock_cache.hpp"
#endif
#ifdef LODESTAR_BENCH_TBB
#include <oneapi/tbb/version.h>

#include "cache_throughput/tbb_hash_map.hpp"
#endif

namespace lodestar::bench {
namespace {

template <class Store>
void add(participants& out, role is, const char* name, const std::string& version,
         const key_numbers& numbers) {
  out.all.push_back({is, std::make_unique<in_process_subject<Store>>(name, version, numbers)});
}

}  // namespace

void add_cpp_subjects(participants& out, const key_numbers& numbers) {
  add<lodestar_store<std::uint64_t>>(out, role::lodestar, "lodestar", "this build", numbers);
#ifdef LODESTAR_BENCH_ROCKSDB
  add<hyper_clock_cache>(
      out, role::peer, "hyper_clock_cache",
      fmt::format("RocksDB {}.{}.{}", ROCKSDB_MAJOR, ROCKSDB_MINOR, ROCKSDB_PATCH), numbers);
#else
  out.left_out.emplace_back(
      "hyper_clock_cache: librocksdb-dev was missing when this was built; scripts/bootstrap bench "
      "installs it");
#endif
#ifdef LODESTAR_BENCH_TBB
  add<tbb_hash_map>(out, role::peer, "tbb", fmt::format("oneTBB {}", TBB_VERSION_STRING), numbers);
#else
  out.left_out.emplace_back(
      "tbb: libtbb-dev was missing when this was built; scripts/bootstrap bench installs it");
#endif
  add<sharded_lru>(out, role::peer, "sharded_lru", "of this benchmark", numbers);
}

}  // namespace lodestar::bench
