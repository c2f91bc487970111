-- What only one of two databases says.
SELECT 'only live: ' || said FROM (SELECT said FROM fact WHERE database = 'live' EXCEPT ALL SELECT said FROM fact WHERE database = :'one') x
UNION ALL
SELECT format('only %s: %s', :'one', said) FROM (SELECT said FROM fact WHERE database = :'one' EXCEPT ALL SELECT said FROM fact WHERE database = 'live') x
ORDER BY 1 LIMIT 20;
