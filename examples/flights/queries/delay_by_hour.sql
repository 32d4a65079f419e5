-- title: Delay by hour of departure
-- depends_on: events/Airport/**
-- Departures before 05:00 are few, and mostly flights that should have left the evening before.
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
)
SELECT hour(date) AS hour, round(avg(delay), 2) AS mean_delay, count(*) AS departures
FROM flight
WHERE date > (SELECT now - INTERVAL 7 DAYS FROM latest) AND hour(date) >= 5
GROUP BY hour
ORDER BY hour
