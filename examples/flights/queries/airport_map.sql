-- title: Airports
-- depends_on: events/Airport/**
-- Big points come first, so that small ones are drawn on top of them.
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
),
departed AS (
  SELECT origin, count(*) AS departures, round(avg(delay), 2) AS mean_delay
  FROM flight
  WHERE date > (SELECT now - INTERVAL 24 HOURS FROM latest)
  GROUP BY origin
)
SELECT code, city || ' (' || code || ')' AS airport, longitude, latitude, departures, mean_delay
FROM departed JOIN airport ON code = origin
ORDER BY departures DESC, code
