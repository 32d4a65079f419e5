-- title: Departures by quarter of an hour
-- depends_on: events/Airport/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
)
SELECT time_bucket(INTERVAL 15 MINUTES, date) AS time,
       count(*) AS departures,
       count(*) FILTER (delay > 15) AS late
FROM flight
WHERE date >= (SELECT time_bucket(INTERVAL 15 MINUTES, now) - INTERVAL 24 HOURS FROM latest)
GROUP BY time
ORDER BY time
