-- SPDX-License-Identifier: MIT
-- compute_references: every camera has the references of its local day.
-- Cameras are due at the first run of their day; when rows of earlier days
-- arrived for one without any reference; or all of them, when asked.
-- Returns how many were computed, and whether the time was enough.
CREATE OR REPLACE PROCEDURE compute_references(p_all BOOLEAN, p_budget_s INT,
	OUT p_cameras INT UNSIGNED, OUT p_done BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);

	SET p_cameras = 0, p_done = TRUE;
	FOR c IN (SELECT m.time_zone_id, m.camera_id
		  FROM camera m LEFT JOIN camera_clock c
			ON c.camera_id = m.camera_id
		  WHERE NOT COALESCE(v_now >= c.valid_from
				     AND v_now < c.valid_to, FALSE))
	DO
		CALL set_clock(c.time_zone_id, c.camera_id);
	END FOR;
	FOR d IN (SELECT c.camera_id,
			 CAST(v_now + INTERVAL c.offset_s SECOND AS DATE)
				AS today
		  FROM camera_clock c LEFT JOIN reference_camera r
			ON r.camera_id = c.camera_id
		  WHERE p_all OR r.camera_id IS NULL OR r.again
		     OR r.local_date <>
			CAST(v_now + INTERVAL c.offset_s SECOND AS DATE)
		  ORDER BY c.camera_id)
	DO
		IF UTC_TIMESTAMP(3) < v_now + INTERVAL p_budget_s SECOND THEN
			CALL compute_reference(d.camera_id, d.today);
			SET p_cameras = p_cameras + 1;
		ELSE
			SET p_done = FALSE;
		END IF;
	END FOR;
END
