-- title: Destinations
-- parameter: airport text = ATL
-- depends_on: events/Airport/{airport}/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE origin = $airport AND date >= TIMESTAMP '2001-06-10'
)
SELECT city || ' (' || code || ')' AS airport, code, longitude, latitude, departures, mean_delay
FROM (
  SELECT destination, count(*) AS departures, round(avg(delay), 2) AS mean_delay
  FROM flight
  WHERE origin = $airport AND date > (SELECT now - INTERVAL 7 DAYS FROM latest)
  GROUP BY destination
)
JOIN airport ON code = destination
ORDER BY departures DESC, code
