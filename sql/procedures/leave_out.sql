-- SPDX-License-Identifier: MIT
-- leave_out: fills work_left_out with what the sums of one camera hold that its
-- references for local day p_today do not: all of that day and of later ones;
-- before it rows watched for less than half of their interval; and, as the
-- setting reference_outliers says, the metrics that were judged outliers.
--
-- An outlier whose quarter hour is marked is not in the sums yet, or not with
-- these values, and is left out the next time.  One statement reads outliers
-- and marks, as of one moment; what it takes for counted stays so, for the
-- caller holds roll_up_lock().
-- A step of compute_reference.
CREATE OR REPLACE PROCEDURE leave_out(p_camera_id INT UNSIGNED, p_today DATE,
				      p_from DATE)
MODIFIES SQL DATA
BEGIN
	DECLARE v_outliers VARCHAR(255) DEFAULT COALESCE(
		(SELECT value FROM setting WHERE name = 'reference_outliers'),
		'with');
	DECLARE v_z DOUBLE DEFAULT COALESCE(setting_number('alert_z'), 4);

	INSERT INTO work_left_out
	SELECT local_date, start_at, local_hour, people_n, people_sum,
	       people_sq, vehicle_n, vehicle_sum, vehicle_sq, face_n, face_sum,
	       face_sq
	FROM stats_hour
	WHERE camera_id = p_camera_id AND local_date >= p_today;

	INSERT INTO work_left_out
	SELECT p.local_date, p.start_at, s.local_hour, p.people_n,
	       p.people_sum, p.people_sq, p.vehicle_n, p.vehicle_sum,
	       p.vehicle_sq, p.face_n, p.face_sum, p.face_sq
	FROM stats_hour_partial p JOIN stats_hour s
		USING (camera_id, local_date, start_at)
	WHERE p.camera_id = p_camera_id
	  AND p.local_date >= p_from AND p.local_date < p_today;

	IF v_outliers IN ('without', 'without_alerts') THEN
		INSERT INTO work_left_out
		SELECT h.local_date, h.start_at, h.local_hour,
		       COUNT(o.people), COALESCE(SUM(o.people), 0),
		       COALESCE(SUM(o.people * o.people), 0),
		       COUNT(o.vehicle), COALESCE(SUM(o.vehicle), 0),
		       COALESCE(SUM(o.vehicle * o.vehicle), 0),
		       COUNT(o.face), COALESCE(SUM(o.face), 0),
		       COALESCE(SUM(o.face * o.face), 0)
		FROM (SELECT camera_id, start_at,
			     MAX(IF(p, people, NULL)) AS people,
			     MAX(IF(v, vehicle, NULL)) AS vehicle,
			     MAX(IF(f, face, NULL)) AS face
		      FROM (SELECT camera_id, start_at, end_at, observed_s,
				   state, people, vehicle, face,
				   FIND_IN_SET('people', exceeded)
				   AND (v_outliers = 'without'
					OR people_z >= v_z) AS p,
				   FIND_IN_SET('vehicle', exceeded)
				   AND (v_outliers = 'without'
					OR vehicle_z >= v_z) AS v,
				   FIND_IN_SET('face', exceeded)
				   AND (v_outliers = 'without'
					OR face_z >= v_z) AS f
			    FROM outlier_backup
			    WHERE camera_id = p_camera_id
			    UNION ALL
			    SELECT camera_id, start_at, end_at, observed_s,
				   state, people, vehicle, face,
				   FIND_IN_SET('people', below),
				   FIND_IN_SET('vehicle', below),
				   FIND_IN_SET('face', below)
			    FROM outlier_low
			    WHERE camera_id = p_camera_id) b
		      WHERE state NOT IN ('withdrawn', 'dismissed')
			AND observed_s * 2
			    >= TIMESTAMPDIFF(SECOND, start_at, end_at)
		      GROUP BY camera_id, start_at) o
		STRAIGHT_JOIN camera c ON c.camera_id = o.camera_id
		STRAIGHT_JOIN calendar_offset k
			ON k.time_zone_id = c.time_zone_id
			AND k.day_utc = CAST(o.start_at AS DATE)
		STRAIGHT_JOIN stats_hour h ON h.camera_id = o.camera_id
			AND h.local_date = CAST(o.start_at + INTERVAL
				IF(k.change_at IS NULL
				   OR o.start_at < k.change_at,
				   k.offset_s, k.offset2_s) SECOND AS DATE)
			AND h.start_at <= o.start_at AND h.end_at > o.start_at
		LEFT JOIN dirty_quarter d
			ON d.start_at = o.start_at - INTERVAL
				(TO_SECONDS(o.start_at) MOD 900) SECOND
			AND d.camera_id = o.camera_id
		LEFT JOIN claimed_quarter q ON q.camera_id = o.camera_id
			AND q.start_at = o.start_at - INTERVAL
				(TO_SECONDS(o.start_at) MOD 900) SECOND
		WHERE d.camera_id IS NULL AND q.camera_id IS NULL
		  AND h.local_date >= p_from AND h.local_date < p_today
		GROUP BY h.local_date, h.start_at
		ON DUPLICATE KEY UPDATE
			people_n = work_left_out.people_n + VALUES(people_n),
			people_sum = work_left_out.people_sum
				+ VALUES(people_sum),
			people_sq = work_left_out.people_sq + VALUES(people_sq),
			vehicle_n = work_left_out.vehicle_n + VALUES(vehicle_n),
			vehicle_sum = work_left_out.vehicle_sum
				+ VALUES(vehicle_sum),
			vehicle_sq = work_left_out.vehicle_sq
				+ VALUES(vehicle_sq),
			face_n = work_left_out.face_n + VALUES(face_n),
			face_sum = work_left_out.face_sum + VALUES(face_sum),
			face_sq = work_left_out.face_sq + VALUES(face_sq);
	END IF;
END
