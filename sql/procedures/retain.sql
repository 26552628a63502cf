-- SPDX-License-Identifier: MIT
-- retain: lets go, once a day (UTC), what the settings keep_…_days no longer
-- keep; a step of run_minute, with its lock.  Bounds move first (keep_raw,
-- keep_levels), then what is before them goes, for 20 s at most; the next run, a
-- minute later, goes on.  A failure is the job's own: it is a row in job_run,
-- shows in the view health, and is tried again after ten minutes.
CREATE OR REPLACE PROCEDURE retain(p_runner VARCHAR(8))
MODIFIES SQL DATA
BEGIN
	DECLARE v_start DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
	DECLARE v_until DATETIME(3) DEFAULT v_start + INTERVAL 20 SECOND;
	DECLARE v_rows INT UNSIGNED DEFAULT 0;
	DECLARE v_due BOOLEAN;
	DECLARE v_done BOOLEAN;
	DECLARE v_dropped, v_records, v_text TEXT;
	DECLARE v_errno INT;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		GET DIAGNOSTICS CONDITION 1
			v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
		ROLLBACK;
		CALL end_run('retention', p_runner, v_start, 0, 0, v_rows, 0,
			     v_errno, v_text);
	END;

	SELECT NOT daily_on <=> UTC_DATE()
	       AND (error_at IS NULL
		    OR error_at < v_start - INTERVAL 10 MINUTE)
	INTO v_due
	FROM job_state WHERE job = 'retention';
	IF v_due THEN
		UPDATE job_state SET run_at = v_start, runner = p_runner
		WHERE job = 'retention';
		CALL keep_raw(keep_limit('raw'), v_dropped, v_done);
		IF v_done THEN
			CALL keep_levels();
		END IF;
		CALL drop_partitions('detection_record',
				     keep_limit('record'), v_records);
		FOR l IN (SELECT CONCAT('stats_', level) AS tab, kept_from,
				 CASE level WHEN 'quarter' THEN 'start_at'
				 WHEN 'hour' THEN 'local_date'
				 WHEN 'day' THEN 'local_date'
				 WHEN 'week' THEN 'week_start'
				 WHEN 'year' THEN 'year_start'
				 WHEN 'weekday_year' THEN 'year_start'
				 ELSE 'month_start' END AS k
			  FROM retention WHERE level <> 'raw'
			  UNION ALL
			  SELECT 'stats_quarter_partial',
				 kept_from('quarter'), 'start_at'
			  UNION ALL
			  SELECT 'stats_hour_partial', kept_from('hour'),
				 'local_date'
			  UNION ALL
			  SELECT 'outlier_backup', keep_limit('outlier'),
				 'start_at'
			  UNION ALL
			  SELECT 'outlier_low', keep_limit('outlier'),
				 'start_at'
			  UNION ALL
			  SELECT 'detection_record', keep_limit('record'),
				 'at')
		DO
			CALL let_go(l.tab, l.k, l.kept_from, v_until, v_rows,
				    v_done);
		END FOR;
		SET v_text = CONCAT_WS('; ', CONCAT('dropped ', v_dropped),
			CONCAT('dropped of detection_record ', v_records));
		IF v_rows > 0 OR v_text <> '' THEN
			CALL end_run('retention', p_runner, v_start, 0, 0,
				     v_rows, 0, NULL, NULLIF(v_text, ''));
		ELSE
			UPDATE job_state SET ok_at = UTC_TIMESTAMP(3)
			WHERE job = 'retention';
		END IF;
		IF v_done THEN
			UPDATE job_state SET daily_on = UTC_DATE()
			WHERE job = 'retention';
		END IF;
	END IF;
END
