-- SPDX-License-Identifier: MIT
-- roll_up_quarters: the quarter hours in work_part equal their raw rows.
-- A step of roll_up_claimed.  Quarters are read as runs per camera, and
-- gaps of up to an hour are read along: a range per quarter would cost more
-- than the rows in between.  Cameras with the same run are read together.
-- Quarters whose raw rows are dropped stay as they are.
CREATE OR REPLACE PROCEDURE roll_up_quarters()
MODIFIES SQL DATA
BEGIN
	DECLARE v_from DATETIME;

	SELECT raw_from() INTO v_from;
	INSERT INTO work_run (camera_id, from_at, to_at)
	SELECT camera_id, start_at,
	       IF(is_last, start_at, next_at) + INTERVAL 900 SECOND
	FROM (SELECT camera_id, start_at, is_first, is_last,
		     LEAD(start_at) OVER (PARTITION BY camera_id
					  ORDER BY start_at) AS next_at
	      FROM (SELECT camera_id, start_at,
			   COALESCE(start_at - INTERVAL 4500 SECOND
				    > LAG(start_at) OVER w, TRUE) AS is_first,
			   COALESCE(start_at + INTERVAL 4500 SECOND
				    < LEAD(start_at) OVER w, TRUE) AS is_last
		    FROM work_part
		    WHERE start_at >= v_from
		      AND TO_SECONDS(start_at) MOD 900 = 0
		    WINDOW w AS (PARTITION BY camera_id
				 ORDER BY start_at)) q
	      WHERE is_first OR is_last) e
	WHERE is_first;
	FOR r IN (SELECT from_at, to_at,
			 MAX(IF(nth MOD 8 = 1, camera_id, NULL)) AS c1,
			 MAX(IF(nth MOD 8 = 2, camera_id, NULL)) AS c2,
			 MAX(IF(nth MOD 8 = 3, camera_id, NULL)) AS c3,
			 MAX(IF(nth MOD 8 = 4, camera_id, NULL)) AS c4,
			 MAX(IF(nth MOD 8 = 5, camera_id, NULL)) AS c5,
			 MAX(IF(nth MOD 8 = 6, camera_id, NULL)) AS c6,
			 MAX(IF(nth MOD 8 = 7, camera_id, NULL)) AS c7,
			 MAX(IF(nth MOD 8 = 0, camera_id, NULL)) AS c8
		  FROM (SELECT camera_id, from_at, to_at,
			       ROW_NUMBER() OVER (PARTITION BY from_at, to_at
						  ORDER BY camera_id) AS nth
			FROM work_run) n
		  GROUP BY from_at, to_at, (nth - 1) DIV 8)
	DO
		CALL sum_quarters(r.from_at, r.to_at, r.c1, r.c2, r.c3, r.c4,
				  r.c5, r.c6, r.c7, r.c8);
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
		CALL sum_quarters(s.a, s.change_at, s.camera_id, NULL, NULL,
				  NULL, NULL, NULL, NULL, NULL);
		CALL sum_quarters(s.change_at, s.a + INTERVAL 900 SECOND,
				  s.camera_id, NULL, NULL, NULL, NULL, NULL,
				  NULL, NULL);
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
