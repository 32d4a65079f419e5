#include "swr/scenarios.hpp"

namespace lodestar::bench {

void counts::report_rows(report& out, const std::string& subject, const std::string& what,
                         std::uint64_t origin_loads) const {
  const auto row = [&](const char* metric, std::uint64_t value) {
    out.add(subject, what, metric, "", static_cast<double>(value));
  };
  row("hits in memory", hits_);
  row("hits in a tier", tier_hits_);
  row("joined a load under way", coalesced_);
  row("origin loads", origin_loads);
}

}  // namespace lodestar::bench
