-- title: Distribution of delay
-- parameter: airport text = ATL
-- depends_on: events/Airport/{airport}/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE origin = $airport AND date >= TIMESTAMP '2001-06-10'
)
SELECT floor(greatest(-40, least(delay, 119)) / 5)::INTEGER * 5 AS delay, count(*) AS flights
FROM flight
WHERE origin = $airport AND date > (SELECT now - INTERVAL 7 DAYS FROM latest)
GROUP BY ALL
ORDER BY 1
