-- SPDX-License-Identifier: MIT
-- keep_limit: the date before which the setting keep_…_days lets go; long ago
-- where it is off.
CREATE OR REPLACE FUNCTION keep_limit(p_what VARCHAR(20)) RETURNS DATE
READS SQL DATA
RETURN COALESCE(UTC_DATE() - INTERVAL
		setting_number(CONCAT('keep_', p_what, '_days')) DAY,
		'1000-01-01')
