-- SPDX-License-Identifier: MIT
-- compute_references: every camera has the references of its local day.
-- Cameras are due at the first run of their day; when rows of earlier days
-- arrived for one without any reference; or all of them, when asked.
-- Returns how many were computed, and whether these are all: the time may not
-- be enough, or a transaction in the way.  Who asked for all of them waits for
-- it, as long as there is time.  What is left stays due.
CREATE OR REPLACE PROCEDURE compute_references(p_all BOOLEAN, p_budget_s INT,
	OUT p_cameras INT UNSIGNED, OUT p_done BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
	DECLARE v_end DATETIME(3) DEFAULT v_now + INTERVAL p_budget_s SECOND;
	DECLARE v_one BOOLEAN;

	SET p_cameras = 0;
	IF p_all THEN
		UPDATE reference_camera SET again = TRUE;
	END IF;
	REPEAT
		SET p_done = TRUE;
		FOR d IN (SELECT c.camera_id, c.today
			  FROM (SELECT m.camera_id, CAST(v_now + INTERVAL IF(
					o.change_at IS NULL OR v_now < o.change_at,
					o.offset_s, o.offset2_s) SECOND AS DATE)
					AS today
				FROM camera m JOIN calendar_offset o
					ON o.time_zone_id = m.time_zone_id
					AND o.day_utc = CAST(v_now AS DATE)) c
			  LEFT JOIN reference_camera r
				ON r.camera_id = c.camera_id
			  WHERE r.camera_id IS NULL OR r.again
			     OR r.local_date <> c.today
			  ORDER BY c.camera_id)
		DO
			SET v_one = FALSE;
			IF UTC_TIMESTAMP(3) < v_end THEN
				CALL compute_reference(d.camera_id, d.today,
						       v_one);
			END IF;
			SET p_cameras = p_cameras + v_one,
			    p_done = p_done AND v_one;
		END FOR;
	UNTIL p_done OR NOT p_all OR UTC_TIMESTAMP(3) >= v_end END REPEAT;
END
