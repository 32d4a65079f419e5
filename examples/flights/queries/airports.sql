-- title: Airports with departures
-- depends_on: none
-- The choices of the select: airports with departures in the last week of the history. It depends on no event, so it is
-- computed once.
SELECT code AS value, concat_ws(', ', city, state) || ' (' || code || ')' AS label
FROM airport
SEMI JOIN (
  SELECT DISTINCT origin FROM flight WHERE date >= TIMESTAMP '2001-06-10' AND date < TIMESTAMP '2001-06-17'
) AS served ON code = origin
ORDER BY label, value
