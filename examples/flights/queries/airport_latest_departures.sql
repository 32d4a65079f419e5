-- title: Latest departures
-- parameter: airport text = ATL
-- depends_on: events/Airport/{airport}/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE origin = $airport AND date >= TIMESTAMP '2001-06-10'
)
SELECT date AS departed, destination, city, distance, delay
FROM flight LEFT JOIN airport ON code = destination
WHERE origin = $airport AND date > (SELECT now - INTERVAL 7 DAYS FROM latest)
ORDER BY date DESC, position DESC, destination, delay, distance
LIMIT 10
