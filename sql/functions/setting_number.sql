-- SPDX-License-Identifier: MIT
-- setting_number: the number a setting holds; what is no number counts as NULL.
CREATE OR REPLACE FUNCTION setting_number(p_name VARCHAR(64)) RETURNS DOUBLE
READS SQL DATA
RETURN (SELECT CAST(value AS DOUBLE) FROM setting
	WHERE name = p_name AND value RLIKE '^-?[0-9]+([.][0-9]+)?$')
