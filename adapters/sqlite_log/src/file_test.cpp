// The file as others see it: triggers, foreign and newer files, the lock, permissions.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "test_log.hpp"

namespace lodestar::sqlite_log {
namespace {

class file_test : public test_log {
 protected:
  // What another program sees: a connection without our function and without our pragmas.
  [[nodiscard]] connection other_program() {
    log.reset();
    auto raw = connection::open(how.user.file, access::read_write_create, {});
    EXPECT_TRUE(raw.has_value());
    return std::move(*raw);
  }
  [[nodiscard]] error open_error() {
    const auto opened = open_with(how, time, metrics);
    EXPECT_FALSE(opened.has_value());
    return opened ? error() : opened.error();
  }
};

TEST_F(file_test, nothing_stored_can_be_changed_by_another_program) {
  open();
  ASSERT_TRUE(append(make_batch("a", 3)).has_value());
  const auto before = read();
  auto raw = other_program();
  const char* const attempts[] = {
      "UPDATE events SET payload = 'x' WHERE position = 1",
      "UPDATE OR REPLACE events SET position = 2 WHERE position = 1",
      "UPDATE events SET event_id = event_id",
      "DELETE FROM events WHERE position = 2",
      "DELETE FROM events",
      "INSERT OR REPLACE INTO events SELECT position, event_id, aggregate_type, aggregate_id, "
      "version,"
      " event_type, 9, payload, metadata, 0 FROM events WHERE position = 1",
      "INSERT OR REPLACE INTO events SELECT 4, event_id, aggregate_type, aggregate_id, 4, "
      "event_type, 9,"
      " payload, metadata, 0 FROM events WHERE position = 1",
      "REPLACE INTO events SELECT 4, 'new', aggregate_type, aggregate_id, version, event_type, 9, "
      "payload,"
      " metadata, 0 FROM events WHERE position = 1",
      "INSERT INTO events SELECT position, event_id, aggregate_type, aggregate_id, version, "
      "event_type, 9,"
      " payload, metadata, 0 FROM events WHERE true ON CONFLICT DO UPDATE SET payload = 'x'",
  };
  for (const char* const attempt : attempts) {
    const auto done = raw.run(attempt);
    ASSERT_FALSE(done.has_value()) << attempt;
    EXPECT_THAT(done.error().message,
                testing::AnyOf(testing::HasSubstr("append-only"),
                               testing::HasSubstr("only_lodestar_appends_events")));
  }
  EXPECT_EQ(raw.query_text("SELECT group_concat(payload) FROM events"),
            before[0].payload + "," + before[1].payload + "," + before[2].payload);
  EXPECT_EQ(raw.query_number("SELECT sum(schema_version) FROM events"), 3);
}

TEST_F(file_test, the_file_alone_is_the_log_after_closing) {
  open();
  ASSERT_TRUE(append(make_batch("a", 3)).has_value());
  log.reset();
  EXPECT_FALSE(std::filesystem::exists(how.user.file.string() + "-wal"));
  expect_valid();
}

TEST_F(file_test, has_an_identity_that_stays) {
  open();
  const auto identity = other_program().query_text("SELECT value FROM meta WHERE name = 'log_id'");
  EXPECT_EQ(identity->size(), 36U);
  open();
  EXPECT_EQ(other_program().query_text("SELECT value FROM meta WHERE name = 'log_id'"), identity);
}

TEST_F(file_test, creates_missing_folders) {
  how.user.file = folder.path() / "a" / "b" / "events.db";
  open();
  EXPECT_TRUE(append_one(make_event("a")).has_value());
}

TEST_F(file_test, an_empty_file_becomes_a_log) {
  std::ofstream(how.user.file).close();
  open();
  EXPECT_TRUE(append_one(make_event("a")).has_value());
}

TEST_F(file_test, a_file_that_is_no_database_is_left_alone) {
  const std::string content(10'000, 'x');
  std::ofstream(how.user.file) << content;
  const auto why = open_error();
  EXPECT_EQ(why.code, error_code::corrupt);
  EXPECT_EQ(why.place, how.user.file.string());
  EXPECT_FALSE(why.hint.empty());
  EXPECT_EQ(std::filesystem::file_size(how.user.file), content.size());
}

TEST_F(file_test, the_database_of_another_program_is_left_alone) {
  ASSERT_TRUE(
      other_program().run("CREATE TABLE precious(x); INSERT INTO precious VALUES(1)").has_value());
  const auto why = open_error();
  EXPECT_EQ(why.code, error_code::unsupported);
  EXPECT_THAT(why.message, testing::HasSubstr("not an event log"));
  EXPECT_EQ(other_program().query_text("PRAGMA journal_mode"), "delete");
}

TEST_F(file_test, a_newer_format_is_not_touched) {
  open();
  ASSERT_TRUE(other_program().run("PRAGMA user_version = 2").has_value());
  const auto why = open_error();
  EXPECT_EQ(why.code, error_code::unsupported);
  EXPECT_THAT(why.message, testing::HasSubstr("format 2"));
}

TEST_F(file_test, a_gap_in_the_positions_is_found_at_start) {
  open();
  ASSERT_TRUE(append(make_batch("a", 5)).has_value());
  ASSERT_TRUE(other_program()
                  .run("DROP TRIGGER events_refuse_delete; DELETE FROM events WHERE position = 3")
                  .has_value());
  EXPECT_EQ(open_error().code, error_code::corrupt);
}

TEST_F(file_test, a_second_opening_is_refused_with_the_holders_pid) {
  open();
  const auto why = open_error();
  EXPECT_EQ(why.code, error_code::unavailable);
  EXPECT_THAT(why.message, testing::HasSubstr("process " + std::to_string(getpid())));
  log.reset();
  open();
}

TEST_F(file_test, another_process_is_refused_too) {
  open();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    clock& real = system_clock();
    metrics_registry own;
    const auto opened = open_with(how, real, own);
    _exit(!opened && opened.error().code == error_code::unavailable ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Root may write anywhere, so the test becomes somebody else for a moment.
class as_nobody {
 public:
  as_nobody() {
    if (geteuid() == 0) changed_ = seteuid(65534) == 0;
  }
  ~as_nobody() {
    if (changed_) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }
  as_nobody(const as_nobody&) = delete;
  as_nobody& operator=(const as_nobody&) = delete;

 private:
  bool changed_ = false;
};

TEST_F(file_test, a_folder_that_cannot_be_written_is_named) {
  const auto closed = folder / "closed";
  std::filesystem::create_directory(closed);
  std::filesystem::permissions(closed, std::filesystem::perms(0555));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  const as_nobody somebody;
  how.user.file = closed / "events.db";
  auto why = open_error();
  EXPECT_EQ(why.code, error_code::permission_denied);
  EXPECT_EQ(why.place, closed.string());
  how.user.file = closed / "below" / "events.db";
  why = open_error();
  EXPECT_EQ(why.code, error_code::permission_denied);
  EXPECT_EQ(why.place, (closed / "below").string());
}

TEST_F(file_test, a_file_that_cannot_be_written_is_named) {
  open();
  log.reset();
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0777));
  std::filesystem::permissions(how.user.file, std::filesystem::perms(0444));
  std::filesystem::permissions(how.user.file.string() + ".lock", std::filesystem::perms(0666));
  const as_nobody somebody;
  const auto why = open_error();
  EXPECT_EQ(why.code, error_code::permission_denied);
  EXPECT_EQ(why.place, how.user.file.string());
}

}  // namespace
}  // namespace lodestar::sqlite_log
