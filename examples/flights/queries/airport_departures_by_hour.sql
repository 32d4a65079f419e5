-- title: Departures by hour
-- parameter: airport text = ATL
-- depends_on: events/Airport/{airport}/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE origin = $airport AND date >= TIMESTAMP '2001-06-10'
)
SELECT time_bucket(INTERVAL 1 HOUR, date) AS time, count(*) AS departures, count(*) FILTER (delay > 15) AS late
FROM flight
WHERE origin = $airport AND date >= (SELECT time_bucket(INTERVAL 1 HOUR, now) - INTERVAL 48 HOURS FROM latest)
GROUP BY time
ORDER BY time
