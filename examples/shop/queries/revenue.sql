-- title: Revenue by product
-- depends_on: events/Shop/**
SELECT product, count(*) AS orders, sum(amount) AS revenue
FROM sale
GROUP BY product
ORDER BY revenue DESC, product
LIMIT 20
