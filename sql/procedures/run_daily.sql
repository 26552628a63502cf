-- SPDX-License-Identifier: MIT
-- run_daily: what the first run of a day (UTC) does besides: partitions ahead,
-- and nothing grows with uptime.
CREATE OR REPLACE PROCEDURE run_daily()
MODIFIES SQL DATA
BEGIN
	DECLARE v_old DATETIME DEFAULT UTC_TIMESTAMP() - INTERVAL
		COALESCE(setting_number('job_run_days'), 90) DAY;

	CALL make_partitions();
	DELETE FROM job_run WHERE started_at < v_old LIMIT 100000;
	DELETE FROM trigger_failure WHERE failed_at < v_old LIMIT 100000;
	DELETE FROM audit
	WHERE at < UTC_TIMESTAMP() - INTERVAL setting_number('audit_days') DAY
	LIMIT 100000;
	-- There may be one a row that comes in.
	REPEAT
		DELETE FROM idempotency
		WHERE at < UTC_TIMESTAMP() - INTERVAL
			COALESCE(setting_number('idempotency_days'), 30) DAY
		ORDER BY at LIMIT 10000;
	UNTIL ROW_COUNT() < 10000 END REPEAT;
	-- With its bad rows, so a few at a time.
	REPEAT
		DELETE FROM upload
		WHERE at < UTC_TIMESTAMP()
			- INTERVAL setting_number('upload_days') DAY
		ORDER BY at LIMIT 100;
	UNTIL ROW_COUNT() < 100 END REPEAT;
	DELETE FROM session WHERE expires_at < UTC_TIMESTAMP() LIMIT 100000;
	UPDATE job_state SET daily_on = UTC_DATE() WHERE job = 'minute';
END
