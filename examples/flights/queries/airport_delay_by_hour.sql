-- title: Delay by hour of departure
-- parameter: airport text = ATL
-- depends_on: events/Airport/{airport}/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE origin = $airport AND date >= TIMESTAMP '2001-06-10'
)
SELECT hour(date) AS hour, round(avg(delay), 2) AS mean_delay, count(*) AS departures
FROM flight
WHERE origin = $airport AND date > (SELECT now - INTERVAL 7 DAYS FROM latest) AND hour(date) >= 5
GROUP BY hour
ORDER BY hour
