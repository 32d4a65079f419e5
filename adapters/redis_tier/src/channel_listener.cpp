#include "channel_listener.hpp"

#include <utility>

#include "format_command.hpp"

namespace lodestar::redis_tier {

void channel_listener::start(const surroundings& around, router& by) {
  router_ = &by;
  connection_events events{
      .on_ready =
          [this] {
            is_listening_ = true;
            if (events_.on_connected) events_.on_connected();
          },
      .on_lost = [this](const error& why) { note_lost(why); },
      .on_message = [this](std::string_view payload) { events_.on_message(payload); }};
  connection_ = std::make_shared<connection>(
      around, by.next_server(), std::move(events),
      std::vector<std::string>{format_command({"SUBSCRIBE", channel_})});
  connection_->start();
}

void channel_listener::close(const error& why) {
  if (connection_) connection_->close(why);
}

void channel_listener::note_lost(const error& why) {
  connection_->move_to(router_->next_server());
  if (!std::exchange(is_listening_, false)) return;
  if (events_.on_lost) events_.on_lost(why);
}

}  // namespace lodestar::redis_tier
