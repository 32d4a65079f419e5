-- title: Latest departures
-- depends_on: events/Airport/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
)
SELECT date AS departed, origin, origin || ' → ' || destination AS route, distance, delay
FROM flight
WHERE date > (SELECT now - INTERVAL 24 HOURS FROM latest)
ORDER BY date DESC, position DESC, origin, destination, delay, distance
LIMIT 10
