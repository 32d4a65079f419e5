-- title: The last 24 hours
-- depends_on: events/Airport/**
--
-- One query for the four numbers on top, so that they are computed once: a row per hour of the last 24, and on every row
-- the totals of these 24 hours and of the 24 before.
-- "Now" is the newest departure. The history ends on 2001-06-16, so nothing older can be the newest: that bound lets
-- DuckDB skip all but the last row groups.
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
),
hourly AS (
  SELECT date_diff('second', date, now) // 3600 AS hours_ago, any_value(now) AS now,
         count(*) AS departures, sum(delay) AS minutes, count(*) FILTER (delay <= 15) AS punctual,
         count(*) FILTER (delay > 60) AS very_late
  FROM flight, latest
  WHERE date > (SELECT now - INTERVAL 48 HOURS FROM latest)
  GROUP BY hours_ago
),
total AS (
  SELECT hours_ago >= 24 AS before, sum(departures)::BIGINT AS departures, sum(very_late)::BIGINT AS very_late,
         round(sum(punctual) / sum(departures), 4) AS on_time, round(sum(minutes) / sum(departures), 2) AS delay
  FROM hourly
  GROUP BY before
)
SELECT hourly.now - to_hours(hours_ago) AS until,
       hourly.departures AS departures_by_hour,
       round(punctual / hourly.departures, 4) AS on_time_by_hour,
       round(minutes / hourly.departures, 2) AS delay_by_hour,
       hourly.very_late AS very_late_by_hour,
       today.departures, yesterday.departures AS departures_before,
       today.on_time, yesterday.on_time AS on_time_before,
       today.delay, yesterday.delay AS delay_before,
       today.very_late, yesterday.very_late AS very_late_before
FROM hourly
JOIN total AS today ON NOT today.before
LEFT JOIN total AS yesterday ON yesterday.before
WHERE hours_ago < 24
ORDER BY until
