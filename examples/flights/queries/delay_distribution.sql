-- title: Distribution of delay
-- depends_on: events/Airport/**
-- Bins of 5 minutes; what lies outside of -40 to 120 minutes is counted in the outermost bins.
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
)
SELECT floor(greatest(-40, least(delay, 119)) / 5)::INTEGER * 5 AS delay, count(*) AS flights
FROM flight
WHERE date > (SELECT now - INTERVAL 7 DAYS FROM latest)
GROUP BY ALL
ORDER BY 1
