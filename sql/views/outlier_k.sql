-- SPDX-License-Identifier: MIT
-- outlier_k: k of reference = mean + k * std, in one row.  As setting_number
-- reads it, but looked up once for a whole statement: a function in a view is
-- called for each metric, and took a fifth of the time of a day of hours.
CREATE OR REPLACE VIEW outlier_k AS
SELECT COALESCE((SELECT CAST(value AS DOUBLE) FROM setting
		 WHERE name = 'outlier_k'
		   AND value RLIKE '^-?[0-9]+([.][0-9]+)?$'), 1.5) AS k
