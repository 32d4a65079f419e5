#include <lodestar/log/event_log.hpp>

#include <future>
#include <utility>

namespace lodestar::log {

result<std::vector<appended>> event_log::append_and_wait(std::vector<new_event> batch) {
  std::promise<result<std::vector<appended>>> promise;
  auto answer = promise.get_future();
  append(std::move(batch), [&promise](result<std::vector<appended>> outcome) {
    promise.set_value(std::move(outcome));
  });
  return answer.get();
}

}  // namespace lodestar::log
