-- title: Busiest airports
-- depends_on: events/Airport/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
)
SELECT origin AS code, count(*) AS departures, round(avg(delay), 2) AS mean_delay
FROM flight
WHERE date > (SELECT now - INTERVAL 24 HOURS FROM latest)
GROUP BY origin
ORDER BY departures DESC, code
LIMIT 12
