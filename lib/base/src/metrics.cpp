#include <lodestar/base/assert.hpp>
#include <lodestar/base/metrics.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace lodestar {
namespace {

std::string with_label(std::string_view labels, std::string_view extra) {
  if (labels.empty() && extra.empty()) return {};
  if (labels.empty()) return fmt::format("{{{}}}", extra);
  if (extra.empty()) return fmt::format("{{{}}}", labels);
  return fmt::format("{{{},{}}}", labels, extra);
}

/// The format's three escapes. One unescaped quote would make the whole page unreadable.
void append_escaped(std::string& out, std::string_view value) {
  for (const char byte : value) {
    if (byte == '\\' || byte == '"') out += '\\';
    if (byte == '\n')
      out += "\\n";
    else
      out += byte;
  }
}

std::string write_labels(metric_labels labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out.append(name).append("=\"");
    append_escaped(out, value);
    out += '"';
  }
  return out;
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

void counter::raise_to(std::uint64_t total) noexcept {
  std::uint64_t before = value();
  while (before < total &&
         !value_.compare_exchange_weak(before, total, std::memory_order_relaxed)) {
  }
}

histogram::histogram(histogram_range range) : range_(range) {
  LODESTAR_ASSERT(range.first_bound > nanoseconds::zero(), "a bucket takes something");
  LODESTAR_ASSERT(range.buckets > 0 && range.buckets <= buckets_max, "there are so many buckets");
}

void histogram::observe_us(std::int64_t duration_us) noexcept {
  constexpr std::int64_t max_us = nanoseconds::max().count() / 1'000;
  observe(std::chrono::microseconds(std::min(duration_us, max_us)));
}

void histogram::observe(nanoseconds duration) noexcept {
  const nanoseconds clamped = std::max(duration, nanoseconds::zero());
  std::size_t bucket = 0;
  for (nanoseconds bound = range_.first_bound; bucket < range_.buckets - 1 && clamped > bound;
       bound *= 2)
    ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(static_cast<std::uint64_t>(clamped.count()), std::memory_order_relaxed);
}

void histogram::write(std::string& out, std::string_view name, std::string_view labels) const {
  std::uint64_t total = 0;
  nanoseconds bound = range_.first_bound;
  for (std::size_t bucket = 0; bucket < range_.buckets; ++bucket, bound *= 2) {
    total += counts_[bucket].load(std::memory_order_relaxed);
    const std::string le =
        bucket + 1 == range_.buckets
            ? std::string(R"(le="+Inf")")
            : fmt::format(R"(le="{}")", static_cast<double>(bound.count()) / 1e9);
    fmt::format_to(std::back_inserter(out), "{}_bucket{} {}\n", name, with_label(labels, le),
                   total);
  }
  fmt::format_to(std::back_inserter(out), "{}_sum{} {}\n", name, with_label(labels, {}),
                 static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9);
  fmt::format_to(std::back_inserter(out), "{}_count{} {}\n", name, with_label(labels, {}), total);
}

template <class Kind, class... Arguments>
Kind& metrics_registry::make(std::string_view name, std::string_view help, metric_labels labels,
                             const Arguments&... arguments) {
  const std::lock_guard lock(mutex_);
  auto& group =
      families_.try_emplace(std::string(name), family{std::string(help), {}}).first->second;
  std::string written = write_labels(labels);
  auto found = group.by_labels.find(written);
  if (found == group.by_labels.end()) {
    found = group.by_labels.emplace(std::move(written), std::make_unique<Kind>(arguments...)).first;
  }
  auto* existing = std::get_if<std::unique_ptr<Kind>>(&found->second);
  LODESTAR_ASSERT(existing != nullptr, "a metric's name stands for one kind");
  return **existing;
}

counter& metrics_registry::make_counter(std::string_view name, std::string_view help,
                                        metric_labels labels) {
  return make<counter>(name, help, labels);
}
gauge& metrics_registry::make_gauge(std::string_view name, std::string_view help,
                                    metric_labels labels) {
  return make<gauge>(name, help, labels);
}
histogram& metrics_registry::make_histogram(std::string_view name, std::string_view help,
                                            metric_labels labels, histogram_range range) {
  return make<histogram>(name, help, labels, range);
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
