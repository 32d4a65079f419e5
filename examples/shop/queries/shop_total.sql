-- title: One shop
-- parameter: shop text = Berlin
-- depends_on: events/Shop/{shop}/**
SELECT count(*) AS orders, coalesce(sum(amount), 0) AS revenue FROM sale WHERE shop = $shop
