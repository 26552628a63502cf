-- SPDX-License-Identifier: MIT
-- compute_reference: one camera's references for its local day p_today, from
-- its rows of the days before.  Per metric and hour of the week: the rows of
-- that hour, where four weeks (local dates) have any; else those of the year,
-- month, week or day that holds the camera's latest row before today, whichever
-- is the widest with at least 30 rows.  What leave_out finds is taken out of the
-- sums; as far back as hours are kept.
--
-- Writers hold share locks on the references their rows met, until they commit.
-- Nothing is written where nothing has changed, and who is in the way for more
-- than 2 s is left alone: p_done is then FALSE.  A change moves
-- reference_version, for writers who remember references.
CREATE OR REPLACE PROCEDURE compute_reference(
	p_camera_id INT UNSIGNED, p_today DATE, OUT p_done BOOLEAN)
MODIFIES SQL DATA
compute: BEGIN
	DECLARE v_camera INT UNSIGNED;
	DECLARE v_last DATE;
	DECLARE v_from DATE DEFAULT kept_from('hour');
	DECLARE v_people, v_vehicle, v_face VARCHAR(12);
	DECLARE v_changed BOOLEAN;
	DECLARE v_k DOUBLE DEFAULT COALESCE(setting_number('outlier_k'), 1.5);
	DECLARE v_z DOUBLE DEFAULT COALESCE(setting_number('alert_z'), 4);
	DECLARE EXIT HANDLER FOR 1205, 1213
	BEGIN
		ROLLBACK;
		SET p_done = FALSE;
	END;

	SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
	START TRANSACTION;
	-- As the roll-up does: the camera keeps its zone until the end.
	SET STATEMENT innodb_lock_wait_timeout = 2 FOR
	SELECT camera_id INTO v_camera FROM camera
	WHERE camera_id = p_camera_id LOCK IN SHARE MODE;
	IF v_camera IS NULL THEN
		ROLLBACK;
		SET p_done = TRUE;
		LEAVE compute;
	END IF;
	SELECT MAX(local_date) INTO v_last FROM stats_day
	WHERE camera_id = p_camera_id AND local_date < p_today;
	CALL make_reference_tables();
	CALL leave_out(p_camera_id, p_today, v_from);

	-- Each month that has such rows has a date of its own that does.
	INSERT INTO work_reference
		(basis, slot, people_days, vehicle_days, face_days,
		 people_n, people_sum, people_sq, vehicle_n, vehicle_sum,
		 vehicle_sq, face_n, face_sum, face_sq)
	SELECT 'hour_of_week', (s.weekday - 1) * 24 + s.local_hour AS slot,
	       SUM(s.people_n > COALESCE(l.people_n, 0)),
	       SUM(s.vehicle_n > COALESCE(l.vehicle_n, 0)),
	       SUM(s.face_n > COALESCE(l.face_n, 0)),
	       SUM(s.people_n - COALESCE(l.people_n, 0)),
	       SUM(s.people_sum - COALESCE(l.people_sum, 0)),
	       SUM(s.people_sq - COALESCE(l.people_sq, 0)),
	       SUM(s.vehicle_n - COALESCE(l.vehicle_n, 0)),
	       SUM(s.vehicle_sum - COALESCE(l.vehicle_sum, 0)),
	       SUM(s.vehicle_sq - COALESCE(l.vehicle_sq, 0)),
	       SUM(s.face_n - COALESCE(l.face_n, 0)),
	       SUM(s.face_sum - COALESCE(l.face_sum, 0)),
	       SUM(s.face_sq - COALESCE(l.face_sq, 0))
	FROM stats_profile_month s
	LEFT JOIN (SELECT local_date - INTERVAL DAY(local_date) - 1 DAY
				AS month_start,
			  WEEKDAY(local_date) + 1 AS weekday, local_hour,
			  SUM(people_n) AS people_n,
			  SUM(people_sum) AS people_sum,
			  SUM(people_sq) AS people_sq,
			  SUM(vehicle_n) AS vehicle_n,
			  SUM(vehicle_sum) AS vehicle_sum,
			  SUM(vehicle_sq) AS vehicle_sq,
			  SUM(face_n) AS face_n, SUM(face_sum) AS face_sum,
			  SUM(face_sq) AS face_sq
		   FROM work_left_out
		   GROUP BY month_start, weekday, local_hour) l
		ON l.month_start = s.month_start AND l.weekday = s.weekday
		AND l.local_hour = s.local_hour
	WHERE s.camera_id = p_camera_id AND s.month_start >= v_from
	GROUP BY slot;
	-- Where there are fewer than four such months, the dates are counted.
	IF EXISTS (SELECT 1 FROM work_reference
		   WHERE people_days BETWEEN 1 AND 3
		      OR vehicle_days BETWEEN 1 AND 3
		      OR face_days BETWEEN 1 AND 3) THEN
		INSERT INTO work_dates
		SELECT (s.weekday - 1) * 24 + s.local_hour AS slot,
		       COUNT(DISTINCT IF(s.people_n > COALESCE(l.people_n, 0),
					 s.local_date, NULL)),
		       COUNT(DISTINCT IF(s.vehicle_n > COALESCE(l.vehicle_n, 0),
					 s.local_date, NULL)),
		       COUNT(DISTINCT IF(s.face_n > COALESCE(l.face_n, 0),
					 s.local_date, NULL))
		FROM stats_hour s LEFT JOIN work_left_out l
			USING (local_date, start_at)
		WHERE s.camera_id = p_camera_id AND s.local_date >= v_from
		  AND s.local_date < p_today
		GROUP BY slot;
		UPDATE work_reference r JOIN work_dates d USING (slot)
		SET r.people_days = d.people_days,
		    r.vehicle_days = d.vehicle_days,
		    r.face_days = d.face_days;
	END IF;
	-- Slot 255 holds the wider levels.
	FOR w IN (SELECT 'year' AS basis,
			 v_last - INTERVAL DAYOFYEAR(v_last) - 1 DAY AS a
		  UNION ALL
		  SELECT 'month', v_last - INTERVAL DAY(v_last) - 1 DAY
		  UNION ALL
		  SELECT 'week', v_last - INTERVAL WEEKDAY(v_last) DAY
		  UNION ALL
		  SELECT 'day', v_last)
	DO
		INSERT INTO work_reference
			(basis, slot, people_days, vehicle_days, face_days,
			 people_n, people_sum, people_sq, vehicle_n,
			 vehicle_sum, vehicle_sq, face_n, face_sum, face_sq)
		SELECT w.basis, 255, 0, 0, 0,
		       s.people_n - l.people_n, s.people_sum - l.people_sum,
		       s.people_sq - l.people_sq, s.vehicle_n - l.vehicle_n,
		       s.vehicle_sum - l.vehicle_sum,
		       s.vehicle_sq - l.vehicle_sq, s.face_n - l.face_n,
		       s.face_sum - l.face_sum, s.face_sq - l.face_sq
		FROM (SELECT SUM(people_n) AS people_n,
			     SUM(people_sum) AS people_sum,
			     SUM(people_sq) AS people_sq,
			     SUM(vehicle_n) AS vehicle_n,
			     SUM(vehicle_sum) AS vehicle_sum,
			     SUM(vehicle_sq) AS vehicle_sq,
			     SUM(face_n) AS face_n, SUM(face_sum) AS face_sum,
			     SUM(face_sq) AS face_sq
		      FROM stats_day
		      WHERE camera_id = p_camera_id AND local_date < p_today
			AND local_date >= GREATEST(w.a, v_from)
		      HAVING people_n IS NOT NULL) s
		JOIN (SELECT COALESCE(SUM(people_n), 0) AS people_n,
			     COALESCE(SUM(people_sum), 0) AS people_sum,
			     COALESCE(SUM(people_sq), 0) AS people_sq,
			     COALESCE(SUM(vehicle_n), 0) AS vehicle_n,
			     COALESCE(SUM(vehicle_sum), 0) AS vehicle_sum,
			     COALESCE(SUM(vehicle_sq), 0) AS vehicle_sq,
			     COALESCE(SUM(face_n), 0) AS face_n,
			     COALESCE(SUM(face_sum), 0) AS face_sum,
			     COALESCE(SUM(face_sq), 0) AS face_sq
		      FROM work_left_out
		      WHERE local_date >= w.a AND local_date < p_today) l;
	END FOR;

	-- The widest level with 30 rows, per metric: ENUM order is widest first.
	SET v_people = (SELECT basis FROM work_reference
			WHERE slot = 255 AND people_n >= 30
			ORDER BY basis LIMIT 1);
	SET v_vehicle = (SELECT basis FROM work_reference
			WHERE slot = 255 AND vehicle_n >= 30
			ORDER BY basis LIMIT 1);
	SET v_face = (SELECT basis FROM work_reference
			WHERE slot = 255 AND face_n >= 30
			ORDER BY basis LIMIT 1);

	INSERT INTO work_value
		(camera_id, slot, k,
		 people_basis, people_n, people_mean, people_std,
		 vehicle_basis, vehicle_n, vehicle_mean, vehicle_std,
		 face_basis, face_n, face_mean, face_std)
	SELECT p_camera_id, h.seq, v_k,
	       p.basis, p.people_n, p.people_sum * 1e0 / p.people_n,
	       SQRT(CAST(p.people_n AS DECIMAL(30,0)) * p.people_sq
		    - CAST(p.people_sum AS DECIMAL(30,0)) * p.people_sum)
	       / p.people_n,
	       v.basis, v.vehicle_n, v.vehicle_sum * 1e0 / v.vehicle_n,
	       SQRT(CAST(v.vehicle_n AS DECIMAL(30,0)) * v.vehicle_sq
		    - CAST(v.vehicle_sum AS DECIMAL(30,0)) * v.vehicle_sum)
	       / v.vehicle_n,
	       f.basis, f.face_n, f.face_sum * 1e0 / f.face_n,
	       SQRT(CAST(f.face_n AS DECIMAL(30,0)) * f.face_sq
		    - CAST(f.face_sum AS DECIMAL(30,0)) * f.face_sum)
	       / f.face_n
	FROM seq_0_to_167 h
	LEFT JOIN work_reference o ON o.slot = h.seq
	LEFT JOIN work_reference p
		ON p.slot = IF(o.people_days >= 4, h.seq, 255)
		AND p.basis = IF(o.people_days >= 4, 'hour_of_week', v_people)
	LEFT JOIN work_reference v
		ON v.slot = IF(o.vehicle_days >= 4, h.seq, 255)
		AND v.basis = IF(o.vehicle_days >= 4, 'hour_of_week', v_vehicle)
	LEFT JOIN work_reference f
		ON f.slot = IF(o.face_days >= 4, h.seq, 255)
		AND f.basis = IF(o.face_days >= 4, 'hour_of_week', v_face)
	WHERE COALESCE(p.basis, v.basis, f.basis) IS NOT NULL;
	UPDATE work_value
	SET people_reference = people_mean + k * people_std,
	    people_low = people_mean - v_z * NULLIF(people_std, 0),
	    vehicle_reference = vehicle_mean + k * vehicle_std,
	    vehicle_low = vehicle_mean - v_z * NULLIF(vehicle_std, 0),
	    face_reference = face_mean + k * face_std,
	    face_low = face_mean - v_z * NULLIF(face_std, 0);

	-- A derived table: EXISTS would compare no columns at all.
	SELECT (SELECT COUNT(*) FROM work_value)
	       <> (SELECT COUNT(*) FROM reference_value
		   WHERE camera_id = p_camera_id)
	       OR (SELECT COUNT(*)
		   FROM (SELECT * FROM work_value EXCEPT
			 SELECT * FROM reference_value
			 WHERE camera_id = p_camera_id) d) > 0
	INTO v_changed;
	IF v_changed THEN
		SET STATEMENT innodb_lock_wait_timeout = 2 FOR
		DELETE FROM reference_value WHERE camera_id = p_camera_id;
		SET STATEMENT innodb_lock_wait_timeout = 2 FOR
		INSERT INTO reference_value SELECT * FROM work_value;
		UPDATE reference_version SET version = version + 1;
	END IF;
	REPLACE INTO reference_camera
		(camera_id, local_date, found, again, computed_at)
	SELECT p_camera_id, p_today,
	       CONCAT_WS(',', IF(SUM(people_n) > 0, 'people', NULL),
			 IF(SUM(vehicle_n) > 0, 'vehicle', NULL),
			 IF(SUM(face_n) > 0, 'face', NULL)),
	       FALSE, UTC_TIMESTAMP()
	FROM work_value;
	COMMIT;
	SET p_done = TRUE;
END
