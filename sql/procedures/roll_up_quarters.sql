-- SPDX-License-Identifier: MIT
-- roll_up_quarters: the quarter hours in work_part equal their raw rows.
-- A step of roll_up_claimed.  Quarters are read as runs per camera, and
-- gaps of up to an hour are read along: a range per quarter would cost more
-- than the rows in between.  Quarters before raw rows are kept stay as they are.
CREATE OR REPLACE PROCEDURE roll_up_quarters()
MODIFIES SQL DATA
BEGIN
	DECLARE v_from DATETIME;

	SELECT kept_from('raw') INTO v_from;
	FOR r IN (
		SELECT camera_id, MIN(start_at) AS a,
		       MAX(start_at) + INTERVAL 900 SECOND AS b
		FROM (SELECT camera_id, start_at,
			     SUM(apart) OVER (PARTITION BY camera_id
					      ORDER BY start_at) AS run
		      FROM (SELECT camera_id, start_at,
				   COALESCE(TIMESTAMPDIFF(SECOND,
					LAG(start_at) OVER
						(PARTITION BY camera_id
						 ORDER BY start_at),
					start_at) > 4500, 1) AS apart
			    FROM work_part
			    WHERE start_at >= v_from
			      AND TO_SECONDS(start_at) MOD 900 = 0) d) g
		GROUP BY camera_id, run)
	DO
		CALL sum_quarters(r.camera_id, r.a, r.b);
	END FOR;
	-- A quarter with a change of offset inside is two (roll_up_claimed).
	FOR s IN (SELECT camera_id, change_at, change_at - INTERVAL
			 (TO_SECONDS(change_at) MOD 900) SECOND AS a
		  FROM work_part
		  WHERE start_at = change_at AND start_at >= v_from
		    AND TO_SECONDS(change_at) MOD 900 <> 0)
	DO
		DELETE FROM work_quarter
		WHERE camera_id = s.camera_id AND start_at = s.a;
		CALL sum_quarters(s.camera_id, s.a, s.change_at);
		CALL sum_quarters(s.camera_id, s.change_at,
				  s.a + INTERVAL 900 SECOND);
	END FOR;

	DELETE s FROM work_part p STRAIGHT_JOIN stats_quarter s
		ON s.camera_id = p.camera_id AND s.start_at = p.start_at
	WHERE p.start_at >= v_from;
	INSERT INTO stats_quarter
		(camera_id, start_at, row_n, observed_s, people_n, people_sum,
		people_sq, people_min, people_max, people_new, vehicle_n,
		vehicle_sum, vehicle_sq, vehicle_min, vehicle_max, vehicle_new,
		face_n, face_sum, face_sq, face_min, face_max, face_new, car,
		bus, truck, motorcycle, bicycle, scooter)
	SELECT q.camera_id, q.start_at, q.row_n, q.observed_s, q.people_n,
	       q.people_sum, q.people_sq, q.people_min, q.people_max,
	       q.people_new, q.vehicle_n, q.vehicle_sum, q.vehicle_sq,
	       q.vehicle_min, q.vehicle_max, q.vehicle_new, q.face_n,
	       q.face_sum, q.face_sq, q.face_min, q.face_max, q.face_new,
	       q.car, q.bus, q.truck, q.motorcycle, q.bicycle, q.scooter
	FROM work_part p STRAIGHT_JOIN work_quarter q
		ON q.camera_id = p.camera_id AND q.start_at = p.start_at;

	DELETE s FROM work_part p STRAIGHT_JOIN stats_quarter_partial s
		ON s.camera_id = p.camera_id AND s.start_at = p.start_at
	WHERE p.start_at >= v_from;
	FOR h IN (SELECT q.camera_id, q.start_at
		  FROM work_part p STRAIGHT_JOIN work_quarter q
			ON q.camera_id = p.camera_id
			AND q.start_at = p.start_at
		  WHERE q.partial)
	DO
		CALL sum_partial(h.camera_id, h.start_at);
	END FOR;
END
