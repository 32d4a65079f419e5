#include <lodestar/base/assert.hpp>
#include <lodestar/base/metrics.hpp>

#include <fmt/format.h>

#include <iterator>

namespace lodestar {
namespace {

constexpr std::int64_t first_bound_us = 100;

std::string with_label(std::string_view labels, std::string_view extra) {
  if (labels.empty() && extra.empty()) return {};
  if (labels.empty()) return fmt::format("{{{}}}", extra);
  if (extra.empty()) return fmt::format("{{{}}}", labels);
  return fmt::format("{{{},{}}}", labels, extra);
}

std::string_view kind_name(const std::unique_ptr<counter>&) {
  return "counter";
}
std::string_view kind_name(const std::unique_ptr<gauge>&) {
  return "gauge";
}
std::string_view kind_name(const std::unique_ptr<histogram>&) {
  return "histogram";
}

void write_metric(std::string& out, std::string_view name, std::string_view labels,
                  const histogram& metric) {
  metric.write(out, name, labels);
}
void write_metric(std::string& out, std::string_view name, std::string_view labels,
                  const auto& metric) {
  fmt::format_to(std::back_inserter(out), "{}{} {}\n", name, with_label(labels, {}),
                 metric.value());
}

}  // namespace

std::string metric_label(std::string_view name, std::string_view value) {
  std::string label = fmt::format("{}=\"", name);
  for (const char character : value) {
    if (character == '\\' || character == '"') label += '\\';
    label += character == '\n' ? std::string_view("\\n") : std::string_view(&character, 1);
  }
  label += '"';
  return label;
}

void histogram::observe_us(std::int64_t duration_us) noexcept {
  const std::int64_t clamped = duration_us < 0 ? 0 : duration_us;
  std::size_t bucket = 0;
  for (std::int64_t bound = first_bound_us; bucket < buckets - 1 && clamped > bound; bound *= 2)
    ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(static_cast<std::uint64_t>(clamped), std::memory_order_relaxed);
}

void histogram::write(std::string& out, std::string_view name, std::string_view labels) const {
  std::uint64_t total = 0;
  std::int64_t bound_us = first_bound_us;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket, bound_us *= 2) {
    total += counts_[bucket].load(std::memory_order_relaxed);
    const std::string le = bucket + 1 == buckets
                               ? std::string(R"(le="+Inf")")
                               : fmt::format(R"(le="{}")", static_cast<double>(bound_us) / 1e6);
    fmt::format_to(std::back_inserter(out), "{}_bucket{} {}\n", name, with_label(labels, le),
                   total);
  }
  fmt::format_to(std::back_inserter(out), "{}_sum{} {}\n", name, with_label(labels, {}),
                 static_cast<double>(sum_us_.load(std::memory_order_relaxed)) / 1e6);
  fmt::format_to(std::back_inserter(out), "{}_count{} {}\n", name, with_label(labels, {}), total);
}

template <class Kind>
Kind& metrics_registry::make(std::string_view name, std::string_view help,
                             std::string_view labels) {
  const std::lock_guard lock(mutex_);
  auto& group =
      families_.try_emplace(std::string(name), family{std::string(help), {}}).first->second;
  auto found = group.by_labels.find(labels);
  if (found == group.by_labels.end()) {
    found = group.by_labels.emplace(std::string(labels), std::make_unique<Kind>()).first;
  }
  auto* existing = std::get_if<std::unique_ptr<Kind>>(&found->second);
  LODESTAR_ASSERT(existing != nullptr, "a metric's name stands for one kind");
  return **existing;
}

counter& metrics_registry::make_counter(std::string_view name, std::string_view help,
                                        std::string_view labels) {
  return make<counter>(name, help, labels);
}
gauge& metrics_registry::make_gauge(std::string_view name, std::string_view help,
                                    std::string_view labels) {
  return make<gauge>(name, help, labels);
}
histogram& metrics_registry::make_histogram(std::string_view name, std::string_view help,
                                            std::string_view labels) {
  return make<histogram>(name, help, labels);
}

std::string metrics_registry::expose() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, group] : families_) {
    if (group.by_labels.empty()) continue;
    const auto kind = std::visit([](const auto& metric) { return kind_name(metric); },
                                 group.by_labels.begin()->second);
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, group.help, name,
                   kind);
    for (const auto& [labels, metric] : group.by_labels) {
      std::visit([&](const auto& pointer) { write_metric(out, name, labels, *pointer); }, metric);
    }
  }
  return out;
}

}  // namespace lodestar
