-- title: Most delayed routes
-- depends_on: events/Airport/**
-- Routes with at least 20 departures in 7 days: a single bad flight is no bad route.
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
)
SELECT origin || ' → ' || destination AS route, origin, destination,
       count(*) AS departures,
       round(count(*) FILTER (delay <= 15) / count(*), 4) AS on_time,
       round(avg(delay), 2) AS mean_delay
FROM flight
WHERE date > (SELECT now - INTERVAL 7 DAYS FROM latest)
GROUP BY origin, destination
HAVING count(*) >= 20
ORDER BY mean_delay DESC, origin, destination
LIMIT 10
