-- SPDX-License-Identifier: MIT
-- setting_fault: what a setting's value should be, in one sentence, where this
-- one is not; else NULL.
CREATE OR REPLACE FUNCTION setting_fault(p_name VARCHAR(64),
					 p_value VARCHAR(255))
RETURNS VARCHAR(128)
NO SQL
RETURN CASE
	WHEN p_name RLIKE '^(keep_.*|audit|upload)_days$'
		THEN IF(p_value = 'off' OR (p_value RLIKE '^[0-9]{1,5}$'
					    AND p_value BETWEEN 1 AND 36500),
			NULL, CONCAT(p_name, ' is off, or a whole number of ',
				     'days from 1 to 36500'))
	WHEN p_name IN ('job_run_days', 'idempotency_days')
		THEN IF(p_value RLIKE '^[0-9]{1,5}$'
			AND p_value BETWEEN 1 AND 36500, NULL,
			CONCAT(p_name, ' is a whole number from 1 to 36500'))
	WHEN p_name IN ('outlier_k', 'alert_z')
		THEN IF(p_value RLIKE '^[0-9]{1,3}([.][0-9]{1,6})?$'
			AND p_value <= 100, NULL,
			CONCAT(p_name, ' is a number from 0 to 100'))
	WHEN p_name = 'reference_outliers'
		THEN IF(p_value IN ('with', 'without_alerts', 'without'), NULL,
			'reference_outliers is with, without_alerts or without')
	WHEN p_name = 'page_compression'
		THEN IF(p_value IN ('auto', 'on', 'off'), NULL,
			'page_compression is auto, on or off')
END
