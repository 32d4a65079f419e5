-- title: On time by day
-- depends_on: events/Airport/**
WITH latest AS MATERIALIZED (
  SELECT max(date) AS now FROM flight WHERE date >= TIMESTAMP '2001-06-16'
)
SELECT date::DATE AS day, round(count(*) FILTER (delay <= 15) / count(*), 4) AS on_time
FROM flight
WHERE date >= (SELECT now::DATE - 30 FROM latest)
GROUP BY day
ORDER BY day
