-- SPDX-License-Identifier: MIT
-- put_batch: the rows of batch_row are in count_record as if each had been
-- written by itself: marked, and judged by the outlier rule.  All in one
-- transaction of its own; the same batch again changes nothing.
--
-- p_on_conflict says what becomes of a row whose key is stored with other
-- values: 'refuse' and 'keep' leave the stored row ('keep' means that this is
-- as it should be), 'replace' writes over it.  With p_store FALSE nothing is
-- written.  Returns line and verdict of every row that is not 'new'.
--
-- A key that somebody else stores between the look and the INSERT is error
-- 1062, and nothing is written: call it again, as after 1205 and 1213.
-- READ COMMITTED, so that the look locks no stored row.  Cameras are locked
-- against deletion and change of zone, and the bound of what is kept.
CREATE OR REPLACE PROCEDURE put_batch(p_on_conflict VARCHAR(8),
				      p_store BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_kept_from DATETIME;
	DECLARE v_cameras INT;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		SET @tally_bulk = NULL;
		ROLLBACK;
		RESIGNAL;
	END;

	IF COALESCE(p_on_conflict NOT IN ('refuse', 'replace', 'keep'), TRUE)
	THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
			'on conflict: refuse, replace or keep';
	END IF;
	SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
	START TRANSACTION;
	SELECT kept_from INTO v_kept_from FROM retention
	WHERE level = 'raw' LOCK IN SHARE MODE;
	SELECT COUNT(*) INTO v_cameras
	FROM (SELECT DISTINCT camera_id FROM batch_row) b
	STRAIGHT_JOIN camera c ON c.camera_id = b.camera_id
	LOCK IN SHARE MODE;

	UPDATE batch_row b
	LEFT JOIN camera c ON c.camera_id = b.camera_id
	LEFT JOIN calendar_offset o ON o.time_zone_id = c.time_zone_id
		AND o.day_utc = CAST(b.start_at AS DATE)
	LEFT JOIN count_record r ON r.camera_id = b.camera_id
		AND r.start_at = b.start_at
	SET b.verdict = CASE
		WHEN c.camera_id IS NULL THEN 'no_camera'
		WHEN o.day_utc IS NULL THEN 'no_calendar'
		WHEN b.start_at < v_kept_from THEN 'too_old'
		WHEN r.camera_id IS NULL THEN 'new'
		WHEN b.end_at = r.end_at AND b.people <=> r.people
		 AND b.vehicle <=> r.vehicle AND b.face <=> r.face
		 AND b.people_new <=> r.people_new
		 AND b.vehicle_new <=> r.vehicle_new
		 AND b.face_new <=> r.face_new AND b.car <=> r.car
		 AND b.bus <=> r.bus AND b.truck <=> r.truck
		 AND b.motorcycle <=> r.motorcycle
		 AND b.bicycle <=> r.bicycle AND b.scooter <=> r.scooter
		 AND b.observed_s = r.observed_s THEN 'duplicate'
		WHEN p_on_conflict = 'refuse' THEN 'conflict'
		WHEN p_on_conflict = 'keep' THEN 'kept'
		ELSE 'replaced' END, b.suspect = FALSE;

	IF p_store THEN
		SET @tally_bulk = 1;
		INSERT INTO count_record (
			camera_id, start_at, end_at, people, vehicle, face,
			people_new, vehicle_new, face_new, car, bus, truck,
			motorcycle, bicycle, scooter, observed_s)
		SELECT camera_id, start_at, end_at, people, vehicle, face,
		       people_new, vehicle_new, face_new, car, bus, truck,
		       motorcycle, bicycle, scooter, observed_s
		FROM batch_row WHERE verdict = 'new'
		ORDER BY camera_id, start_at;
		SET @tally_bulk = NULL;
		INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
		SELECT DISTINCT start_at - INTERVAL (TO_SECONDS(start_at)
						     MOD 900) SECOND, camera_id
		FROM batch_row WHERE verdict = 'new' ORDER BY 1, 2;
		-- Rows at even distances are one run.
		INSERT INTO stream_inbox (row_n, runs)
		SELECT SUM(n), GROUP_CONCAT(camera_id, ' ', first_at + 0, ' ',
			step_s, ' ', n ORDER BY camera_id, first_at
			SEPARATOR '\n')
		FROM (SELECT camera_id, MIN(start_at) AS first_at,
			     IF(COUNT(*) > 1, MAX(step_s), 0) AS step_s,
			     COUNT(*) AS n, MIN(line) DIV 5000 AS part
		      FROM (SELECT line, camera_id, start_at, step_s,
				   SUM(step_s <> before_s) OVER w AS run
			    FROM (SELECT line, camera_id, start_at, step_s,
					 COALESCE(LAG(step_s) OVER w, -1)
						AS before_s
				  FROM (SELECT line, camera_id, start_at,
					       COALESCE(TIMESTAMPDIFF(SECOND,
						LAG(start_at) OVER w,
						start_at), 0) AS step_s
					FROM batch_row WHERE verdict = 'new'
					WINDOW w AS (PARTITION BY camera_id
						     ORDER BY start_at)) a
				  WINDOW w AS (PARTITION BY camera_id
					       ORDER BY start_at)) b
			    WINDOW w AS (PARTITION BY camera_id
					 ORDER BY start_at)) c
		      GROUP BY camera_id, run) d
		GROUP BY part;
		CALL judge_batch();
		-- The row triggers mark and judge what is corrected.
		UPDATE batch_row b STRAIGHT_JOIN count_record r
			ON r.camera_id = b.camera_id
			AND r.start_at = b.start_at
		SET r.end_at = b.end_at, r.people = b.people,
		    r.vehicle = b.vehicle, r.face = b.face,
		    r.people_new = b.people_new,
		    r.vehicle_new = b.vehicle_new, r.face_new = b.face_new,
		    r.car = b.car, r.bus = b.bus, r.truck = b.truck,
		    r.motorcycle = b.motorcycle, r.bicycle = b.bicycle,
		    r.scooter = b.scooter, r.observed_s = b.observed_s,
		    r.detail = NULL
		WHERE b.verdict = 'replaced';
	END IF;
	COMMIT;
	SELECT line, verdict FROM batch_row WHERE verdict <> 'new'
	ORDER BY line;
END
