#include "cache_throughput/eviction_run.hpp"

namespace lodestar::bench {
namespace {

void add(std::optional<eviction_result>& sum, const eviction_result& one) {
  if (!sum) sum.emplace();
  sum->inserts.add(one.inserts);
  sum->gets.add(one.gets);
  sum->hits += one.hits;
  sum->seconds += one.seconds;
}

}  // namespace

result<measured_eviction> run_evictions(unsigned threads, unsigned rounds,
                                        std::chrono::milliseconds duration,
                                        const std::vector<participant>& subjects) {
  measured_eviction measured{threads, {}};
  measured.subjects.resize(subjects.size());
  for (unsigned round = 0; round < rounds; ++round) {
    for (std::size_t index = 0; index < subjects.size(); ++index) {
      const auto done = subjects[index].runs->run_eviction(threads, duration);
      if (!done) continue;
      if (!*done) return std::unexpected(done->error());
      add(measured.subjects[index], **done);
    }
  }
  return measured;
}

}  // namespace lodestar::bench
