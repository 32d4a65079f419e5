// Bodies of core.hpp: what callers, tags and other nodes change, in memory and in the tiers.
#pragma once

namespace lodestar::swr::detail {

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::set(const Key& key, loaded<Value> content,
                                                const call_options& allowed, store::ended told) {
  const made_at when{.begun_at = time_.now(), .stamp = stamps_.next(), .trust = trust_.load()};
  const stored_pointer made = make_entry(key, std::move(content), allowed, when);
  for_tiers encoded = encode(key, *made, allowed);
  {
    const section held(*this);
    supersede(key);
    if (!is_overtaken(key, made->stamp())) {
      const write_report_pointer report = report_to(told);
      store_in_memory(key, made, allowed);
      if (encoded) {
        settings_.below->enqueue(*std::move(encoded), report, tiers::announced::always);
      } else if (settings_.below) {
        settings_.below->enqueue_remove(settings_.name, keys_.encode(key), made->stamp(), report);
      }
    }
  }
  send();
  if (told) told({});
}

// Somebody else changed it after the call with that stamp began: as if that had come before.
template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::is_overtaken(const Key& key,
                                                         const write_stamp& stamp) const {
  const auto present = entries_.peek(key);
  if (present && (*present)->stamp() > stamp && (*present)->stamp().node == stamps_.node())
    return true;
  return settings_.below &&
         !settings_.below->is_newest_known(settings_.name, keys_.encode(key), stamp);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::remove(const Key& key, store::ended told) {
  const write_report_pointer report = report_to(told);
  {
    const section held(*this);
    supersede(key);
    wrote_ = entries_.remove(key) || wrote_;
    if (settings_.below) {
      settings_.below->enqueue_remove(settings_.name, keys_.encode(key), stamps_.next(), report);
    }
  }
  send();
  if (told) told({});
}

// What is being computed meanwhile has an older stamp, so nothing under way has to be found.
template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::remove_by_tag(const std::string& tag,
                                                          store::ended told) {
  const write_report_pointer report = report_to(told);
  const tag_mark_pointer mark = marks_.find(tag);
  {
    const section held(*this);
    const write_stamp stamp = stamps_.next();
    mark->raise(stamp.time);
    if (settings_.below) settings_.below->enqueue_mark(settings_.name, tag, stamp, report);
  }
  send();
  if (told) told({});
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::clear(store::ended told) {
  const write_report_pointer report = report_to(told);
  {
    const section held(*this);
    const write_stamp stamp = stamps_.next();
    cleared_.raise(stamp.time);
    supersede_if([](const flight&) { return true; });
    static_cast<void>(entries_.clear());
    wrote_ = true;
    if (settings_.below) settings_.below->enqueue_mark(settings_.name, {}, stamp, report);
  }
  send();
  if (told) told({});
}

// A codec that throws cannot decode it: there is nobody to throw to.
template <class Key, class Value, class Hash, class Equal, class Checks>
std::optional<Key> core<Key, Value, Hash, Equal, Checks>::decode_key(std::string_view text) const {
  try {
    return keys_.decode(text);
  } catch (...) {
    return std::nullopt;
  }
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::changed_elsewhere(std::string_view text,
                                                              const write_stamp& when,
                                                              bool repaired) {
  const std::optional<Key> key = decode_key(text);
  if (!key) return;
  stored_pointer ours;
  {
    const section held(*this);
    const auto under_way = flights_.find(*key);
    if (under_way != flights_.end() && under_way->second->stamp < when) supersede(*key);
    const auto present = entries_.peek(*key);
    if (!present) return;
    const write_stamp stamp = (*present)->stamp();
    if (stamp < when) {
      wrote_ = entries_.remove(*key) || wrote_;
    } else if (stamp.node == stamps_.node() && (repaired || stamp != when)) {
      ours = *present;
    }
  }
  if (ours) write_again(*key, ours);
}

// The older write of another node may have reached a tier after ours, which is newer. What a call
// had options for is only removed there.
template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::write_again(const Key& key,
                                                        const stored_pointer& ours) {
  if (!ours->is_plain()) return;
  for_tiers encoded = encode_again(key, *ours);
  if (!encoded) return;
  const section held(*this);
  if (entries_.peek(key) != ours) return;
  settings_.below->enqueue(*std::move(encoded), nullptr, tiers::announced::again);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::encode_again(const Key& key, const stored& ours) const
    -> for_tiers {
  try {
    return encode(key, ours, settings_.defaults);
  } catch (...) {
    return std::nullopt;  // there is nobody to throw to
  }
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::cleared_elsewhere(const write_stamp& when) {
  const section held(*this);
  cleared_.raise(when.time);
  supersede_if([&](const flight& current) { return current.stamp < when; });
  static_cast<void>(entries_.remove_if(
      [&](const Key&, const stored_pointer& each) { return each->stamp() < when; }));
  wrote_ = true;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::distrust() {
  trust_.fetch_add(1, std::memory_order_acq_rel);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::write_again() {
  std::vector<std::pair<Key, stored_pointer>> ours;
  const auto since = stamps_.latest() - static_cast<std::uint64_t>(written_again_age_max.count());
  entries_.for_each([&](const Key& key, const stored_pointer& each) {
    if (each->stamp().node != stamps_.node() || each->stamp().time < since) return;
    if (ours.size() < written_again_max) ours.emplace_back(key, each);
  });
  for (const auto& [key, entry] : ours) write_again(key, entry);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::make_entry(const Key& key, loaded<Value> content,
                                                       const call_options& allowed,
                                                       const made_at& when) -> stored_pointer {
  content.weight = weigh(key, content);
  const bool absent = optional_traits<Value>::is_absent(content.value);
  const lifetimes standard = allowed.keep.value_or(settings_.keep);
  origin_of_entry origin{
      .keep = content.keep.value_or(absent ? settings_.keep_absent.value_or(standard) : standard),
      .stamp = when.stamp,
      .is_plain = allowed.skip_write == settings_.defaults.skip_write &&
                  allowed.keep_in_tiers == settings_.defaults.keep_in_tiers};
  if (allowed.jitter_ms > 0) {
    origin.jitter_ms = static_cast<std::int64_t>(
        settings_.random->next() % (static_cast<std::uint64_t>(allowed.jitter_ms) + 1));
  }
  for (const std::string& tag : content.tags) origin.marks.push_back(marks_.find(tag));
  return stored_pointer::make(key, std::move(content), std::move(origin),
                              moment{.now = when.begun_at, .trust = when.trust});
}

template <class Key, class Value, class Hash, class Equal, class Checks>
std::size_t core<Key, Value, Hash, Equal, Checks>::weigh(const Key& key,
                                                         const loaded<Value>& content) const {
  if (content.weight != 0 || !settings_.weigher) return content.weight;
  return settings_.weigher(key, content.value);
}

// Nothing when there are no tiers, or nobody could make its dependency again.
template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::encode(const Key& key, const stored& made,
                                                   const call_options& allowed) const -> for_tiers {
  if (!settings_.below) return std::nullopt;
  std::optional<stored_dependency> depends = stored_dependency{};
  if (made.depends_on() != nullptr) {
    depends = settings_.dependencies ? made.depends_on()->stored() : std::nullopt;
    if (!depends) return std::nullopt;
  }
  std::optional<std::uint64_t> epoch = 0;
  if (settings_.dependencies) epoch = settings_.dependencies->epoch(made.computed_at());
  if (!epoch) return std::nullopt;
  std::string value;
  std::string keys;
  std::string tags;
  const bool absent = optional_traits<Value>::is_absent(made.value());
  if (!absent) values_.encode(made.value(), value);
  for (const std::string& each : depends->keys) append_text(each, keys);
  for (const std::string& each : made.tags()) append_text(each, tags);
  const std::int64_t age_ms =
      std::chrono::duration_cast<milliseconds>(time_.now() - made.begun_at()).count();
  return settings_.below->encode(settings_.name, keys_.encode(key),
                                 {.kind = absent ? envelope_kind::absent : envelope_kind::value,
                                  .computed_at = made.computed_at(),
                                  .epoch = *epoch,
                                  .stamp = made.stamp(),
                                  .format = values_.format,
                                  .weight = weight_for_tiers(made),
                                  .dependency = depends->kind,
                                  .keys_depended_on = text_list(keys),
                                  .tags = text_list(tags),
                                  .value = value},
                                 {.written_ms = time_.wall_us() / 1'000 - age_ms,
                                  .written = made.begun_at(),
                                  .keep = keep_in_tiers(made, allowed),
                                  .jitter_ms = made.jitter_ms()},
                                 allowed.skip_write);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
std::vector<lifetimes> core<Key, Value, Hash, Equal, Checks>::keep_in_tiers(
    const stored& made, const call_options& allowed) const {
  std::vector<lifetimes> keep(settings_.below->size(), made.keep());
  const auto& other = allowed.keep_in_tiers;
  for (std::size_t tier = 0; tier < std::min(keep.size(), other.size()); ++tier) {
    if (other[tier]) keep[tier] = *other[tier];
  }
  return keep;
}

// Takes the handler when there are tiers to wait for.
template <class Key, class Value, class Hash, class Equal, class Checks>
write_report_pointer core<Key, Value, Hash, Equal, Checks>::report_to(store::ended& told) const {
  if (!told || !settings_.below || settings_.below->size() == 0) return nullptr;
  return std::make_shared<write_report>(settings_.below->size(), std::exchange(told, nullptr));
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::supersede(const Key& key) {
  const auto under_way = flights_.find(key);
  if (under_way == flights_.end()) return;
  under_way->second->superseded = true;
  flights_.erase(under_way);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
template <class Condition>
void core<Key, Value, Hash, Equal, Checks>::supersede_if(Condition&& condition) {
  for (auto each = flights_.begin(); each != flights_.end();) {
    if (!condition(*each->second)) {
      ++each;
      continue;
    }
    each->second->superseded = true;
    each = flights_.erase(each);
  }
}

// What is not to be in memory is not to be there in an older version either. A refusal is counted
// there; callers get the value all the same.
template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::store_in_memory(const Key& key,
                                                            const stored_pointer& made,
                                                            const call_options& allowed) {
  wrote_ = true;
  if (allowed.skip_write.has_memory()) {
    static_cast<void>(entries_.remove(key));
  } else {
    static_cast<void>(entries_.insert(key, made));
  }
}

}  // namespace lodestar::swr::detail
